"""A socket that somebody deletes is made again, and whoever is answered meanwhile hears it all."""

from __future__ import annotations

import shutil
import socket
import threading
from pathlib import Path

import pytest

from tests.controller.looping import until
from tests.server.machine import Reply, request
from tests.server.slow import slow_api

ME, STATUS = "/v1/me", "/v1/commands/status"


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked often."""
    monkeypatch.setattr("orchestr8.server.listening.LOOK_SECONDS", 0.01)


@pytest.mark.parametrize("folder_too", [False, True])
def test_a_socket_that_was_deleted_is_made_again(folder: Path, folder_too: bool) -> None:
    with slow_api(folder) as (path, slow):
        mode, replies = path.stat().st_mode, list[Reply]()

        def ask() -> None:
            replies.append(request(path, "POST", STATUS, {}))

        thread = threading.Thread(target=ask)
        thread.start()
        assert slow.begun.acquire(timeout=60)
        for _ in range(3):
            shutil.rmtree(path.parent) if folder_too else path.unlink()
            until(path.exists)
            assert request(path, "GET", ME).status == 200
            assert path.stat().st_mode == mode
        slow.let_go.set()
        thread.join(60)
        assert replies[0].text == "begun\n", "it goes on over the connection that it has"
    assert not path.exists()


def test_a_socket_that_another_server_made_is_left_alone(folder: Path) -> None:
    with slow_api(folder) as (path, _), socket.socket(socket.AF_UNIX) as other:
        beside = path.with_suffix(".other")
        other.bind(str(beside))
        other.listen()
        made = beside.stat()
        beside.replace(path)
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(path))
            other.accept()[0].close()
    assert path.stat().st_ino == made.st_ino, "nor is it taken away at the end"
