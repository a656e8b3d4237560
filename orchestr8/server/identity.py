"""Who is at the other end of a unix socket: the kernel's word, and nothing that the peer says.

A peer counts as an account of this host only if it sees this host: its user namespace, its process
numbers and its root folder are ours. What runs in a box is nobody, whatever its number is.
"""

from __future__ import annotations

import os
import pwd
import socket
import struct
from pathlib import Path

from orchestr8.controller.authority import NOBODY, ROOT, Asker
from orchestr8.descriptors import none_left, readable

SO_PEERGROUPS = 59
SO_PEERPIDFD = 77
"""Python has no names for these two."""
_GROUPS_BYTES = 1_024
"""What Python's call takes at most: 256 groups; whoever has more is looked up."""
_UNSET = 4_294_967_295
_NAMESPACES = ("user", "pid")


class NobodyError(Exception):
    """The peer is no account of this host; the text says why, for the log alone."""


def identify(peer: socket.socket) -> Asker:
    """The account at the other end; raises NobodyError, and OSError for want of descriptors."""
    pid, uid, gid = struct.unpack(
        "iII", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
    )
    if pid <= 0:
        raise NobodyError("it is in another pid namespace")
    if uid in (NOBODY, _overflow(), _UNSET):
        raise NobodyError(f"uid {uid} is nobody")
    handle = _handle(peer, pid)
    try:
        _require_here(pid)
        groups = _groups(peer, pid)
        name = _name(pid, uid)
        # What was read is of the peer only if it still has its number.
        if readable([handle], 0):
            raise NobodyError(f"process {pid} has ended")
    except OSError as error:
        _require_descriptors(error)
        raise NobodyError(f"process {pid} cannot be looked at: {error.strerror}") from error
    finally:
        os.close(handle)
    return Asker(name, uid, frozenset({gid, *groups}))


def _require_descriptors(error: OSError) -> None:
    """Who cannot be looked at for want of descriptors is not told that they are nobody."""
    if none_left(error):
        raise error


def _handle(peer: socket.socket, pid: int) -> int:
    """Something that tells whether the process has ended, whoever has its number then."""
    try:
        raw = peer.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD, 4)
        return int.from_bytes(raw, "little", signed=True)
    except OSError as error:
        _require_descriptors(error)
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        _require_descriptors(error)
        raise NobodyError(f"process {pid} has ended") from error


def _require_here(pid: int) -> None:
    """Raises NobodyError for a process that does not see this host as we do."""
    for kind in _NAMESPACES:
        own, its = Path("/proc/self/ns", kind), Path(f"/proc/{pid}/ns", kind)
        if not os.path.samestat(own.stat(), its.stat()):
            raise NobodyError(f"process {pid} is in another {kind} namespace")
    if not os.path.samestat(Path("/proc/self/root").stat(), Path(f"/proc/{pid}/root").stat()):
        raise NobodyError(f"process {pid} has another root folder")


def _groups(peer: socket.socket, pid: int) -> list[int]:
    """The supplementary groups that it had when it connected."""
    try:
        raw = peer.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, _GROUPS_BYTES)
        return list(struct.unpack(f"{len(raw) // 4}I", raw))
    except OSError:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
        line = next(line for line in status.splitlines() if line.startswith("Groups:"))
        return [int(word) for word in line.split()[1:]]


def _overflow() -> int:
    """The number that stands for accounts which are none here."""
    try:
        return int(Path("/proc/sys/kernel/overflowuid").read_text("ascii"))
    except (OSError, ValueError):
        return NOBODY


def _name(pid: int, uid: int) -> str:
    """How the journal names it: of root, who logged in; else the account and its number."""
    if uid == ROOT:
        try:
            login = int(Path(f"/proc/{pid}/loginuid").read_text("ascii"))
        except (OSError, ValueError):
            login = _UNSET
        if login != _UNSET:
            return f"uid {login}"
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
    return name if uid == ROOT else f"{name} (uid {uid})"
