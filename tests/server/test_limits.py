"""What one has of the API at once, and for how long; what lacks is said."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from orchestr8.server.application import COMMANDS_MOST
from tests.server.machine import request
from tests.server.slow import slow_api

STATUS = "/v1/commands/status"


def test_one_account_has_so_many_commands_under_way(folder: Path) -> None:
    with slow_api(folder) as (path, slow):
        threads = [
            threading.Thread(target=request, args=(path, "POST", STATUS, {}))
            for _ in range(COMMANDS_MOST)
        ]
        for thread in threads:
            thread.start()
            assert slow.begun.acquire(timeout=60)
        assert request(path, "POST", STATUS, {}).status == 429
        assert request(path, "GET", "/v1/me").status == 200
        slow.let_go.set()
        for thread in threads:
            thread.join(60)


def test_a_machine_without_a_thread_for_a_command_is_told_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def start_none(thread: threading.Thread) -> None:
        if thread.name == "command":
            raise RuntimeError("can't start new thread")
        start(thread)

    with slow_api(folder) as (path, slow):
        slow.let_go.set()
        with monkeypatch.context() as machine:
            machine.setattr(threading.Thread, "start", start_none)
            for _ in range(COMMANDS_MOST + 1):
                reply = request(path, "POST", STATUS, {})
                assert reply.status == 503 and reply.document["remedy"] == "try again in a moment"
        assert request(path, "POST", STATUS, {}).exit == 0, "each has given back its share"


def test_whoever_says_nothing_is_not_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestr8.server.counted.IDLE_SECONDS", 0.1)
    with slow_api(folder) as (path, _):
        head = f"POST {STATUS} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
        for begun in ("", head, f"{head}\r\n{{"):
            # it may be shut before it has said what it says
            with socket.socket(socket.AF_UNIX) as peer, suppress(ConnectionError):
                peer.settimeout(60)
                peer.connect(str(path))
                peer.sendall(begun.encode())
                while piece := peer.recv(1 << 16):
                    assert b"200 OK" not in piece


_DRIPS = """
import os, socket, sys
os.setuid(int(sys.argv[2]))
peers = [socket.socket(socket.AF_UNIX) for _ in range(9)]
for peer in peers:
    peer.connect(sys.argv[1])
    try:
        peer.sendall(b"GET /v1/me HTTP/1.0\\r\\nX-Half: ")
    except ConnectionError:
        pass
print(flush=True)
sys.stdin.read()
"""


def test_root_is_heard_whoever_says_half_of_what_they_say(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestr8.server.counted.IDLE_SECONDS", 600)
    with slow_api(folder) as (path, _), ExitStack() as stack:
        for uid in range(4711, 4719):
            words = [sys.executable, "-c", _DRIPS, str(path), str(uid)]
            one = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.enter_context(one)  # its input is closed, and its end waited for
            assert one.stdout and one.stdout.readline() == "\n"
        assert request(path, "GET", "/v1/me").status == 200


def test_a_key_under_way_is_told_so(folder: Path) -> None:
    with slow_api(folder) as (path, slow):
        headers = {"Idempotency_Key": "a"}
        place = "/v1/commands/down"
        thread = threading.Thread(target=request, args=(path, "POST", place, {}), kwargs=headers)
        thread.start()
        assert slow.begun.acquire(timeout=60)
        reply = request(path, "POST", place, {}, **headers)
        assert reply.status == 409 and "under way" in reply.document["what"]
        slow.let_go.set()
        thread.join(60)
