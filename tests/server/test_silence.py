"""A server that says nothing, or at which many wait: it is waited for, and that is told."""

from __future__ import annotations

import io
import socket
import threading
from contextlib import ExitStack, redirect_stderr
from pathlib import Path

import pytest

from orchestr8 import client, line, silence
from orchestr8.__main__ import run
from tests.server.slow import slow_api
from tests.server.test_api import OK, answering

SECONDS_MOST = 60
WAITS = "for 0 s, which is still waited for"
DONE = OK + b'{"exit": 9}\n'


class Heard(io.StringIO):
    """Standard error, and how often somebody was told whom they wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Semaphore(0)

    def write(self, text: str) -> int:
        """More of it."""
        if WAITS in text:
            self.told.release()
        return super().write(text)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What a client says whose patience is short, once `typed` has run it."""
    monkeypatch.setattr(line, "SILENCE_SECONDS", 0.05)
    return Heard()


def typed(heard: Heard, *words: str) -> int:
    """The exit status of a command that somebody types."""
    with redirect_stderr(heard):
        return run(words)


def test_whoever_waits_is_told_for_whom_again_and_again(folder: Path, heard: Heard) -> None:
    def answer(peer: socket.socket) -> None:
        for _ in range(2):
            assert heard.told.acquire(timeout=SECONDS_MOST)
        peer.sendall(DONE)

    with answering(folder, answer):
        assert typed(heard, "status") == 9
    first, second, *_ = heard.getvalue().splitlines()
    assert first == f"orchestr8: nothing has come from the server {folder}/run/api.sock {WAITS}"
    assert "Ctrl-C" in second


def test_a_server_that_does_not_read_is_waited_for(folder: Path, heard: Heard) -> None:
    (folder / "web.yaml").write_text("orchestr8: 1\nowner: web\n" + "# x\n" * 200_000)

    def answer(peer: socket.socket) -> None:
        assert heard.told.acquire(timeout=SECONDS_MOST)
        sending = threading.Thread(target=peer.sendall, args=(DONE,))
        sending.start()
        while peer.recv(1 << 16):
            pass
        sending.join()

    with answering(folder, answer):
        assert typed(heard, "apply", "web.yaml") == 9


def test_a_command_that_says_nothing_more_is_waited_for(folder: Path, heard: Heard) -> None:
    with slow_api(folder) as (_, slow):

        def let_go() -> None:
            assert heard.told.acquire(timeout=SECONDS_MOST)
            slow.let_go.set()

        letting_go = threading.Thread(target=let_go)
        letting_go.start()
        assert typed(heard, "status") == 0
        letting_go.join()


@pytest.mark.parametrize("words", [["--timeout=50ms"], ["--timeout", "50ms"]])
def test_a_time_that_was_typed_is_over_though_the_server_does_not_say_so(
    folder: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(silence, "LATE_SECONDS", 0.1)
    with answering(folder, lambda peer: peer.recv(1)):
        assert typed(heard, "apply", *words) == 4
    assert WAITS in heard.getvalue()
    assert "orchestr8: timed out: nothing has come from the server" in heard.getvalue()


def test_a_server_at_which_many_wait_is_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "run" / "api.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listener, ExitStack() as stack:
        listener.bind(str(path))
        listener.listen(0)
        waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
        waiting.connect(str(path))
        begun, wait_for_room = threading.Event(), client._wait_for_room

        def wait(peer: socket.socket) -> None:
            begun.set()
            wait_for_room(peer)

        def answer() -> None:
            assert begun.wait(SECONDS_MOST)
            listener.accept()[0].close()
            with listener.accept()[0] as peer:
                peer.recv(1 << 16)
                peer.sendall(DONE)

        monkeypatch.setattr(client, "CONNECTING_SECONDS", SECONDS_MOST)
        monkeypatch.setattr(client, "_wait_for_room", wait)
        answering = threading.Thread(target=answer)
        answering.start()
        assert run(["status"]) == 9
        answering.join()
