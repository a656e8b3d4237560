"""The system calls that Python does not name, by number: openat2, statx, setns, pidfd_getfd, bpf.

Numbers are those of x86-64 and of the generic table that arm64 uses (asm/unistd.h).
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_NUMBERS = {
    "x86_64": {"setns": 308, "bpf": 321, "statx": 332, "openat2": 437, "pidfd_getfd": 438},
    "aarch64": {"setns": 268, "bpf": 280, "statx": 291, "openat2": 437, "pidfd_getfd": 438},
}
_OF_THIS_MACHINE = _NUMBERS.get(platform.machine(), {})
_libc = ctypes.CDLL(None, use_errno=True)

RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_IN_ROOT = 0x10

AT_EMPTY_PATH = 0x1000
_AT_STATX_DONT_SYNC = 0x4000  # a dead file server must not hold the reader up
_STATX_TYPE = 0x1
_STATX_MNT_ID = 0x1000
_Statx = ctypes.c_char * 256
_STATX_FIELDS = struct.Struct("<I24xH98xII8xQ")
"""The mask at 0, the mode at 28, the device of a node at 128, the mount's id at 144."""


def call(name: str, *arguments: object) -> int:
    """One system call; raises OSError with the kernel's number, ENOSYS on a foreign machine."""
    number = _OF_THIS_MACHINE.get(name)
    if number is None:
        raise OSError(38, f"{name} has no known number on {platform.machine()}")
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


def open_inside(root: int, path: str, flags: int) -> int:
    """Open a path with `root` as the root folder of every symbolic link and every "..".

    The workload made the tree below. Walked in any other way, its links would lead into the tree
    of whoever reads.
    """
    how = struct.pack("<QQQ", flags | os.O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    return call("openat2", ctypes.c_int(root), os.fsencode(path), how, ctypes.c_size_t(len(how)))


def statx(at: int, path: str, flags: int = 0) -> tuple[int, int, int]:
    """The id of the mount on which a file lies (as in mountinfo), the file's type and mode, and the
    number of the device that it is, if any.

    Links are followed, those of /proc included: that is how one asks for the mount of another
    process's program or descriptor without opening it.
    """
    buffer = _Statx()
    wanted = ctypes.c_uint(_STATX_TYPE | _STATX_MNT_ID)
    flag = ctypes.c_int(flags | _AT_STATX_DONT_SYNC)
    call("statx", ctypes.c_int(at), os.fsencode(path), flag, wanted, buffer)
    filled, mode, major, minor, mount = _STATX_FIELDS.unpack_from(buffer)
    if not filled & _STATX_MNT_ID:
        raise OSError(38, "statx gives no mount id before Linux 5.8", path)
    return mount, mode, os.makedev(major, minor)


def enter_namespace(descriptor: int, kind: int) -> None:
    """Move the calling thread, and no other, into a namespace."""
    call("setns", ctypes.c_int(descriptor), ctypes.c_int(kind))


def copy_descriptor(pidfd: int, number: int) -> int:
    """Another process's open file as a descriptor of ours."""
    return call("pidfd_getfd", ctypes.c_int(pidfd), ctypes.c_int(number), ctypes.c_uint(0))
