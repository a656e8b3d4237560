"""Loop devices: which one shows a file, and a fresh one that goes with its last user."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path

_SET_FD = 0x4C00
_CLR_FD = 0x4C01
_SET_STATUS64 = 0x4C04
_GET_STATUS64 = 0x4C05
_SET_CAPACITY = 0x4C07
_SET_DIRECT_IO = 0x4C08
_CONFIGURE = 0x4C0A
_GET_FREE = 0x4C82
_AUTOCLEAR = 4
_INFO = struct.Struct("<QQQQQIIII64s64s32sQQ")
_CONFIG = struct.Struct(f"<II{_INFO.size}s64x")
_CONTROL = "/dev/loop-control"
_DEVICES = Path("/sys/block")
_MAJOR = 7
_TRIES = 64


def device_of(file: Path) -> str | None:
    """The device that shows a file, or None; by the file itself, whatever its path is now."""
    seen = file.stat()
    return _device_of((seen.st_dev, seen.st_ino))


def backing(device: int) -> tuple[int, int] | None:
    """Device and inode of the file behind a loop device's number; None for any other device."""
    if os.major(device) != _MAJOR:
        return None
    return _backing(f"/dev/loop{os.minor(device)}")


@contextlib.contextmanager
def showing(file: Path) -> Iterator[str]:
    """A device that shows a file, at least until the end of the block.

    The one that shows it already, or a fresh one, which the kernel takes back by itself when
    nothing uses it any more: a call that is killed leaves nothing. Callers hold a lock on the file,
    by a descriptor of their own: the one that is opened here lives as long as the device.
    """
    opened = os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        device, held = _known(opened) or _fresh(opened)
    finally:
        os.close(opened)
    try:
        yield device
    finally:
        os.close(held)


def look_again(device: str) -> None:
    """The file behind a device has grown."""
    held = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(held, _SET_CAPACITY, 0)
    finally:
        os.close(held)


def _known(opened: int) -> tuple[str, int] | None:
    """The device that shows an open file already, held, so that it does not go meanwhile."""
    seen = os.fstat(opened)
    device = _device_of((seen.st_dev, seen.st_ino))
    if device is None:
        return None
    held = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    if _backing(device) == (seen.st_dev, seen.st_ino):
        return device, held
    os.close(held)
    return None


def _fresh(opened: int) -> tuple[str, int]:
    """A free device, taken; another program may take the same one first, so it is tried again."""
    for _ in range(_TRIES):
        control = os.open(_CONTROL, os.O_RDWR | os.O_CLOEXEC)
        try:
            number = fcntl.ioctl(control, _GET_FREE)
        finally:
            os.close(control)
        device = f"/dev/loop{number}"
        if not Path(device).exists():
            os.mknod(device, 0o600 | 0o060000, os.makedev(_MAJOR, number))
        held = os.open(device, os.O_RDWR | os.O_CLOEXEC)
        try:
            _configure(held, opened)
        except OSError as error:
            os.close(held)
            if error.errno != errno.EBUSY:
                raise
            continue
        # without it everything would be in memory twice; where it cannot be, it works all the same
        with contextlib.suppress(OSError):
            fcntl.ioctl(held, _SET_DIRECT_IO, 1)
        return device, held
    raise OSError(errno.EBUSY, "no loop device is free")


def _configure(held: int, opened: int) -> None:
    info = _INFO.pack(0, 0, 0, 0, 0, 0, 0, 0, _AUTOCLEAR, b"", b"", b"", 0, 0)
    try:
        fcntl.ioctl(held, _CONFIGURE, _CONFIG.pack(opened, 0, info))
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTTY):
            raise
        # before Linux 5.8
        fcntl.ioctl(held, _SET_FD, opened)
        try:
            fcntl.ioctl(held, _SET_STATUS64, info)
        except OSError:
            fcntl.ioctl(held, _CLR_FD, 0)
            raise


def _device_of(file: tuple[int, int]) -> str | None:
    for found in _DEVICES.glob("loop*/loop/backing_file"):
        device = f"/dev/{found.parent.parent.name}"
        if re.fullmatch(r"/dev/loop[0-9]+", device) and _backing(device) == file:
            return device
    return None


def _backing(device: str) -> tuple[int, int] | None:
    try:
        held = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        info = _INFO.unpack(fcntl.ioctl(held, _GET_STATUS64, bytes(_INFO.size)))
    except OSError:
        return None
    finally:
        os.close(held)
    return info[0], info[1]
