"""Waiting for descriptors, however high their numbers are: `select` takes none above 1023; and how
it is told that none is left.

The thin client waits with it, so that it imports next to nothing.
"""

from __future__ import annotations

import errno
from select import POLLIN, POLLOUT, poll

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


NONE_LEFT = "this process or the machine has no file descriptor left"
REMEDY = "look at what holds so many (ls /proc/PID/fd), or raise LimitNOFILE and fs.file-max"


def none_left(error: BaseException) -> bool:
    """Whether a call failed for want of descriptors, which says nothing of what it was about."""
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)


def came_of_none(error: BaseException | None) -> bool:
    """Whether a failure, or one from which it came, was for want of descriptors."""
    while error is not None and not none_left(error):
        error = error.__cause__ or error.__context__
    return error is not None


def readable(descriptors: Iterable[int], seconds: float | None = None) -> set[int]:
    """Those that can be read, be it their end, once there is one or the time is over; without a
    time it may take for ever."""
    return ready(descriptors, (), seconds)[0]


def ready(
    reading: Iterable[int], writing: Iterable[int], seconds: float | None = None
) -> tuple[set[int], set[int]]:
    """Those that can be read and those that can be written; where the other end has gone that is
    told by whichever is tried."""
    asked = dict.fromkeys(reading, POLLIN)
    for descriptor in writing:
        asked[descriptor] = asked.get(descriptor, 0) | POLLOUT
    waiting = poll()
    for descriptor, events in asked.items():
        waiting.register(descriptor, events)
    found = waiting.poll(None if seconds is None else seconds * 1000)
    return (
        {one for one, events in found if asked[one] & POLLIN and events & ~POLLOUT},
        {one for one, events in found if asked[one] & POLLOUT and events & ~POLLIN},
    )
