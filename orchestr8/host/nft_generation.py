"""The packet filter's generation: each transaction on any table of nf_tables begins another one.

Source: linux/netfilter/nf_tables.h, NFT_MSG_GETGEN. Rules of the older x_tables have none.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

_NETLINK_NETFILTER = 12
_NEW_GENERATION, _GET_GENERATION = 0x0A0F, 0x0A10
"""Subsystem 10 is nf_tables."""
_REQUEST = struct.pack("=IHHIIBBH", 20, _GET_GENERATION, 1, 0, 0, 0, 0, 0)
_TYPE_AT, _ATTRIBUTE_AT = 4, 20
_GENERATION_ID = 1
_SECONDS = 1.0
_BYTES_MOST = 4_096
_OLDER_TABLES = Path("/proc/thread-self/net/ip_tables_names")


def of_all_rules() -> int | None:
    """Its number where that tells of every rule; None where there are some that it does not."""
    try:
        if _OLDER_TABLES.exists() and _OLDER_TABLES.read_text("ascii").strip():
            return None
    except OSError:
        return None
    return number()


def number() -> int | None:
    """Its number in this network namespace; None where nobody answers."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as asker:
            asker.settimeout(_SECONDS)
            asker.send(_REQUEST)
            answer = asker.recv(_BYTES_MOST)
        (kind,) = struct.unpack_from("=H", answer, _TYPE_AT)
        _, attribute, told = struct.unpack_from("=HH4s", answer, _ATTRIBUTE_AT)
    except (OSError, struct.error):
        return None
    if (kind, attribute) != (_NEW_GENERATION, _GENERATION_ID):
        return None
    return int.from_bytes(told, "big")
