"""The engines by name, and their life.

Each engine has its own data, state, socket and mount namespace, and shares the network namespace
of the host, where the packet filter of what is tested lives. So run one after the other wherever
the network is tested: two engines write the same chains of the packet filter.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.hosts import mounts, processes, roots
from tests.hosts.processes import Process
from tests.hosts.unix_http import get_json

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "engines"

_HOST_ENGINE = Path("/usr/sbin/dockerd")
_HOST_CONTAINERD = Path("/run/containerd")
_ANSWER_SECONDS = 60
_STOP_SECONDS = 30


@dataclass(frozen=True)
class Generation:
    """One generation of Docker Engine, and the Debian suites that have it, first choice first."""

    suites: tuple[str, ...]
    major_of_host: int | None  # the host's own engine serves, if it is of this version


GENERATIONS = {
    "20": Generation(suites=("bookworm",), major_of_host=20),
    "28": Generation(suites=("sid", "trixie"), major_of_host=None),
}


@dataclass(frozen=True)
class Engine:
    """A running engine."""

    name: str
    socket: Path
    version: str
    api_version: str
    log: Path
    root: Path | None  # the tree it was taken from; None for the host's own

    @property
    def docker_host(self) -> str:
        return f"unix://{self.socket}"


@dataclass(frozen=True)
class _Places:
    """Where one engine keeps its things. Sockets need short paths, so they are not in the cache."""

    data: Path
    log: Path
    state: Path

    @classmethod
    def of(cls, name: str) -> _Places:
        clone = hashlib.sha256(str(CACHE).encode()).hexdigest()[:8]
        return cls(
            data=CACHE / name,
            log=CACHE / f"{name}.log",
            state=Path(f"/run/orchestr8-engines-{clone}") / name,
        )

    @property
    def socket(self) -> Path:
        return self.state / "docker.sock"

    @property
    def process(self) -> Path:
        return self.state / "process.json"

    @property
    def pid_files(self) -> tuple[Path, Path]:
        """What dockerd keeps for itself and for its containerd."""
        return self.state / "docker.pid", self.state / "exec/containerd/containerd.pid"


@contextlib.contextmanager
def engine(name: str) -> Iterator[Engine]:
    """The engine of this name; stopped at the end only if it did not run before."""
    found = running(name)
    if found:
        yield found
        return
    started = start(name)
    try:
        yield started
    finally:
        stop(name)


def running(name: str) -> Engine | None:
    """The engine, if it runs and answers."""
    places = _Places.of(name)
    if not Process.read(places.process):
        return None
    try:
        return _described(name, places)
    except OSError:
        return None


def start(name: str) -> Engine:
    """Start the engine unless it runs; it stays until `stop`."""
    if os.geteuid() != 0:
        raise PermissionError("a Docker Engine needs root")
    places = _Places.of(name)
    for folder in (places.data / "etc", places.state):
        folder.mkdir(parents=True, exist_ok=True)
    places.state.parent.chmod(0o700)
    with (places.data / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = running(name)
        if found:
            return found
        _end_leftovers(places)
        _forget_numbers(places)
        mounts.share_folders()
        root = _root_of(GENERATIONS[name])
        places.log.write_text("")
        process = processes.spawn(_command(places, root), places.log)
        process.write(places.process)
        return _await_answer(name, places, process)


def stop(name: str) -> None:
    """Stop the engine and all boxes in it; its images and volumes stay."""
    places = _Places.of(name)
    process = Process.read(places.process)
    if process:
        process.end(_STOP_SECONDS)
    _end_leftovers(places)
    places.process.unlink(missing_ok=True)


def kill(name: str) -> None:
    """SIGKILL, as a crash; whatever ran below it is ended when it is started again."""
    process = Process.read(_Places.of(name).process)
    if process:
        os.kill(process.pid, signal.SIGKILL)
        process.end(0)


def prepare() -> None:
    """Make the roots of all engines, so that no test has to wait for one."""
    for generation in GENERATIONS.values():
        _root_of(generation)


def wipe(name: str) -> None:
    """Stop the engine and forget its images, containers and volumes."""
    stop(name)
    places = _Places.of(name)
    for folder in (places.data, places.state):
        if folder.exists():
            shutil.rmtree(folder)


def _end_leftovers(places: _Places) -> None:
    # A killed dockerd leaves its containerd and shims; only ours name a path in our state folder.
    for process in processes.naming(places.state):
        process.end(5)


def _forget_numbers(places: _Places) -> None:
    """A killed dockerd leaves its number and containerd's, and the next one believes them: where
    another process has them by now, it refuses to start, or ends that one as its containerd."""
    for file in places.pid_files:
        with contextlib.suppress(OSError, ValueError):
            arguments = Path(f"/proc/{int(file.read_text())}/cmdline").read_bytes().split(b"\0")
            if _pid_argument(places).encode() in arguments:
                continue
        file.unlink(missing_ok=True)


def _pid_argument(places: _Places) -> str:
    return f"--pidfile={places.pid_files[0]}"


def _root_of(generation: Generation) -> Path | None:
    if generation.major_of_host and _host_major() == generation.major_of_host:
        return None
    return roots.ensure_root(generation.suites, CACHE)


def _host_major() -> int | None:
    if not _HOST_ENGINE.exists():
        return None
    answer = subprocess.run([_HOST_ENGINE, "--version"], capture_output=True, text=True)
    found = re.search(r"version (\d+)\.", answer.stdout)
    return int(found[1]) if found else None


def _command(places: _Places, root: Path | None) -> list[str]:
    """dockerd in a mount namespace of its own, in which all paths of the host stay as they are.

    Only /usr (and what belongs to it in /etc) comes from the other suite. A pivoted root would
    do as well, but then each folder that a box may bind would have to be named in advance.
    """
    configuration = places.data / "daemon.json"
    configuration.write_text("{}")
    binds = [(places.data / "etc", Path("/etc/docker"))]  # 20.10 keeps the engine's id there
    if root:
        borrowed = ("usr", "etc/alternatives", "etc/ld.so.cache")
        binds += [(root / path, Path("/") / path) for path in borrowed]
    Path("/etc/docker").mkdir(exist_ok=True)
    script = "".join(f"mount --bind '{source}' '{target}' && " for source, target in binds)
    if _HOST_CONTAINERD.is_dir():
        # It would be used in place of one of the engine's own, and sees no mount of this namespace.
        script += f"mount -t tmpfs tmpfs {_HOST_CONTAINERD} && "
    daemon = [
        str(_HOST_ENGINE),
        f"--config-file={configuration}",
        f"--data-root={places.data / 'data'}",
        f"--exec-root={places.state / 'exec'}",
        _pid_argument(places),
        f"--host=unix://{places.socket}",
        "--bridge=none",
        "--log-level=warn",
    ]
    namespace = ["unshare", "--mount", "--propagation", "slave"]
    return [*namespace, "sh", "-c", script + 'exec "$@"', "sh", *daemon]


def _await_answer(name: str, places: _Places, process: Process) -> Engine:
    deadline = time.monotonic() + _ANSWER_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            return _described(name, places)
        if not process.alive():
            break
        time.sleep(0.05)
    process.end(5)
    last = "".join(f"\n  {line}" for line in places.log.read_text().splitlines()[-15:])
    raise RuntimeError(f"engine {name} did not answer; the end of {places.log}:{last}")


def _described(name: str, places: _Places) -> Engine:
    version = get_json(places.socket, "/version")
    generation = GENERATIONS[name]
    root = None
    if generation.major_of_host != int(version["Version"].split(".")[0]):
        root = next(
            (
                CACHE / f"root-{suite}"
                for suite in generation.suites
                if (CACHE / f"root-{suite}").is_dir()
            ),
            None,
        )
    return Engine(name, places.socket, version["Version"], version["ApiVersion"], places.log, root)
