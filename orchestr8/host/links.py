"""Interfaces, addresses and routes, asked of the kernel itself.

A batch is one message to the kernel, which carries its requests out in order and answers each. What
is made and joined in one request is never seen half-made.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Interface

from msgspec import Struct

from orchestr8.errors import EngineError, FeatureMissingError, RejectedError

_NEW_LINK, _DELETE_LINK, _NEW_ADDRESS, _NEW_ROUTE = 16, 17, 20, 24
_REQUEST, _ACKNOWLEDGE, _EXCLUSIVE, _CREATE = 0x1, 0x4, 0x200, 0x400
LISTED = 0x300
"""The flags of a request for everything of a kind."""
_ERROR, _DONE = 2, 3
_CAPPED = 0x100
_SENTENCE = 1
_KIND_BITS = 0x3FFF
_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11
_SIOCGIFINDEX = 0x8933
_UP = 1
_NAME, _MASTER, _INFO, _NAMESPACE = 3, 10, 18, 28
_KIND, _DATA, _PEER = 1, 2, 1
_ADDRESS, _LOCAL = 1, 2
_OUT, _GATEWAY = 4, 5
_MAIN_TABLE, _BOOT, _UNICAST = 254, 3, 1
_ANSWER_BYTES = 65_536
_HEADER = struct.Struct("=IHHII")


class Request(Struct, frozen=True):
    """One change; `kind` and `flags` are rtnetlink's, `body` what follows its header."""

    kind: int
    flags: int
    body: bytes


class Links:
    """The links of the network namespace in which this was made, whoever uses it then."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        for option in (_CAP_ACK, _EXT_ACK):
            self._socket.setsockopt(_SOL_NETLINK, option, 1)

    def __enter__(self) -> Links:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def index(self, name: str) -> int:
        """The number of an interface, or 0 where there is none of this name."""
        asked = struct.pack("16si20x", name.encode(), 0)
        try:
            answer = fcntl.ioctl(self._socket, _SIOCGIFINDEX, asked)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return 0
            raise
        return int(struct.unpack_from("i", answer, 16)[0])

    def send(self, requests: Sequence[Request], doing: str) -> None:
        """All requests in one message; raises the failure of the first that was not carried out.

        Those behind it are tried all the same, so whoever fails takes the whole back.
        """
        message = b"".join(
            _HEADER.pack(
                _HEADER.size + len(one.body), one.kind, one.flags | _REQUEST | _ACKNOWLEDGE,
                number, 0,
            ) + one.body
            for number, one in enumerate(requests, 1)
        )  # fmt: skip
        self._socket.send(message)
        failed: dict[int, tuple[int, str]] = {}
        answered = 0
        while answered < len(requests):
            for kind, flags, number, content in _messages(self._socket.recv(_ANSWER_BYTES)):
                if kind != _ERROR:
                    continue
                answered += 1
                status, words = _status(content, flags)
                if status:
                    failed[number] = (status, words)
        if failed:
            raise _failure(doing, *failed[min(failed)])

    def ask(self, question: Request, doing: str) -> list[bytes]:
        """What the kernel says when it is asked this: the bodies of all that it sends."""
        flags = question.flags | _REQUEST | (0 if question.flags & LISTED else _ACKNOWLEDGE)
        header = _HEADER.pack(_HEADER.size + len(question.body), question.kind, flags, 0, 0)
        self._socket.send(header + question.body)
        said: list[bytes] = []
        while True:
            for kind, flags, _, content in _messages(self._socket.recv(_ANSWER_BYTES)):
                if kind == _ERROR:
                    status, words = _status(content, flags)
                    if status:
                        raise _failure(doing, status, words)
                if kind in (_ERROR, _DONE):
                    return said
                said.append(content)


def bridge(name: str) -> Request:
    """Makes a bridge."""
    return _link(_EXCLUSIVE | _CREATE, 0, (_NAME, _text(name)), (_INFO, _info("bridge")))


def pair(outside: str, master: int, inside: str, namespace: int) -> Request:
    """Makes two ends of one wire: `outside`, up and on the bridge `master`, and `inside` in a
    namespace that an open descriptor names."""
    peer = _interface(0, 0) + packed(
        (_NAME, _text(inside)), (_NAMESPACE, struct.pack("=I", namespace))
    )
    return _link(
        _EXCLUSIVE | _CREATE,
        _UP,
        (_NAME, _text(outside)),
        (_MASTER, struct.pack("=I", master)),
        (_INFO, _info("veth", (_PEER, peer))),
    )


def up(index: int, name: str = "") -> Request:
    """Takes an interface into use, under another name where one is given."""
    named = ((_NAME, _text(name)),) if name else ()
    return Request(_NEW_LINK, 0, _interface(index, _UP) + packed(*named))


def put_on(index: int, master: int) -> Request:
    """Puts an interface on a bridge."""
    return Request(
        _NEW_LINK, 0, _interface(index, 0) + packed((_MASTER, struct.pack("=I", master)))
    )


def address(index: int, address: str) -> Request:
    """Gives an interface an address with its prefix, such as 10.0.0.2/17."""
    own = IPv4Interface(address)
    head = struct.pack("=BBBBI", socket.AF_INET, own.network.prefixlen, 0, 0, index)
    both = packed((_LOCAL, own.packed), (_ADDRESS, own.packed))
    return Request(_NEW_ADDRESS, _EXCLUSIVE | _CREATE, head + both)


def default_route(index: int, gateway: str) -> Request:
    """Leads what goes to nobody on the wire to the gateway."""
    head = struct.pack(
        "=BBBBBBBBI", socket.AF_INET, 0, 0, 0, _MAIN_TABLE, _BOOT, 0, _UNICAST, 0
    )  # fmt: skip
    ways = packed((_OUT, struct.pack("=I", index)), (_GATEWAY, socket.inet_aton(gateway)))
    return Request(_NEW_ROUTE, _EXCLUSIVE | _CREATE, head + ways)


def gone(index: int) -> Request:
    """Takes an interface away, and of a pair both ends: some 20 ms in the kernel."""
    return Request(_DELETE_LINK, 0, _interface(index, 0))


def _link(flags: int, state: int, *attributes: tuple[int, bytes]) -> Request:
    return Request(_NEW_LINK, flags, _interface(0, state) + packed(*attributes))


def _interface(index: int, state: int) -> bytes:
    return struct.pack("=BBHiII", socket.AF_UNSPEC, 0, 0, index, state, state)


def _info(kind: str, *data: tuple[int, bytes]) -> bytes:
    described = ((_DATA, packed(*data)),) if data else ()
    return packed((_KIND, _text(kind)), *described)


def packed(*attributes: tuple[int, bytes]) -> bytes:
    """Each with its length before it and filled up to a multiple of four."""
    return b"".join(
        struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)
        for kind, value in attributes
    )


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def unpacked(content: bytes, place: int) -> dict[int, bytes]:
    """What stands behind the fixed part of a message, by the kernel's numbers."""
    found = {}
    while place + 4 <= len(content):
        length, kind = struct.unpack_from("=HH", content, place)
        found[kind & _KIND_BITS] = content[place + 4 : place + length]
        place += max(4, (length + 3) & ~3)
    return found


def _messages(received: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Kind, flags, number of the request and body of each."""
    place = 0
    while place < len(received):
        length, kind, flags, number, _ = _HEADER.unpack_from(received, place)
        yield kind, flags, number, received[place + _HEADER.size : place + length]
        place += (length + 3) & ~3


def _status(content: bytes, flags: int) -> tuple[int, str]:
    """The error number (0 is success), and the sentence that newer kernels add to an error behind
    the header of what was asked."""
    status = -struct.unpack_from("=i", content)[0]
    if not flags & _CAPPED:
        return status, ""
    said = unpacked(content, 4 + _HEADER.size).get(_SENTENCE, b"")
    return status, said.rstrip(b"\0").decode(errors="replace")


def _failure(doing: str, status: int, words: str) -> EngineError:
    what = (
        f"{doing}: {words[:1].lower()}{words[1:]}" if words else f"{doing}: {os.strerror(status)}"
    )
    if status in (errno.EPERM, errno.EACCES):
        return RejectedError(what, "run as root of the host, with CAP_NET_ADMIN")
    if status == errno.EOPNOTSUPP:
        return FeatureMissingError(
            what, "load what is missing: `modprobe --all bridge veth`, on each boot too"
        )
    return RejectedError(what, "look at `ip link`")
