"""Probes of boxes that are namespaces with a server in them."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from orchestr8.host.probes import HostProbes
from orchestr8.manifest.model import CommandCheck, HttpCheck, TcpCheck
from orchestr8.names import BoxId
from tests.host.namespaces import Namespace
from tests.host.rights import needs_root

pytestmark = needs_root

BOX = BoxId("payments", "api", 1)
ADDRESS = "10.77.0.9"
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


def _command(box_id: BoxId, command: Sequence[str], timeout_ms: int) -> str:
    return "" if command == ("true",) else f"{box_id} ended with status 1"


PROBES = HostProbes(_command)


@contextmanager
def _box(answers: bytes | None = OK, address: str = "0.0.0.0", drip: bool = False) -> Iterator[int]:
    """The pid of a server on port 8080 that answers so, or only accepts."""

    def serve(ready: int) -> None:
        listener = socket.create_server((address, 8080))
        os.write(ready, b".")
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=converse, args=(connection,), daemon=True).start()

    def converse(connection: socket.socket) -> None:
        connection.recv(4096)
        if answers is None:
            time.sleep(60)
            return
        length = 1 if drip else len(answers) or 1
        for start in range(0, len(answers), length):
            connection.sendall(answers[start : start + length])
            time.sleep(0.05 if drip else 0)
        connection.close()

    with closing(Namespace()) as namespace:
        namespace.ip(f"addr add {ADDRESS}/32 dev lo")
        with namespace.serve(serve) as pid:
            yield pid


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (OK, ""),
        (b"HTTP/1.0 301 Moved\r\n", ""),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "GET /healthz answered 503"),
        (b"HTTP/1.1 404\r\n\r\n", "GET /healthz answered 404"),
        (b"SSH-2.0-OpenSSH\r\n", "GET /healthz: the answer is not HTTP"),
        (b"HTTP/1.1 2x0 OK\r\n", "GET /healthz: the answer is not HTTP"),
        (b"", "GET /healthz: the answer is not HTTP"),
        (b"x" * 100_000, "GET /healthz: the answer is not HTTP"),
    ],
)
def test_http(answers: bytes, said: str) -> None:
    with _box(answers) as pid:
        assert PROBES.check(BOX, pid, HttpCheck(8080, "/healthz"), 2000) == said


def test_tcp() -> None:
    with _box() as pid:
        assert PROBES.check(BOX, pid, TcpCheck(8080), 60_000) == ""
        assert PROBES.check(BOX, pid, TcpCheck(9), 60_000) == "connection refused at 127.0.0.1:9"


@pytest.mark.parametrize("address", ["127.0.0.1", ADDRESS])
def test_a_server_on_either_address_is_found(address: str) -> None:
    with _box(address=address) as pid:
        namespace_pid = pid
        _add_route(namespace_pid)
        assert PROBES.check(BOX, pid, HttpCheck(8080, "/"), 60_000) == ""


@pytest.mark.parametrize(
    "server", [lambda: _box(None), lambda: _box(b"H" * 4096, drip=True)], ids=["silent", "slow"]
)
def test_what_answers_too_late_is_not_waited_for(server: Callable[[], Iterator[int]]) -> None:
    with server() as pid:  # type: ignore[attr-defined]
        before = time.monotonic()
        said = PROBES.check(BOX, pid, HttpCheck(8080, "/"), 300)
        assert said == "no answer from 127.0.0.1:8080 in time"
        assert time.monotonic() - before < 30, "it waited for the server"


def test_the_callers_own_network_is_left_alone() -> None:
    before = Path("/proc/thread-self/ns/net").stat().st_ino
    with _box() as pid, ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda _: _probe_and_look(pid, before), range(40)))
    assert said == [""] * 40
    assert Path("/proc/thread-self/ns/net").stat().st_ino == before


def test_no_descriptor_is_left() -> None:
    with _box() as pid:
        PROBES.check(BOX, pid, TcpCheck(8080), 2000)
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(20):
            PROBES.check(BOX, pid, HttpCheck(8080, "/"), 2000)
            PROBES.check(BOX, pid, TcpCheck(9), 2000)
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_number_that_is_no_box_is_not_asked() -> None:
    with _box() as pid:
        pass
    for number, said in (
        (pid, "the box does not run"),
        (0, "the box does not run"),
        (-1, "the box does not run"),
        (os.getpid(), f"process {os.getpid()} is not in the network of a box"),
    ):
        assert PROBES.check(BOX, number, TcpCheck(8080), 500) == said


def test_a_command_is_run_by_who_can() -> None:
    assert PROBES.check(BOX, 1, CommandCheck(("true",)), 500) == ""
    said = PROBES.check(BOX, 1, CommandCheck(("false",)), 500)
    assert said == "payments--api--1 ended with status 1"


def _probe_and_look(pid: int, own: int) -> str:
    said = PROBES.check(BOX, pid, HttpCheck(8080, "/"), 2000)
    seen = Path("/proc/thread-self/ns/net").stat().st_ino
    return said if seen == own else "the thread is in another network"


def _add_route(pid: int) -> None:
    """A way out that leads nowhere: by it the box's own address is known."""
    namespace = Namespace.__new__(Namespace)
    namespace.fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    namespace.ip(f"route add default dev lo src {ADDRESS}")
    namespace.close()
