"""The kernel's calls on mounts and namespaces that Python has no name for.

Flags are set on a tree while it is still detached, and only then is it moved to its place: flags
that are set afterwards do not travel to the mount namespaces that got a copy of the mount, and an
engine that lives in such a one would hand out a writable mount.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

from orchestr8.errors import EngineError, FeatureMissingError, RejectedError

MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8
MOUNT_ATTR_IDMAP = 0x00100000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_PRIVATE = 1 << 18
MS_SHARED = 1 << 20

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
_CLONE_FS = 0x00000200

_SYS_OPEN_TREE = 428
_SYS_MOVE_MOUNT = 429
_SYS_OPENAT2 = 437
_SYS_MOUNT_SETATTR = 442
_OPEN_TREE_CLONE = 1
_OPEN_TREE_CLOEXEC = os.O_CLOEXEC
_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_MOVE_MOUNT_F_EMPTY_PATH = 0x4
_MNT_DETACH = 2
_UMOUNT_NOFOLLOW = 8
_RESOLVE_NO_LINKS = 0x02 | 0x04
_RESOLVE_BENEATH = 0x08

_LIBC = ctypes.CDLL(None, use_errno=True)
_MACHINES = ("x86_64", "aarch64")


def open_beneath(folder: int, path: str, flags: int) -> int:
    """Open a path that leaves neither the folder nor, by a link, its own course."""
    return _open(folder, path, flags, _RESOLVE_BENEATH | _RESOLVE_NO_LINKS)


def open_straight(path: str, flags: int) -> int:
    """Open a path no part of which is a link: who owns a folder on the way cannot turn it aside."""
    return _open(_AT_FDCWD, path, flags, _RESOLVE_NO_LINKS)


def clone_tree(source: int) -> int:
    """A detached copy of the mount at an open path, without what is mounted below it."""
    return _syscall(
        _SYS_OPEN_TREE, source, b"", _AT_EMPTY_PATH | _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC
    )


def set_attributes(tree: int, attributes: int, user_namespace: int | None) -> None:
    """Set a detached tree's flags, its private propagation and, where given, its id mapping."""
    if user_namespace is not None:
        attributes |= MOUNT_ATTR_IDMAP
    settings = struct.pack("QQQQ", attributes, 0, MS_PRIVATE, user_namespace or 0)
    _syscall(_SYS_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, settings, len(settings))


def move_tree(tree: int, target: str) -> None:
    """Put a detached tree in its place."""
    _syscall(_SYS_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH)


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """The old call, for a fresh file system and for propagation."""
    arguments = (os.fsencode(source), os.fsencode(target), kind.encode())
    _checked(_LIBC.mount(*arguments, ctypes.c_ulong(flags), options.encode() or None))


def unmount(target: str) -> bool:
    """Take the uppermost mount off a path, lazily; False where nothing is mounted there."""
    try:
        _checked(_LIBC.umount2(os.fsencode(target), _MNT_DETACH | _UMOUNT_NOFOLLOW))
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return False
        raise
    return True


def enter_namespace(descriptor: int, kind: int) -> None:
    """Move the calling thread, and it alone, into a namespace; by that of mounts its root moves,
    which it shared with all threads."""
    if kind == CLONE_NEWNS:
        _checked(_LIBC.unshare(_CLONE_FS))
    _checked(_LIBC.setns(descriptor, kind))


def failure(what: str, error: OSError) -> EngineError:
    """A failed call on mounts in our words."""
    told = f"{what}: {error.strerror}"
    if error.errno == errno.ENOSYS:
        return FeatureMissingError(told, "boot Linux 5.12 or later, which can set up such mounts")
    if error.errno in (errno.EPERM, errno.EACCES):
        return RejectedError(told, "run as root of the host, with CAP_SYS_ADMIN")
    if error.errno == errno.ENOENT:
        return RejectedError(told, "make the folder first")
    return RejectedError(told, "look at /proc/self/mountinfo, and report this with it")


def _open(folder: int, path: str, flags: int, resolve: int) -> int:
    how = struct.pack("QQQ", flags | os.O_CLOEXEC, 0, resolve)
    return _syscall(_SYS_OPENAT2, folder, os.fsencode(path), how, len(how))


def _syscall(number: int, *arguments: int | bytes) -> int:
    if platform.machine() not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no call numbers for {platform.machine()}")
    plain = [a if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    return _checked(_LIBC.syscall(ctypes.c_long(number), *plain))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
