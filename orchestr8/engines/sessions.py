"""A command in a box ends with what it began, as far as that kept the command's session.

Whatever began a session of its own stays in the box, as it does when the command ends by itself.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from orchestr8.engines import living

_END_SECONDS = 30.0
_LOOK_SECONDS = 0.001
_DEAD = "ZX"
_OUTSIDE = 0  # what the kernel says of a session whose leader lives in an outer process namespace


def end(pid: int, group: str) -> None:
    """Kill a process, and all that have its session and live in a control group whose path has
    `group` in it, unless the session is ours or cannot be told from others.

    Nobody is hit if the process does not live there: then the number is another's by now. They
    are looked for until none is left, since what is about to end may begin another; at most for a
    while.
    """
    session = _session(pid)
    if session is None or not _kill(pid, group, session):
        return
    if session in (os.getsid(0), _OUTSIDE):
        return
    deadline = time.monotonic() + _END_SECONDS
    while True:
        alive = [number for number in _numbers() if _is_of(number, group, session)]
        if not alive or time.monotonic() > deadline:
            return
        for number in alive:
            _kill(number, group, session)
        time.sleep(_LOOK_SECONDS)


def _kill(pid: int, group: str, session: int) -> bool:
    """Whether it was killed. Its number is held first and looked at then, so it is nobody else."""
    handle = living.opened(pid)
    if handle is None:
        return False
    try:
        if not _is_of(pid, group, session):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)


def _is_of(pid: int, group: str, session: int) -> bool:
    """Whether it lives, in this group and this session."""
    return _session(pid) == session and group in living.text(pid, "cgroup")


def _session(pid: int) -> int | None:
    """Its session's number; None of one that has ended."""
    words = living.text(pid, "stat").rpartition(")")[2].split()
    return None if not words or words[0] in _DEAD else int(words[3])


def _numbers() -> Iterator[int]:
    return (int(folder.name) for folder in Path("/proc").glob("[0-9]*"))
