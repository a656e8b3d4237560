"""Readers of addresses: host ports that are published, health checks, ranges for egress."""

from __future__ import annotations

import ipaddress
import re
from itertools import pairwise

from orchestr8.manifest.model import HttpCheck
from orchestr8.manifest.reads import WrongError
from orchestr8.manifest.scalars import literal, port
from orchestr8.manifest.wording import shortened

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"
_WIDEST_PREFIX = 8
_LINK_LOCAL = ipaddress.IPv4Network("169.254.0.0/16")
_NEVER = tuple(
    (ipaddress.IPv4Network(text), words)
    for text, words in (
        ("0.0.0.0/8", "no address of anyone"),
        ("127.0.0.0/8", "the box itself"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)


def host_address(text: str) -> str:
    """An IPv4 address in its one usual form."""
    if text in ("localhost", "*"):
        meant = LOOPBACK if text == "localhost" else EVERYWHERE
        raise ValueError(f'"{text}" is not an address; write {meant}')
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise ValueError(
            f'"{shortened(text)}" is not an IPv4 address; write four numbers, as in 127.0.0.1'
        ) from None


def published(text: str) -> tuple[str, int]:
    """`address:port` of the host, or a bare port, which means 127.0.0.1."""
    if re.fullmatch(r"[0-9]+(?:-[0-9]+)?(?:/[a-z]*)?", text):
        return LOOPBACK, port(text)
    if re.fullmatch(r"(?:[0-9.]+:)?[0-9]+:[0-9]+", text):
        host, _, number = text.rpartition(":")
        raise ValueError(
            f"{shortened(text)} joins the host's port and the box's; "
            f"write them as key and value, {host}: {number}"
        )
    if text.count(":") > 1:
        raise ValueError(f"{shortened(text)} is IPv6, which boxes do not have; write IPv4")
    address, _, number = text.rpartition(":")
    if not address or not number:
        raise ValueError(f'"{shortened(text)}" is not address:port; write it as in 127.0.0.1:8080')
    return host_address(address), port(number)


def each_once(value: object) -> object:
    """Refuses a mapping in which two keys are one address and port of the host."""
    first: dict[tuple[str, int], str] = {}
    for key in value if isinstance(value, dict) else ():
        try:
            before = first.setdefault(published(key), key)
        except ValueError:
            continue  # told where the key is read
        if before != key:
            what = f'"{key}" and "{before}" are one address and port of the host'
            raise WrongError(what, "keep one of the two", (key,), True)
    return value


def http(text: str) -> HttpCheck:
    """`:port/path` of the box."""
    literal(text)
    match = re.fullmatch(r":([^/]*)(/[!-~]*)?", text)
    if not match:
        raise ValueError(
            f'"{shortened(text)}" is not :port/path; the check is made in the box: '
            'write it as in ":8080/healthz"'
        )
    path = match[2] or "/"
    if len(path) > 500:
        raise ValueError("has a path of more than 500 characters; use a shorter one")
    return HttpCheck(port(match[1]), path)


def tcp(text: str) -> int:
    """A port of the box, with or without a colon in front."""
    return port(text.removeprefix(":"))


def cidr(text: str) -> ipaddress.IPv4Network:
    """One IPv4 range without host bits; a bare address is a range of one."""
    address, _, number = text.partition(":")
    if number.isdigit() and "." in address:
        raise ValueError(
            f"{shortened(text)} names a port; write the address alone, and ports: [{number}]"
        )
    if ":" in text:
        raise ValueError(f"{shortened(text)} is IPv6, which boxes do not have; write IPv4")
    if not re.fullmatch(r"[0-9.]+(?:/[0-9]+)?", text):
        raise ValueError(
            f'"{shortened(text)}" is not an address range; names are not resolved for egress: '
            "write it as in 198.51.100.0/24"
        )
    try:
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        raise ValueError(
            f'"{shortened(text)}" is not an address range; write it as in 198.51.100.0/24'
        ) from None
    if str(network.network_address) != text.partition("/")[0]:
        raise ValueError(f"{text} has host bits set; write {network}")
    if network.prefixlen < _WIDEST_PREFIX:
        raise ValueError(
            f"{text} is as good as every address; write the ranges that are needed, "
            f"none wider than /{_WIDEST_PREFIX}"
        )
    for refused, words in _NEVER:
        if network.overlaps(refused):
            raise ValueError(f"{text} is {words}; write a range outside")
    if network.overlaps(_LINK_LOCAL) and not network.subnet_of(_LINK_LOCAL):
        raise ValueError(
            f"{text} contains link-local addresses, where clouds hand out credentials; "
            "write narrower ranges, and 169.254.… by itself if it is meant"
        )
    return network


def overlap(networks: list[ipaddress.IPv4Network]) -> str | None:
    """Says which two ranges overlap, or None."""
    ordered = sorted(networks)
    for first, second in pairwise(ordered):
        if first.overlaps(second):
            return f"{first} and {second} overlap" if first != second else f"{first} twice"
    return None
