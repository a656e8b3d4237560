"""Entries of systemd's journal, as something that listens in its place reads them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.host.journal import Journal, Priority, journal_of


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "socket"))
        made.settimeout(60)
        yield made


def test_an_entry_has_its_fields(listener: socket.socket) -> None:
    journal = Journal(listener.getsockname())
    assert journal.write("a box ended", Priority.WARNING, {"ORCHESTR8_SUBJECT": "hello.me"})
    assert listener.recv(4096) == (b"MESSAGE=a box ended\nPRIORITY=4\nORCHESTR8_SUBJECT=hello.me\n")


def test_a_line_break_in_a_value_makes_no_field_of_its_own(listener: socket.socket) -> None:
    Journal(listener.getsockname()).write("x\n_UID=0", Priority.INFORMATION, {})
    assert listener.recv(4096) == (b"MESSAGE\n\x08\0\0\0\0\0\0\0x\n_UID=0\nPRIORITY=6\n")


def test_who_gets_no_entry_is_told(tmp_path: Path, listener: socket.socket) -> None:
    absent = Journal(str(tmp_path / "absent"))
    assert not absent.write("x", Priority.ERROR, {})
    too_large = "x" * (64 << 20)
    assert not Journal(listener.getsockname()).write(too_large, Priority.ERROR, {})


def test_only_the_stream_that_was_named_leads_to_the_journal(tmp_path: Path) -> None:
    with (tmp_path / "one").open("w") as one, (tmp_path / "other").open("w") as other:
        found = os.fstat(one.fileno())
        environment = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert journal_of(one.fileno(), environment) == Journal()
        assert journal_of(other.fileno(), environment) is None
        assert journal_of(one.fileno(), {}) is None
        assert journal_of(one.fileno(), {"JOURNAL_STREAM": "a line"}) is None
