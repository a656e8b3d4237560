"""Starting, finding again and ending one daemon, never a stranger that got its number."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from orchestr8.descriptors import readable


@dataclass(frozen=True)
class Process:
    """A process by number and start time: a number alone may be somebody else's by now."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        return cls(pid, _start_time(pid))

    @classmethod
    def read(cls, file: Path) -> Process | None:
        """What `write` left in the file, if that process still lives."""
        try:
            fields = json.loads(file.read_text())
            process = cls(int(fields["pid"]), int(fields["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return process if process.alive() else None

    def write(self, file: Path) -> None:
        file.write_text(json.dumps({"pid": self.pid, "started": self.started}))

    def alive(self) -> bool:
        try:
            return self.pid > 1 and _start_time(self.pid) == self.started
        except OSError:
            return False

    def end(self, grace_seconds: float) -> bool:
        """SIGTERM, then SIGKILL when the grace is over; whether it went by itself."""
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            handle = os.pidfd_open(self.pid)
            try:
                return not self.alive() or _end(handle, grace_seconds)
            finally:
                os.close(handle)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(self.pid, os.WNOHANG)
        return True


def _end(handle: int, grace_seconds: float) -> bool:
    signal.pidfd_send_signal(handle, signal.SIGTERM)
    if readable([handle], grace_seconds):
        return True
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    readable([handle], 5)
    return False


def _start_time(pid: int) -> int:
    # The command name may hold spaces and brackets, so count fields from the last bracket on.
    text = Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2 :].split()
    if fields[0] == "Z":
        raise ProcessLookupError(pid)
    return int(fields[19])


def spawn(arguments: list[str], log: Path) -> Process:
    """Start in a session of its own, so that the terminal's signals and end do not reach it."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process.of(child.pid)


def naming(path: Path) -> list[Process]:
    """Every live process whose command line names a path below this folder."""
    wanted = f"{path}/".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError, ValueError):
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            if any(argument.startswith(wanted) for argument in arguments):
                found.append(Process.of(int(entry.name)))
    return found
