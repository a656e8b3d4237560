"""Volumes with a size: a file system of their own each, in an image file that a loop device shows.

The size of a volume is what its files can take; the file system's own tables come on top of it. An
image is sparse: it takes of the disk what is in it. Every call may be repeated after it was killed
at any instant.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from orchestr8.errors import EngineError, FeatureMissingError, RejectedError, UnavailableError
from orchestr8.host import half_made, loop_devices, mount_calls, mount_table, programs

FIFREEZE = 0xC0045877
FITHAW = 0xC0045878
_FLAGS = mount_calls.MS_NOSUID | mount_calls.MS_NODEV | mount_calls.MS_NOEXEC
_BLOCK = 4096
_TABLES = 9 << 19
"""What a file system takes for itself whatever its size; a part of the size comes on top of it."""
_SHARE = 32
_JOURNAL_LEAST, _JOURNAL_MOST = 4 << 20, 128 << 20
_MAGIC = 0xEF53
_MAKE_SECONDS = 120


def missing() -> str:
    """Why this host can have no volume with a size, or the empty text."""
    for program in ("mkfs.ext4", "resize2fs", "e2fsck"):
        if not programs.found(program):
            return f"the program {program} is not installed: install the package e2fsprogs"
    if not Path("/dev/loop-control").exists():
        return "there are no loop devices: modprobe loop"
    return ""


def image_bytes(size_bytes: int) -> int:
    """How large the image of a volume of this size is."""
    whole = -(-size_bytes // _BLOCK) * _BLOCK
    return whole + whole // _SHARE // _BLOCK * _BLOCK + _TABLES


def size_in(image: Path) -> int | None:
    """The size of the volume in an image as its file system says it; None where there is none.

    Raises UnavailableError for what cannot be read.
    """
    try:
        with image.open("rb") as file:
            file.seek(1024)
            block = file.read(1024)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnavailableError(f"{image}: {error.strerror}", "look at the disk") from error
    if len(block) < 1024 or struct.unpack_from("<H", block, 0x38)[0] != _MAGIC:
        raise RejectedError(f"{image} holds no file system", "restore the volume from a copy")
    low, high = struct.unpack_from("<I", block, 4)[0], struct.unpack_from("<I", block, 0x150)[0]
    total = (low | high << 32) << (10 + struct.unpack_from("<I", block, 0x18)[0])
    blocks = (total - _TABLES) // _BLOCK * _SHARE // (_SHARE + 1)
    while image_bytes((blocks + 1) * _BLOCK) <= total:
        blocks += 1
    return int(blocks) * _BLOCK


def make(image: Path, size_bytes: int, uid: int) -> None:
    """An image with an empty file system of this size, whose root belongs to `uid`.

    One that is there is kept as it is.
    """
    if image.exists():
        return
    with _told(f"the volume's image {image} cannot be made"):
        image.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half_made.sweep(image.parent)
        with half_made.file(image.parent) as fresh:
            os.truncate(fresh, image_bytes(size_bytes))
            _fill(fresh, size_bytes, uid)
            _flush(fresh)
            with contextlib.suppress(FileExistsError):
                os.link(fresh, image)
        _flush(image.parent)


def _fill(image: Path, size_bytes: int, uid: int) -> None:
    journal = max(_JOURNAL_LEAST, min(_JOURNAL_MOST, size_bytes // 128))
    answer = programs.run(
        [
            "mkfs.ext4", "-q", "-F", "-b", str(_BLOCK), "-I", "256", "-i", "16384", "-m", "0",
            "-J", f"size={journal >> 20}", "-E", f"root_owner={uid}:{uid},nodiscard",
            str(image),
        ],
        "e2fsprogs",
        seconds=_MAKE_SECONDS,
    )  # fmt: skip
    if answer.status:
        raise RejectedError(f"mkfs.ext4: {answer.first_error}", "see df -h")


def mount(image: Path, folder: Path) -> None:
    """Mount an image at a folder, never set-uid, no devices, nothing to run; once mounted is done.

    An image that is mounted somewhere already, in a box for instance, is mounted from the same
    device: two devices on one image would destroy what is in it.
    """
    with _told(f"the volume at {folder} cannot be mounted"), _locked(image):
        if is_mounted(image, folder):
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with loop_devices.showing(image) as device:
            mount_calls.mount(device, str(folder), "ext4", _FLAGS, "discard,errors=remount-ro")
        with contextlib.suppress(OSError):
            (folder / "lost+found").rmdir()


def is_mounted(image: Path, folder: Path) -> bool:
    """Whether the folder shows what is in the image."""
    if not mount_table.at(folder):
        return False
    shown = loop_devices.backing(folder.stat().st_dev)
    seen = image.stat()
    return shown == (seen.st_dev, seen.st_ino)


def unmount(image: Path, folder: Path) -> None:
    """Take the mount away; raises RejectedError while anything else holds the file system."""
    with _told(f"the volume at {folder} cannot be unmounted"):
        while mount_calls.unmount(str(folder)):
            pass
        if image.exists() and loop_devices.device_of(image):
            raise RejectedError(
                f"the volume at {folder} is in use", "stop the boxes and programs that have it"
            )


def grow(image: Path, folder: Path, size_bytes: int) -> None:
    """Make a mounted volume larger while it is in use; one that is large enough is kept.

    Raises FeatureMissingError where the host lets nobody do that: there a volume grows while no
    box has it.
    """
    if (size_in(image) or 0) >= size_bytes:
        return
    with _told(f"the volume at {folder} cannot grow"):
        os.truncate(image, max(image_bytes(size_bytes), image.stat().st_size))
        device = loop_devices.device_of(image)
        if device is None:
            raise RejectedError(f"the volume at {folder} is not mounted", "mount it first")
        loop_devices.look_again(device)
        answer = programs.run(["resize2fs", device], "e2fsprogs", seconds=_MAKE_SECONDS)
        if not answer.status:
            _write_out(folder)
        elif "ermission denied" in answer.errors or "not permitted" in answer.errors:
            _grow_unmounted(image, folder)
        else:
            raise RejectedError(f"resize2fs: {answer.first_error}", "see df -h and dmesg")


def _grow_unmounted(image: Path, folder: Path) -> None:
    try:
        unmount(image, folder)
    except RejectedError:
        mount(image, folder)
        raise FeatureMissingError(
            f"the volume at {folder} cannot grow while a box has it: this host gives nobody "
            "CAP_SYS_RESOURCE",
            "stop its boxes (replicas: 0, or orchestr8 down), apply the new size, start them again",
        ) from None
    try:
        for command in (["e2fsck", "-f", "-p"], ["resize2fs"]):
            answer = programs.run([*command, str(image)], "e2fsprogs", seconds=_MAKE_SECONDS)
            # of e2fsck 1 means that it has mended something
            if answer.status > (command[0] == "e2fsck"):
                raise RejectedError(f"{command[0]}: {answer.first_error}", "see df -h and dmesg")
    finally:
        mount(image, folder)


def delete(image: Path, folder: Path) -> None:
    """Unmount and delete; what is in use is kept, the absent is success."""
    if image.exists():
        unmount(image, folder)
        with _told(f"the volume's image {image} cannot be deleted"):
            image.unlink(missing_ok=True)
            _flush(image.parent)


def used_bytes(folder: Path) -> int:
    """How much of a mounted volume its files take."""
    seen = os.statvfs(folder)
    return (seen.f_blocks - seen.f_bfree) * seen.f_frsize


def _write_out(folder: Path) -> None:
    """The file system's own record of its size goes to the image now, not with the journal."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.ioctl(opened, FIFREEZE, 0)
        with contextlib.suppress(OSError):
            fcntl.ioctl(opened, FITHAW, 0)
    finally:
        os.close(opened)


def release(place: Path) -> None:
    """Take a passing mount and its place away; the absent is success."""
    with contextlib.suppress(OSError):
        while mount_calls.unmount(str(place)):
            pass
        place.rmdir()


@contextlib.contextmanager
def _locked(image: Path) -> Iterator[None]:
    opened = os.open(image, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _failure(what, error) from error


def _failure(what: str, error: OSError) -> EngineError:
    told = f"{what}: {error.strerror}"
    if error.errno == errno.ENOSPC:
        return UnavailableError(told, "the disk is full: see df -h")
    if error.errno in (errno.EPERM, errno.EACCES):
        return RejectedError(told, "run as root of the host, with CAP_SYS_ADMIN")
    return RejectedError(told, "see df -h and dmesg")


def _flush(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
