"""A server without a descriptor to spare goes on, and takes nobody for another than they are."""

from __future__ import annotations

import os
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchestr8.descriptors import none_left
from orchestr8.engines.crun import carried
from orchestr8.errors import ShortageError, UnavailableError
from orchestr8.host import programs
from orchestr8.host.notify import Notify
from orchestr8.host.probes import HostProbes
from orchestr8.manifest.model import HttpCheck, TcpCheck
from orchestr8.names import BoxId
from orchestr8.server.identity import identify
from tests.controller.looping import until
from tests.server.machine import request
from tests.server.slow import slow_api

BOX = BoxId("me", "app", 1)


@contextmanager
def short_of_descriptors(left: int = 0) -> Iterator[None]:
    """So many can be had in a row, and no more; those that are open stay so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(left + 1)]
    for one in opened:
        os.close(one)
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened[-1], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def answered(box_id: BoxId, words: object, milliseconds: int) -> str:
    """A command that works."""
    return ""


@pytest.mark.parametrize("check", [TcpCheck(80), HttpCheck(80, "/")])
@pytest.mark.parametrize("left", [0, 1])
def test_a_box_that_could_not_be_asked_is_not_ill(check: TcpCheck | HttpCheck, left: int) -> None:
    with short_of_descriptors(left), pytest.raises(UnavailableError, match="no file descriptor"):
        HostProbes(answered).check(BOX, os.getppid(), check, 1_000)


def test_a_program_that_could_not_be_started_is_not_to_be_installed() -> None:
    with short_of_descriptors(1), pytest.raises(ShortageError, match="no file descriptor"):
        programs.run(["true"], "coreutils")


def test_a_box_whose_record_cannot_be_opened_is_not_gone(tmp_path: Path) -> None:
    (tmp_path / "box.json").write_text("{}")
    with short_of_descriptors(), pytest.raises(OSError) as caught:
        carried.read(tmp_path / "box.json")
    assert none_left(caught.value)
    assert carried.read(tmp_path / "box.json") is None


def test_whoever_cannot_be_looked_at_is_not_called_nobody() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with short_of_descriptors(), pytest.raises(OSError) as caught:
            identify(ours)
        assert none_left(caught.value)
        assert identify(ours).uid == os.getuid()


def test_a_supervisor_is_told_the_next_time(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "s"))
        notify = Notify({"NOTIFY_SOCKET": str(tmp_path / "s")})
        with short_of_descriptors():
            notify.alive()
        notify.ready()
        assert supervisor.recv(100) == b"READY=1"


def test_connections_wait_until_there_are_descriptors_again(folder: Path) -> None:
    with slow_api(folder) as (path, _):
        assert request(path, "GET", "/v1/me").status == 200
        with socket.socket(socket.AF_UNIX) as peer:
            with short_of_descriptors():
                peer.connect(str(path))
                peer.sendall(b"GET /v1/me HTTP/1.0\r\n\r\n")
            peer.settimeout(60)
            with suppress(ConnectionError):  # it may be shut, and is not told that it is nobody
                assert b" 403 " not in peer.recv(1 << 16)
        until(lambda: request(path, "GET", "/v1/me").status == 200)
        assert [one for one in threading.enumerate() if one.name == "api"]
