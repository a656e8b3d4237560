"""A Docker Engine that is asked about itself before what reads the answer is loaded."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from orchestr8.engines.docker.endpoint import asked_about_itself
from orchestr8.engines.docker.machine import DockerMachine

GOOD = b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"ID": "told beforehand"}'


class Asked:
    """A client that gets an answer, too."""

    endpoint = "unix:///run/docker.sock"

    def get(self, path: str, doing: str) -> dict[str, str]:
        """The answer to every question."""
        return {"ID": f"asked for {path}"}


def engine_id(folder: Path, answer: bytes | None) -> str:
    """What a machine calls its engine, which answers so, or not at all."""
    path = folder / "docker.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        if answer is not None:
            listener.bind(str(path))
            listener.listen()
        with asked_about_itself(f"unix://{path}") as about:
            if answer is not None:
                engine, _ = listener.accept()
                with engine:
                    assert engine.recv(4096).startswith(b"GET /info HTTP/1.0\r\n")
                    engine.sendall(answer)
            machine = DockerMachine(Asked(), "net", idmapped_mounts=True, about=about)  # type: ignore[arg-type]
            return machine.engine_id


def test_what_was_asked_beforehand_is_not_asked_again(tmp_path: Path) -> None:
    assert engine_id(tmp_path, GOOD) == "told beforehand"


@pytest.mark.parametrize(
    "answer",
    [None, b"", GOOD[:-1], GOOD.replace(b"200 OK", b"500 Internal Server Error"), b"hello"],
    ids=["nobody listens", "nothing comes", "it is cut off", "it failed", "it is no HTTP"],
)
def test_where_no_good_answer_comes_it_is_asked_again(tmp_path: Path, answer: bytes | None) -> None:
    assert engine_id(tmp_path, answer) == "asked for /info"
