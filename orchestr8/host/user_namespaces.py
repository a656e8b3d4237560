"""A user namespace that exists only to say how a mount maps ids."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterator

from orchestr8.errors import FeatureMissingError

_CLONE_VM, _CLONE_VFORK, _CLONE_NEWUSER = 0x100, 0x4000, 0x1000_0000
_STACK_BYTES = 64 << 10
_SIGNAL_SET_BYTES = 128
_LIBC = ctypes.CDLL(None, use_errno=True)
_ALL_SIGNALS = ctypes.create_string_buffer(b"\xff" * _SIGNAL_SET_BYTES, _SIGNAL_SET_BYTES)
_REMEDY = "look at the sysctl user.max_user_namespaces, which may not be 0"


@contextlib.contextmanager
def mapping(
    uid_from: int, uid_to: int, gid_from: int, gid_to: int, count: int = 1
) -> Iterator[int]:
    """A descriptor of a namespace that maps so many uids and gids, and nothing else.

    A child that has ended already and is not buried yet holds the namespace until the descriptor
    is open. It asks for its own uid and nothing else, so it can share this process's memory, as
    posix_spawn's children do: neither a copy of that nor another program is paid for.
    """
    child = _ended_child()
    try:
        # From the namespace that owns the files to the one that sees them, so many ids.
        _write(f"/proc/{child}/uid_map", f"{uid_from} {uid_to} {count}")
        _write(f"/proc/{child}/gid_map", f"{gid_from} {gid_to} {count}")
        descriptor = os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise FeatureMissingError(
            f"no user namespace can be set up: {error.strerror}", _REMEDY
        ) from error
    finally:
        os.waitpid(child, 0)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _ended_child() -> int:
    """A child in a fresh user namespace, as a zombie; this thread stands still until it has ended.

    A signal that came meanwhile would run our handler twice, so none comes.
    """
    stack = ctypes.create_string_buffer(_STACK_BYTES)
    top = (ctypes.addressof(stack) + _STACK_BYTES) & ~0xF
    flags = _CLONE_VM | _CLONE_VFORK | _CLONE_NEWUSER | signal.SIGCHLD
    let_in = ctypes.create_string_buffer(_SIGNAL_SET_BYTES)
    _LIBC.pthread_sigmask(signal.SIG_BLOCK, _ALL_SIGNALS, let_in)
    try:
        child = _LIBC.clone(_LIBC.getuid, ctypes.c_void_p(top), ctypes.c_int(flags), None)
        number = ctypes.get_errno()
    finally:
        _LIBC.pthread_sigmask(signal.SIG_SETMASK, let_in, None)
    if child < 0:
        raise FeatureMissingError(f"no user namespace can be made: {os.strerror(number)}", _REMEDY)
    return int(child)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
