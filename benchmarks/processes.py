"""What the kernel counts of processes: their memory, their time, who made them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def held_kilobytes(pids: Iterable[int]) -> float:
    """Their memory, with what they share with others in proportion (PSS)."""
    lines = [
        line
        for pid in pids
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    ]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def spent_ms(pids: Iterable[int]) -> float:
    """Their processor time so far, in the kernel's steps."""
    return sum(sum(map(int, _stat(pid)[11:13])) for pid in pids) * TICK_MS


def now() -> float:
    """Seconds since the machine's boot, on the clock by which births are told."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def birth(pid: int) -> float:
    """When it was born, in seconds since the machine's boot, in the kernel's steps."""
    return int(_stat(pid)[19]) * TICK_MS / 1000


def parent(pid: int) -> int:
    """The process that it belongs to."""
    return int(_stat(pid)[1])


def children(name: str) -> Iterator[int]:
    """This process's own children whose name begins so."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            named = (folder / "comm").read_text("utf-8").startswith(name)
            if named and parent(int(folder.name)) == os.getpid():
                yield int(folder.name)
        except FileNotFoundError:
            continue


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on."""
    return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(") ")[2].split()


def kill(pid: int) -> None:
    """Ends a process at once, and never another that got its number."""
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)
