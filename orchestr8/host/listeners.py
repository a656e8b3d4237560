"""Who listens on the host's TCP ports: a door there would shadow them."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

_LISTEN = "0A"
_PROCESSES_MAX = 20_000


def listeners() -> Mapping[tuple[str, int], str]:
    """Address and port of each listening socket of this network namespace, with the process's name.

    A socket on :: is given as 0.0.0.0, since unless told otherwise it takes IPv4 as well; the name
    is empty where the process is another's or was gone.
    """
    inodes: dict[int, tuple[str, int]] = {}
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            inodes.update(_listening(Path("/proc/thread-self/net", table).read_text()))
    names = _names(set(inodes))
    found: dict[tuple[str, int], str] = {}
    for inode, place in sorted(inodes.items()):
        found[place] = found.get(place) or names.get(inode, "")
    return found


def absent(addresses: Iterable[str]) -> frozenset[str]:
    """Those on which nobody could listen, since this network namespace does not have them."""
    return frozenset(one for one in addresses if not _has(one))


def _has(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
        try:
            made.bind((address, 0))
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL
    return True


def _listening(text: str) -> dict[int, tuple[str, int]]:
    found = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTEN:
            address, port = fields[1].split(":")
            found[int(fields[9])] = (_address(address), int(port, 16))
    return found


def _address(digits: str) -> str:
    # The kernel prints each 32-bit word in the order of the processor's bytes.
    packed = b"".join(bytes.fromhex(digits[i : i + 8])[::-1] for i in range(0, len(digits), 8))
    if len(packed) == 4:
        return str(IPv4Address(packed))
    address = IPv6Address(packed)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return "0.0.0.0" if not int(address) else str(address)


def _names(inodes: set[int]) -> dict[int, str]:
    """The names of the processes that hold these sockets; stops when all are found."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, str] = {}
    with os.scandir("/proc") as entries:
        pids = [entry.name for entry in entries if entry.name.isdigit()]
    for pid in pids[:_PROCESSES_MAX]:
        if len(found) == len(wanted):
            break
        with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as descriptors:
            for descriptor in descriptors:
                with contextlib.suppress(OSError):
                    inode = wanted.get(str(Path(descriptor.path).readlink()))
                    if inode is not None and inode not in found:
                        found[inode] = Path("/proc", pid, "comm").read_text().strip()
    return found
