"""A virtual machine of the kind that users have: systemd, pure cgroup v2, AppArmor in force.

Emulated, so it needs no support by the processor and is slow: times inside mean nothing. Its root
is made once of Debian's packages; each machine starts from a fresh copy and keeps it over reboots
and power cuts. Commands run inside through a serial port, so that no network leads in or out.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".cache" / "vm"

SUITE = "bookworm"
PACKAGES = (
    "systemd-sysv", "linux-image-cloud-amd64", "udev", "dbus", "kmod", "procps", "apparmor",
    "python3", "python3-venv", "python3-pip", "iproute2", "nftables", "iptables", "docker.io",
    "ca-certificates", "curl", "crun", "conmon", "skopeo", "umoci", "e2fsprogs", "libpam-systemd",
)  # fmt: skip
_LEFT_OUT = ("doc", "man", "locale", "info")

PROJECT = "/project"
"""Where the folder that a machine is given is seen inside it, read-only."""

_PORT = "/dev/virtio-ports/orchestr8"
_DISK_SIZE = "8G"
_BOOT_SECONDS = 600
_AGENT = Path(__file__).with_name("vm_agent.py")
_MOUNTS = f"/dev/vdb {PROJECT} ext4 ro,nofail,x-systemd.device-timeout={_BOOT_SECONDS} 0 0\n"
_UNIT = f"""\
[Unit]
Description=Commands from outside
After=multi-user.target
RequiresMountsFor={PROJECT}
[Service]
ExecStart=/usr/bin/python3 /usr/local/lib/vm_agent.py {_PORT}
Restart=always
RestartSec=1
KillMode=process
[Install]
WantedBy=multi-user.target
"""


class MachineError(Exception):
    """The machine did not do what it was told; the message ends with its last lines."""


@dataclass(frozen=True)
class Answer:
    """What became of a command inside; `output` is both its streams."""

    status: int
    output: str


class Machine:
    """One virtual machine; `start` boots it, and what it wrote is there at the next start."""

    def __init__(self, folder: Path, project: Path) -> None:
        """`folder` keeps its disks; `project` is shown inside it at PROJECT."""
        kernel, initrd, base = ensure_base()
        self._boot = (kernel, initrd)
        self._folder = folder
        self._disks = (folder / "root.img", folder / "project.img")
        self._process: subprocess.Popen[bytes] | None = None
        subprocess.run(["cp", "--sparse=always", base, self._disks[0]], check=True)
        _make_disk(project, self._disks[1], _size_for(project))

    @property
    def log(self) -> Path:
        """What the console said, of all boots."""
        return self._folder / "console.log"

    def start(self) -> None:
        """Boots the machine and returns once it takes commands."""
        assert self._process is None, "it runs already"
        ours, theirs = socket.socketpair()
        with theirs, self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(theirs.fileno()), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[theirs.fileno()],
            )  # fmt: skip
        self._socket = ours
        self._line = ours.makefile("rb")
        self._hear(_BOOT_SECONDS)

    def run(self, command: str, timeout: float = 600, text: str = "") -> Answer:
        """Runs a shell command inside as root, with `text` as its input.

        `timeout` is in seconds; a command that it ends has the exit status 124.
        """
        request = json.dumps({"command": command, "timeout": timeout, "text": text})
        self._socket.settimeout(timeout + 60)
        self._socket.sendall(request.encode() + b"\n")
        return self._hear(timeout + 60)

    def check(self, command: str, timeout: float = 600, text: str = "") -> str:
        """Runs a command inside that must succeed, and returns what it printed."""
        answer = self.run(command, timeout, text)
        if answer.status:
            raise MachineError(f"exit status {answer.status} of {command}:\n{answer.output}")
        return answer.output

    def reboot(self) -> None:
        """An orderly shutdown by systemd, and a new boot."""
        self.stop()
        self.start()

    def cut_power(self) -> None:
        """Ends the machine between two of its instructions; what was not on its disk is lost."""
        if self._process:
            self._process.kill()
            self._end()

    def stop(self) -> None:
        """Shuts the machine down in order."""
        if not self._process:
            return
        self._socket.sendall(b'{"command": "systemctl poweroff", "timeout": 60, "text": ""}\n')
        try:
            self._process.wait(_BOOT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._end()
            raise self._error("it did not shut down") from None
        self._end()

    def _end(self) -> None:
        assert self._process
        self._process.wait()
        self._line.close()
        self._socket.close()
        self._process = None

    def _hear(self, seconds: float) -> Answer:
        self._socket.settimeout(seconds)
        try:
            line = self._line.readline()
        except TimeoutError:
            raise self._error(f"no answer within {seconds:.0f} s") from None
        if not line:
            raise self._error("it went down")
        document = json.loads(line)
        return Answer(document["status"], document["output"])

    def _error(self, what: str) -> MachineError:
        last = self.log.read_text(errors="replace").splitlines()[-25:]
        return MachineError("\n  ".join([f"{what}; the end of {self.log}:", *last]))

    def _command(self, port: int) -> list[str]:
        kernel, initrd = self._boot
        root, project = self._disks
        drive = "if=virtio,format=raw,file="
        return [
            "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2",
            "-m", "3072", "-nographic", "-no-reboot", "-nic", "none",
            "-kernel", str(kernel), "-initrd", str(initrd),
            "-append", "root=/dev/vda rw console=ttyS0 quiet panic=1",
            "-drive", f"{drive}{root},cache=unsafe", "-drive", f"{drive}{project},readonly=on",
            "-device", "virtio-serial",
            "-chardev", f"socket,id=port,fd={port}",
            "-device", "virtserialport,chardev=port,name=orchestr8",
        ]  # fmt: skip


@contextmanager
def machine(project: Path) -> Iterator[Machine]:
    """A machine that has not booted yet; at the end it is switched off and forgotten."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="machine-") as folder:
        made = Machine(Path(folder), project)
        try:
            yield made
        finally:
            made.cut_power()


def lacks() -> str:
    """What this host lacks to have a machine, as a sentence; empty if nothing."""
    programs = ("qemu-system-x86_64", "mmdebstrap", "mkfs.ext4")
    missing = [name for name in programs if not shutil.which(name)]
    return f"{', '.join(missing)} not installed: `.ci/setup vm` does" if missing else ""


def has_base() -> bool:
    """Whether the pristine disk is there already."""
    return _base_folder().is_dir()


def ensure_base() -> tuple[Path, Path, Path]:
    """Kernel, initial RAM disk and pristine disk; made once, kept by what they are made of."""
    folder = _base_folder()
    if not folder.is_dir():
        print("making the virtual machine's disk (once, a minute or two)", file=sys.stderr)
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="making-") as scratch:
            _make_base(Path(scratch))
            (Path(scratch) / "done").rename(folder)
    return folder / "vmlinuz", folder / "initrd.img", folder / "base.img"


def _base_folder() -> Path:
    made_of = "\n".join([SUITE, *PACKAGES, _MOUNTS, _UNIT, _AGENT.read_text(), _DISK_SIZE])
    return CACHE / hashlib.sha256(made_of.encode()).hexdigest()[:12]


def _make_base(scratch: Path) -> None:
    root, done = scratch / "root", scratch / "done"
    done.mkdir()
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
    subprocess.run(
        ["mmdebstrap", "--variant=minbase", *excluded, f"--include={','.join(PACKAGES)}", SUITE,
         str(root)],
        check=True, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    (root / "etc/fstab").write_text(_MOUNTS)
    (root / "etc/hostname").write_text("machine\n")
    (root / PROJECT.lstrip("/")).mkdir()
    (root / "usr/local/lib/vm_agent.py").write_text(_AGENT.read_text())
    units = root / "etc/systemd/system"
    (units / "vm-agent.service").write_text(_UNIT)
    wanted = units / "multi-user.target.wants"
    wanted.mkdir(exist_ok=True)
    (wanted / "vm-agent.service").symlink_to("../vm-agent.service")
    for name, pattern in (("vmlinuz", "vmlinuz-*"), ("initrd.img", "initrd.img-*")):
        shutil.copy(next((root / "boot").glob(pattern)), done / name)
    _make_disk(root, done / "base.img", _DISK_SIZE)
    shutil.rmtree(root)


def _make_disk(content: Path, disk: Path, size: str) -> None:
    subprocess.run(
        ["mkfs.ext4", "-q", "-F", "-d", content, disk, size], check=True, stdout=subprocess.DEVNULL
    )


def _size_for(content: Path) -> str:
    used = subprocess.run(["du", "-sm", content], check=True, stdout=subprocess.PIPE, text=True)
    return f"{int(used.stdout.split()[0]) * 5 // 4 + 64}M"
