"""Heads that can be read in two ways: nothing of what follows them is taken for another request."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from orchestr8.server.documents import Refusal
from orchestr8.server.listening import monitored
from tests.server.machine import exchange, parsed
from tests.server.test_api import STATUS
from tests.server.test_monitoring import well

HIDDEN = "GET /v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
LENGTH = f"Content-Length: {2 + len(HIDDEN)}"


def sent(*headers: str) -> bytes:
    """A command whose document ends early by one way of reading, and another request after it."""
    head = [f"POST {STATUS} HTTP/1.1", "Host: x", *headers]
    return ("\r\n".join([*head, "", "{}"]) + HIDDEN).encode()


@pytest.mark.parametrize(
    "headers",
    [
        (LENGTH, "Content-Length: 2"),
        ("Content-Length: 2", LENGTH),
        (LENGTH, " 2"),
        (LENGTH, "Transfer-Encoding: chunked"),
        ("Content-Length: +2",),
        ("Content-Length: 0_2",),
        ("Content-Length : 2",),
        ("Content-Length: 2", "Host: y"),
        ("Content-Length: 2", "Upgrade: a", "Upgrade: b"),
        ("Content-Length: 2", 'If-Match: "1"', 'If-Match: "2"'),
    ],
    ids=" | ".join,
)
def test_what_is_said_in_two_ways_is_refused(api: Path, headers: tuple[str, ...]) -> None:
    reply = exchange(api, sent(*headers))
    assert reply.status == 400
    assert b'"uid"' not in reply.body


def test_a_name_with_an_underscore_is_no_other_name(api: Path) -> None:
    reply = exchange(api, sent("Content-Length: 2", "Content_Length: 1"))
    assert b'"exit": 0' in reply.body
    assert b'"uid":0' in reply.body  # what follows is the next request, as it was said


UNREADABLE = {
    "GET //v1/me HTTP/1.1\r\nHost: x\r\n\r\n": 400,
    "GET /v1/me HTTP/9.9\r\nHost: x\r\n\r\n": 505,
    "GET http://x/v1/me HTTP/1.0\r\n\r\n": 400,
    "get /v1/me HTTP/1.1\r\nHost: x\r\n\r\n": 400,
    "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n": 405,
    "GET /v1/me HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n": 501,
    "GET /v1/me HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n": 413,
    f"GET /v1/me HTTP/1.1\r\nX: {'x' * 20_000}\r\n\r\n": 413,
    f"GET /{'x' * 20_000} HTTP/1.1\r\n\r\n": 414,
    "x\r\n": 400,
}


@pytest.mark.parametrize("head", UNREADABLE, ids=lambda head: head[:40])
def test_what_cannot_be_read_is_refused_as_everything_is(api: Path, head: str) -> None:
    reply = exchange(api, head.encode())
    assert reply.status == UNREADABLE[head]
    assert reply.headers["Content-Type"] == "application/json"
    refusal = Refusal.model_validate_json(reply.body)
    assert refusal.what and refusal.exit == (1 if reply.status > 500 else 2)
    assert int(reply.headers["Content-Length"]) == len(reply.body)


def test_monitors_are_refused_so_too() -> None:
    with (
        monitored(("127.0.0.1", 0), well, print) as address,
        socket.create_connection(address) as peer,
    ):
        peer.sendall(b"GET //metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        came = b""
        while piece := peer.recv(1 << 16):
            came += piece
    assert "absolute URI" in Refusal.model_validate_json(parsed(came).body).what
