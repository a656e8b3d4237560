"""Descriptors are waited for whatever their numbers are."""

from __future__ import annotations

import fcntl
import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.descriptors import readable, ready

HIGH = 1_100
"""A number that `select` does not take."""


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection with high numbers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    low = socket.socketpair()
    try:
        high = [socket.socket(fileno=fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, HIGH)) for one in low]
    finally:
        for one in low:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with high[0], high[1]:
        yield high[0], high[1]


def test_what_can_be_read_and_written_is_told(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = (one.fileno() for one in pair)
    assert min(ours, theirs) >= HIGH
    assert readable([ours, theirs], 0) == set()
    assert ready([ours, theirs], [ours], 0) == (set(), {ours})
    pair[0].send(b"word")
    assert readable([ours, theirs]) == {theirs}
    assert ready([theirs], [theirs], 60) == ({theirs}, {theirs})


def test_an_end_can_be_read_and_what_nobody_reads_can_be_written(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours = pair[0].fileno()
    pair[1].close()
    assert ready([ours], [], 60) == ({ours}, set())
    assert ready([], [ours], 60) == (set(), {ours})
    reading, writing = os.pipe()
    os.close(reading)
    assert ready([], [writing], 60) == (set(), {writing})
    os.close(writing)


def test_a_file_that_is_no_pipe_can_always_be_read() -> None:
    with Path(os.devnull).open() as nothing:
        assert readable([nothing.fileno()], 60) == {nothing.fileno()}
