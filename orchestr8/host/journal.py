"""systemd's journal, for a service whose output ends there: entries with fields, not only lines.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL: a datagram an entry, a field a line.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from enum import IntEnum

from msgspec import Struct

_STREAM = "JOURNAL_STREAM"


class Priority(IntEnum):
    """How urgent an entry is, as syslog counts."""

    ERROR = 3
    WARNING = 4
    INFORMATION = 6


class Journal(Struct, frozen=True):
    """Where entries are sent to."""

    path: str = "/run/systemd/journal/socket"

    def write(self, message: str, priority: Priority, fields: Mapping[str, str]) -> bool:
        """Whether the journal took the entry; fields have names of capital letters, digits and _.

        It never waits, and an entry that is too large for a datagram is not taken.
        """
        entry = {"MESSAGE": message, "PRIORITY": str(int(priority)), **fields}
        data = b"".join(_encoded(name, value) for name, value in entry.items())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as talker:
            try:
                talker.sendto(data, self.path)
            except OSError:
                return False
        return True


def journal_of(stream: int, environment: Mapping[str, str] = os.environ) -> Journal | None:
    """The journal, if that is where this file descriptor leads by the word of who started us."""
    device, _, number = environment.get(_STREAM, "").partition(":")
    try:
        found = os.fstat(stream)
    except OSError:
        return None
    return Journal() if (device, number) == (str(found.st_dev), str(found.st_ino)) else None


def _encoded(name: str, value: str) -> bytes:
    data = value.encode(errors="backslashreplace")
    if b"\n" not in data:
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), len(data).to_bytes(8, "little"), data)
