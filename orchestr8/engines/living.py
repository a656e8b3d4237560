"""Whether processes live, by number and start time; a host that is short of something says nothing
about that, and is never taken for the end of a process."""

from __future__ import annotations

import errno
import os

from orchestr8.errors import UnavailableError
from orchestr8.kernel import cgroups, files

_NOBODY = (errno.ESRCH, errno.EINVAL, errno.ENOENT)
"""No process has the number; the two latter are said of a thread's."""


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None if there is none or it ended.

    Raises UnavailableError where that cannot be seen.
    """
    try:
        return files.start_time(pid)
    except OSError as error:
        raise _short(pid, error) from error


def text(pid: int, name: str) -> str:
    """One of a process's files in /proc; empty if there is none. Raises UnavailableError where it
    cannot be read."""
    try:
        return files.read_text(f"/proc/{pid}/{name}")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    except OSError as error:
        raise _short(pid, error) from error


def opened(pid: int) -> int | None:
    """A descriptor that becomes readable at the end of the process that has this number, which the
    caller closes; None if there is none. Raises UnavailableError where it cannot be had."""
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in _NOBODY:
            return None
        raise _short(pid, error) from error


def let_go_on(pid: int, word: str) -> None:
    """What somebody holds still goes on, so that it can be told to end; `word` is one of its own
    control group's path."""
    if cgroups.paused_in(cgroups.membership_of(pid)):
        from orchestr8.host import freezing  # as good as nobody is

        freezing.let_go_on(pid, word)


def _short(pid: int, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"process {pid} cannot be looked at: {(error.strerror or str(error)).lower()}",
        "the host is short of it now: look at what takes so much",
    )
