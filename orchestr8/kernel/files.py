"""Reading small files of the kernel, with a bound on every read.

What lies below a box's root or in its /proc entries has the shape that the workload gave it, and
the reader is root. So nothing is read without a limit, text is decoded without ever failing, and
every failure is an OSError with a sentence.
"""

from __future__ import annotations

import errno
import os
from functools import cache

SMALL_BYTES = 64 << 10
LARGE_BYTES = 4 << 20
_CHUNK_BYTES = 64 << 10


def read_bytes(path: str, at: int | None = None, limit: int = SMALL_BYTES) -> bytes:
    """The whole content of a file, which may have `limit` bytes at most.

    Kernel files tell no size beforehand, and a read may give less than there is, so this reads
    until the end. Raises OSError (EFBIG) for a file that has more: a part would pass for the whole.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=at)
    try:
        return read_descriptor(descriptor, path, limit)
    finally:
        os.close(descriptor)


def read_descriptor(descriptor: int, name: str, limit: int = SMALL_BYTES) -> bytes:
    """The rest of an open file, with the same bound."""
    chunks, length = [], 0
    while chunk := os.read(descriptor, _CHUNK_BYTES):
        chunks.append(chunk)
        length += len(chunk)
        if length > limit:
            raise OSError(errno.EFBIG, f"it has more than {limit} bytes", name)
    return b"".join(chunks)


def read_text(path: str, at: int | None = None, limit: int = SMALL_BYTES) -> str:
    """The content as text; bytes that are no UTF-8 become escapes such as \\xff."""
    return decode(read_bytes(path, at, limit))


def decode(content: bytes) -> str:
    """Bytes of unknown origin as text, without loss of what differs."""
    return content.decode("utf-8", "backslashreplace")


def read_link(path: str, at: int | None = None) -> str:
    """What a symbolic link says; it is not followed."""
    return decode(os.readlink(os.fsencode(path), dir_fd=at))


def identity(path: str) -> tuple[int, int] | None:
    """Which file a path leads to, as device and inode; None if it leads to none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - asked time and again while a box starts
    except OSError:
        return None
    return found.st_dev, found.st_ino


def names(folder: int) -> list[str]:
    """What an open folder holds, in no order."""
    return os.listdir(folder)


def sentence(error: OSError) -> str:
    """An OSError as a sentence for people."""
    reason = error.strerror or os.strerror(error.errno or errno.EIO)
    name = error.filename
    if isinstance(name, bytes):
        name = decode(name)
    return f"{name}: {reason.lower()}" if name else reason.lower()


@cache
def boot_id() -> str:
    """The kernel's name for this boot; process numbers and start times mean nothing beyond it."""
    return read_text("/proc/sys/kernel/random/boot_id").strip()


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot, or None if there is none or it ended.

    With the number it identifies a process: the number alone may be another's by now. Raises
    OSError where that cannot be read, for want of descriptors say.
    """
    if pid <= 0:
        return None
    try:
        fields = stat_fields(read_text(f"/proc/{pid}/stat"))
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return None if fields[0] in ("Z", "X") else int(fields[19])


def stat_fields(text: str) -> list[str]:
    """The fields of /proc/PID/stat from the third (state) on, so proc(5)'s number less 3.

    The second, the command's name, may hold spaces and brackets: count from the last bracket.
    """
    fields = text[text.rindex(")") + 1 :].split()
    if len(fields) < 20:
        raise ValueError("stat has too few fields")
    return fields
