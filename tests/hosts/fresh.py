"""A machine that never saw the project: `python3 -m tests.hosts.fresh bookworm make demo`.

A minimal Debian root with Python, pip and make and nothing else, a copy of what git knows of this
checkout, and the command run there as its first process, with a network of its own that leads
out. The root is thrown away afterwards, and with its process namespace ends whatever the command
started.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".cache" / "fresh"
PACKAGES = "python3,python3-pip,make,ca-certificates"

# What a machine has by itself once it has a network.
_FROM_HOST = (
    "/etc/resolv.conf",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pip.conf",
    "/etc/apt/apt.conf.d/proxy.conf",
)

_NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc")

_ENTER = """
set -e
mount --rbind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p run/lock old
pivot_root . old
umount -l /old
rmdir /old
cd /root/orchestr8
shift
"$@"
"""


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    suite, *command = sys.argv[1:]
    archive = _archive(suite)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="root-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        subprocess.run(["tar", "-xpf", archive, "-C", root, "--exclude=./dev/*"], check=True)
        _copy_checkout(root / "root" / "orchestr8")
        for path in _FROM_HOST:
            if Path(path).is_file():
                (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, root / path.lstrip("/"))
        with _network() as network:
            entered = [
                "nsenter",
                f"--net=/run/netns/{network}",
                *_NAMESPACES,
                "sh",
                "-c",
                _ENTER,
                "sh",
            ]
            done = subprocess.run([*entered, root, *command], env=_environment(), check=False)
    return done.returncode


@contextlib.contextmanager
def _network() -> Iterator[str]:
    """A network namespace with one way out, through the host's address."""
    name = f"o8-fresh-{os.getpid()}"
    subnet = f"10.{213 + os.getpid() % 40}.{os.getpid() % 250}"
    inside, outside = f"{subnet}.2", f"{subnet}.1"
    link = f"o8f{os.getpid()}"
    rules = [
        ["-t", "nat", "{}", "POSTROUTING", "-s", inside, "-j", "MASQUERADE"],
        ["{}", "FORWARD", "-i", link, "-j", "ACCEPT"],
        ["{}", "FORWARD", "-o", link, "-j", "ACCEPT"],
    ]
    with contextlib.ExitStack() as undo:
        _run("ip", "netns", "add", name)
        undo.callback(_run, "ip", "netns", "del", name)
        _run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        _run("ip", "address", "add", f"{outside}/30", "dev", link)
        _run("ip", "link", "set", link, "up")
        _run("ip", "-n", name, "address", "add", f"{inside}/30", "dev", "eth0")
        for device in ("lo", "eth0"):
            _run("ip", "-n", name, "link", "set", device, "up")
        _run("ip", "-n", name, "route", "add", "default", "via", outside)
        _run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        for rule in rules:
            # First in the chain: a Docker Engine of the host drops what it does not know.
            _run("iptables", *[part.format("-I") for part in rule])
            undo.callback(_run, "iptables", *[part.format("-D") for part in rule])
        yield name


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _archive(suite: str) -> Path:
    archive = CACHE / f"{suite}.tar"
    if not archive.exists():
        print(f"making a minimal root of {suite} (once)", file=sys.stderr)
        CACHE.mkdir(parents=True, exist_ok=True)
        half_made = archive.with_suffix(".half-made.tar")
        subprocess.run(
            [
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                f"--include={PACKAGES}",
                '--aptopt=Acquire::Check-Valid-Until "false"',
                suite,
                str(half_made),
            ],
            check=True,
        )
        half_made.rename(archive)
    return archive


def _copy_checkout(target: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=CHECKOUT,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target / name, follow_symlinks=False)


def _environment() -> dict[str, str]:
    """The caller's, less what names places that the root does not have."""
    dropped = ("PYENV_ROOT", "PIP_FIND_LINKS", "DOCKER_HOST")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"}


if __name__ == "__main__":
    sys.exit(main())
