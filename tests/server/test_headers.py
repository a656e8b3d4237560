"""Heads that can be read in two ways: nothing of what follows them is taken for another request."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.machine import exchange
from tests.server.test_api import STATUS

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
