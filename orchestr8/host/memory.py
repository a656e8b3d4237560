"""Memory on cgroup v2: limits that are lowered gently, and guarantees that reach their boxes.

A maximum below what is used ends somebody at once. And a guarantee counts for nothing unless each
group above it has as much: the kernel gives no group more than its parent was promised.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from orchestr8.errors import RejectedError
from orchestr8.host import delegation
from orchestr8.host.hierarchies import put, read, write

_OURS = "orchestr8"
_LOW = "memory.low"
_LOCK = threading.Lock()


def reclaim(folder: Path, most: int) -> int:
    """Has the kernel take back what is used above `most` bytes; the use after that.

    `memory.high` comes first, so that nothing grows meanwhile, and goes again, whoever left it.
    """
    used = _used(folder)
    if used > most:
        write(folder / "memory.high", str(most))
        excess = _used(folder) - most
        if excess > 0:
            with contextlib.suppress(OSError):
                put(folder / "memory.reclaim", str(excess))
        used = _used(folder)
    write(folder / "memory.high", "max")
    return used


def guarantee(folder: Path, amount: int) -> None:
    """A box's group is promised so many bytes, and each group of ours above it what all of those
    in it are promised together."""
    before = read(folder / _LOW)
    if not before or (before == "0" and not amount):
        return
    with _LOCK:  # two boxes of one owner at once would each leave the other out
        write(folder / _LOW, str(amount))
        _add_up(folder.parent)


def guaranteed_less(folder: Path) -> None:
    """What stood in this group, which is gone, is promised to nobody any more."""
    with _LOCK:
        _add_up(folder.parent)


def _add_up(group: Path) -> None:
    while group.name.startswith(_OURS) or group.parent.name.startswith(_OURS):
        if not (group / _LOW).exists():
            return
        lows = (read(below / _LOW) for below in group.iterdir() if below.is_dir())
        _promise(group, sum(int(low) for low in lows if low.isdigit()))
        group = group.parent


def _promise(group: Path, amount: int) -> None:
    if read(group / _LOW) == str(amount):
        return
    if not delegation.is_unit(group):
        write(group / _LOW, str(amount))
        return
    try:
        delegation.tell(group, "MemoryLow", str(amount))
    except RejectedError:
        if group.is_dir():  # else it has ended meanwhile, with all that was promised in it
            raise


def _used(folder: Path) -> int:
    return int(read(folder / "memory.current") or 0)
