"""Processes by number and start time, and signals that can hit nobody else.

A number that was read somewhere is never given to kill(): a missing one read as -1 would end every
process of the machine. pidfd_open fails instead.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from orchestr8.descriptors import readable
from orchestr8.engines import living
from orchestr8.kernel import files

_HELD_AT_ONCE = 256
"""A box may have more processes than a process may have files."""


class Process(Struct, frozen=True, array_like=True):
    """A process; `started` is its start time in clock ticks since boot. Written as both numbers."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this number now, if there is one."""
        started = living.start_time(pid)
        return cls(pid, started) if started is not None else None

    @property
    def alive(self) -> bool:
        """Whether it is still that process; one that ended and waits to be buried is not."""
        return living.start_time(self.pid) == self.started

    @property
    def boxed(self) -> bool:
        """Whether it lives in a pid namespace below ours."""
        namespace = files.identity(f"/proc/{self.pid}/ns/pid")
        return namespace not in (None, files.identity("/proc/self/ns/pid"))

    def signal(self, number: int) -> None:
        """Sends a signal, if it is still that process."""
        with self.opened() as handle:
            if handle is not None:
                _sent(handle, number)

    def ended_by(self, *signals: tuple[int, float]) -> bool:
        """Sends one signal after the other, each with its seconds to end; whether it has ended."""
        with self.opened() as handle:
            return handle is None or any(
                _sent(handle, number) and ends(handle, seconds) for number, seconds in signals
            )

    @contextlib.contextmanager
    def opened(self) -> Iterator[int | None]:
        """A descriptor that becomes readable at its end; None if it is another process by now."""
        handle = living.opened(self.pid)
        if handle is None:
            yield None
            return
        try:
            yield handle if self.alive else None
        finally:
            os.close(handle)


def end(processes: Sequence[Process], seconds: float) -> None:
    """Kills them all, and waits so long for each to end."""
    for first in range(0, len(processes), _HELD_AT_ONCE):
        with ending(processes[first : first + _HELD_AT_ONCE], seconds):
            pass


@contextlib.contextmanager
def ending(processes: Sequence[Process], seconds: float) -> Iterator[None]:
    """They are killed before, and have ended or had so long to end afterwards."""
    with contextlib.ExitStack() as opened:
        handles = [opened.enter_context(one.opened()) for one in processes]
        there = [handle for handle in handles if handle is not None]
        for handle in there:
            _sent(handle, signal.SIGKILL)
        yield
        for handle in there:
            ends(handle, seconds)


def ends(handle: int, seconds: float) -> bool:
    """Whether the process that was opened as this ends within this time."""
    return bool(readable([handle], seconds))


def _sent(handle: int, number: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, number)
    return True


class AtWork(Struct, frozen=True):
    """Processes that were looked for; `complete` if none could hide among those that are there."""

    found: tuple[Process, ...]
    complete: bool


def at_work(words: Iterable[str]) -> AtWork:
    """The processes whose command line has all of these words.

    One that is just becoming another program has no command line, for a moment. One that has ended,
    and may wait to be buried, may have left another behind: so those that came since are looked at.
    """
    wanted, known, found, complete = set(words), set[str](), [], True
    has_ended = True
    while has_ended:
        has_ended = False
        for folder in (one for one in Path("/proc").glob("[0-9]*") if one.name not in known):
            process = Process.of(int(folder.name))
            try:
                line = files.read_text(f"{folder}/cmdline")
            except (FileNotFoundError, ProcessLookupError):
                has_ended = True
                continue
            known.add(folder.name)
            has_ended = has_ended or not line
            complete = complete and bool(line or not _has_program(folder))
            if process and wanted <= set(line.split("\0")):
                found.append(process)
    return AtWork(tuple(found), complete)


def _has_program(folder: Path) -> bool:
    """Not so of the kernel's own processes, and of those that have ended."""
    try:
        return bool((folder / "exe").readlink())
    except OSError:
        return False
