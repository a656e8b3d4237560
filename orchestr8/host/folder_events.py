"""What appears in a folder, or changes anywhere below one, told as soon as the kernel knows it."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from orchestr8.descriptors import readable
from orchestr8.errors import UnavailableError

_MOVED_TO = 0x0000_0080
_CREATED = 0x0000_0100
_OVERFLOWED = 0x0000_4000
_WRITTEN = 0x0000_0002 | 0x0000_0004 | 0x0000_0008
"""Modified, attributes changed, closed after writing."""
_GONE = 0x0000_0040 | 0x0000_0200 | 0x0000_0400 | 0x0000_0800
"""Moved away or deleted, the folder itself too."""
_FOLDERS_ALONE = 0x0100_0000 | 0x0200_0000
"""No link is followed, and nothing but a folder is watched."""
_CLOSE_ON_EXEC = os.O_CLOEXEC
FOLDERS_MOST = 4096
_HEAD = struct.Struct("iIII")
_ROOM_BYTES = 65_536

Heard = Callable[[str], None]
"""Hears a name, or the empty text where some were lost."""


def follow(folder: Path, heard: Heard) -> Callable[[], None]:
    """From when this returns, tells of every file that appears in a folder, on a thread of its own;
    what is returned ends it. Raises UnavailableError where the kernel refuses."""

    def read(content: bytes) -> None:
        for name in names_in(content):
            heard(name)

    inotify = _inotify(folder)
    if not _watch(inotify, folder, _MOVED_TO | _CREATED):
        error = _refusal(folder)
        os.close(inotify)
        raise error
    return _following(inotify, read)


class Below:
    """Tells that something has changed below a folder, until it is ended.

    What has changed is not told: whoever hears of it looks. A sub-folder that is new is watched
    from the next `renew` on, and is itself a change.
    """

    def __init__(self, folder: Path, changed: Callable[[], None]) -> None:
        """`changed` is called on a thread of its own. Raises UnavailableError where the kernel
        refuses."""
        self._folder = folder
        self._inotify = _inotify(folder)
        self.end = _following(self._inotify, lambda _: changed())

    def renew(self) -> None:
        """Watches what is there now, as far as the kernel has room; from the thread that ends it.

        What is watched already stays so.
        """
        mask = _MOVED_TO | _CREATED | _WRITTEN | _GONE | _FOLDERS_ALONE
        room = FOLDERS_MOST
        _watch(self._inotify, self._folder, mask)
        for folder, names, _ in os.walk(self._folder):
            names[:] = [name for name in names if not name.startswith(".")]
            # before they are listed: what appears in one meanwhile is listed or told
            for name in names:
                room -= 1
                if room < 0:
                    return
                _watch(self._inotify, Path(folder, name), mask)


def _inotify(folder: Path) -> int:
    inotify: int = _libc().inotify_init1(_CLOSE_ON_EXEC)
    if inotify < 0:
        raise _refusal(folder)
    return inotify


def _watch(inotify: int, folder: Path, mask: int) -> bool:
    watched: int = _libc().inotify_add_watch(inotify, os.fsencode(folder), mask)
    return watched >= 0


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _following(inotify: int, read: Callable[[bytes], None]) -> Callable[[], None]:
    """Reads what the kernel tells, on a thread of its own; what is returned ends it."""
    reading, writing = os.pipe()
    thread = threading.Thread(
        target=_read, args=(inotify, reading, read), name="folder events", daemon=True
    )
    thread.start()

    def end() -> None:
        os.close(writing)
        thread.join()

    return end


def _read(inotify: int, ending: int, read: Callable[[bytes], None]) -> None:
    """Until the other end of the pipe is closed."""
    try:
        while True:
            if ending in readable([inotify, ending]):
                return
            read(os.read(inotify, _ROOM_BYTES))
    finally:
        os.close(inotify)
        os.close(ending)


def names_in(content: bytes) -> list[str]:
    """The names that the kernel's records tell of; empty where it had no room for more."""
    names, at = [], 0
    while at < len(content):
        _, mask, _, length = _HEAD.unpack_from(content, at)
        name = content[at + _HEAD.size : at + _HEAD.size + length].rstrip(b"\0")
        if name or mask & _OVERFLOWED:
            names.append(os.fsdecode(name))
        at += _HEAD.size + length
    return names


def _refusal(folder: Path) -> UnavailableError:
    reason = os.strerror(ctypes.get_errno())
    return UnavailableError(
        f"the folder {folder} cannot be watched: {reason}",
        "raise fs.inotify.max_user_instances of this host",
    )
