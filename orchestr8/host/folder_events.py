"""Names that appear in a folder, told as soon as the kernel knows them."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from orchestr8.errors import UnavailableError

_MOVED_TO = 0x0000_0080
_CREATED = 0x0000_0100
_OVERFLOWED = 0x0000_4000
_CLOSE_ON_EXEC = os.O_CLOEXEC
_HEAD = struct.Struct("iIII")
_ROOM_BYTES = 65_536

Heard = Callable[[str], None]
"""Hears a name, or the empty text where some were lost."""


def follow(folder: Path, heard: Heard) -> Callable[[], None]:
    """From when this returns, tells of every file that appears in a folder, on a thread of its own;
    what is returned ends it. Raises UnavailableError where the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    inotify = libc.inotify_init1(_CLOSE_ON_EXEC)
    if inotify < 0:
        raise _refusal(folder)
    if libc.inotify_add_watch(inotify, os.fsencode(folder), _MOVED_TO | _CREATED) < 0:
        error = _refusal(folder)
        os.close(inotify)
        raise error
    reading, writing = os.pipe()
    thread = threading.Thread(
        target=_read, args=(inotify, reading, heard), name="folder events", daemon=True
    )
    thread.start()

    def end() -> None:
        os.close(writing)
        thread.join()

    return end


def _read(inotify: int, ending: int, heard: Heard) -> None:
    """Until the other end of the pipe is closed."""
    try:
        while True:
            ready, _, _ = select.select([inotify, ending], [], [])
            if ending in ready:
                return
            for name in names_in(os.read(inotify, _ROOM_BYTES)):
                heard(name)
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
