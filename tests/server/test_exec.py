"""Commands in boxes through the server: byte by byte both ways, ended with whoever typed them."""

from __future__ import annotations

import json
import os
import pty
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestr8.__main__ import run
from orchestr8.controller.authority import EVERYTHING, Asker
from orchestr8.engines.joined import Joined
from orchestr8.engines.memory.workload import Workload
from orchestr8.frames import ERROR, EXIT, INPUT, OUTPUT, WINDOW, Frames, framed
from orchestr8.server.answers import Answer
from orchestr8.server.application import Application
from orchestr8.server.documents import Command
from orchestr8.server.joint import UPGRADE, Joint
from orchestr8.server.listening import listening
from tests.house import ROOT
from tests.server.machine import SECONDS_MOST, behave, request
from tests.server.test_api import deaf, well

EXEC = "/v1/commands/exec"
WEB = 'orchestr8: 1\nowner: web\nservices: {front: {image: "front:1", health: {tcp: 80}}}\n'


class Programs:
    """Runs a program in a box's place, joined to whoever asks; hears whether they have left."""

    def __init__(self) -> None:
        self.left = threading.Event()

    def __call__(self, _: Asker, __: str, command: Command, answer: Answer) -> None:
        assert isinstance(answer, Joint)
        joined: Joined = answer.joined
        answer.put(err="it begins\n")
        with subprocess.Popen(
            command.arguments, stdin=joined.input, stdout=joined.output, stderr=joined.error
        ) as program:
            while program.poll() is None:
                if joined.is_left():
                    self.left.set()
                    program.kill()
                time.sleep(0.01)
        answer.put(exit=program.returncode)


@pytest.fixture
def programs(folder: Path) -> Iterator[tuple[Path, Programs]]:
    """A server whose boxes are this machine."""
    made = Programs()
    application = Application(lambda _: EVERYTHING, made, well, deaf)
    with listening(folder / "run", application, print) as path:
        yield path, made


class Typist:
    """Somebody at the other end of the connection."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self._frames = Frames()
        self.said = {OUTPUT: b"", ERROR: b""}
        self.status: int | None = None

    def type(self, content: bytes, kind: int = INPUT) -> None:
        """Sends a frame."""
        self.peer.sendall(framed(kind, content))

    def hear(self, enough: Callable[[], bool] = lambda: False) -> None:
        """Reads until it is enough, or over."""
        while not enough() and self.status is None:
            piece = self.peer.recv(1 << 16)
            assert piece, "the server went away"
            for kind, content in self._frames.feed(piece):
                if kind == EXIT:
                    self.status = int(content)
                else:
                    self.said[kind] += content


@contextmanager
def joined(path: Path, *words: str, **shown: object) -> Iterator[Typist]:
    """A command whose connection was taken over."""
    body = json.dumps({"arguments": words, "shown": shown}).encode()
    head = (
        f"POST {EXEC} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        f"Connection: Upgrade\r\nUpgrade: {UPGRADE}\r\n\r\n"
    )
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(SECONDS_MOST)
        peer.connect(str(path))
        peer.sendall(head.encode() + body)
        came = b""
        while b"\r\n\r\n" not in came:
            came += peer.recv(1)
        assert came.startswith(b"HTTP/1.1 101 ")
        yield Typist(peer)


def test_both_outputs_and_the_status_come_as_they_are(programs: tuple[Path, Programs]) -> None:
    script = r"printf 'a\000\377'; printf b >&2; exit 7"
    with joined(programs[0], "sh", "-c", script) as typist:
        typist.hear()
    assert typist.said == {OUTPUT: b"a\0\xff", ERROR: b"it begins\nb"}
    assert typist.status == 7


def test_input_comes_whole_however_much_it_is_and_has_an_end(
    programs: tuple[Path, Programs],
) -> None:
    """More than all pipes hold, both ways at once."""
    text = os.urandom(3 << 20)
    with joined(programs[0], "cat") as typist:

        def type_all() -> None:
            for at in range(0, len(text), 1 << 16):
                typist.type(text[at : at + (1 << 16)])
            typist.type(b"")

        thread = threading.Thread(target=type_all)
        thread.start()
        typist.hear()
        thread.join(SECONDS_MOST)
    assert typist.said[OUTPUT] == text
    assert typist.status == 0


@pytest.mark.parametrize("typed", [b"", b"x" * 300_000], ids=["nothing typed", "much typed"])
def test_a_command_ends_with_whoever_typed_it(
    programs: tuple[Path, Programs], typed: bytes
) -> None:
    path, heard = programs
    with joined(path, "sh", "-c", "echo here; exec sleep 1000") as typist:
        typist.hear(lambda: b"here" in typist.said[OUTPUT])
        if typed:
            typist.peer.setblocking(False)
            typist.peer.send(framed(INPUT, typed))
    assert heard.left.wait(SECONDS_MOST)


def test_what_a_command_began_keeps_nobody(programs: tuple[Path, Programs]) -> None:
    with joined(programs[0], "sh", "-c", "sleep 1000 & echo $!") as typist:
        typist.hear()
    assert typist.status == 0
    os.kill(int(typist.said[OUTPUT]), 9)


def test_a_terminal_is_one_there_and_has_its_size(programs: tuple[Path, Programs]) -> None:
    shown = {"out": True, "err": True, "typed": True, "columns": 99, "lines": 33}
    script = "stty size; read line; stty size; test -t 0 && test -t 2 && exit 6"
    with joined(programs[0], "sh", "-c", script, **shown) as typist:
        typist.hear(lambda: b"33 99" in typist.said[OUTPUT])
        typist.type(b"70 20", WINDOW)
        typist.type(b"nonsense", WINDOW)
        typist.type(b"\n")
        typist.hear()
    assert b"20 70" in typist.said[OUTPUT]
    assert typist.said[ERROR] == b"it begins\r\n"
    assert typist.status == 6


def test_a_frame_without_an_end_is_not_waited_for(programs: tuple[Path, Programs]) -> None:
    path, heard = programs
    with joined(path, "sleep", "1000") as typist:
        typist.peer.sendall(struct.pack(">BxxxL", INPUT, 1 << 31))
        with pytest.raises(OSError):
            while True:
                typist.peer.sendall(b"x" * 100_000)
    assert heard.left.wait(SECONDS_MOST)


@pytest.fixture
def web(api: Path, folder: Path) -> Path:
    """The socket of a server with one service, in whose box every command says something."""
    (folder / "web.yaml").write_text(WEB)
    assert run(["apply", "web.yaml"]) == 0
    behave(Workload(output=b"hello\xff\n", command_status=5))
    return api


def test_without_a_connection_of_its_own_it_is_told_afterwards(web: Path) -> None:
    reply = request(web, "POST", EXEC, {"arguments": ["front.web", "--", "ls", "--help"]})
    assert (reply.exit, reply.text) == (5, "hello\\xff\n")
    for words, what in ((["front.web"], "no command is given"), (["nix.web", "ls"], "no service")):
        reply = request(web, "POST", EXEC, {"arguments": words})
        assert reply.exit == 2 and what in reply.text


def test_the_journal_has_the_program_and_not_its_arguments(web: Path) -> None:
    request(web, "POST", EXEC, {"arguments": ["front.web", "login", "--password=secret"]})
    reply = request(web, "POST", "/v1/commands/events", {"arguments": ["--output", "json"]})
    (row,) = [one for one in map(json.loads, reply.text.splitlines()) if one["event"] == "execute"]
    assert (row["subject"], row["cause"], row["result"]) == (
        "web--front--1", "login", "exit status 5"
    )  # fmt: skip
    assert row["actor"] and "secret" not in reply.text


def test_the_client_gives_what_came(web: Path) -> None:
    words = [sys.executable, "-m", "orchestr8", "exec", "front.web", "--", "x"]
    done = subprocess.run(
        words, input=b"typed", capture_output=True, cwd=ROOT, timeout=SECONDS_MOST, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (5, b"hello\xff\n", b"")
    done = subprocess.run(
        [*words[:4], "nix.web", "x"], capture_output=True, cwd=ROOT, timeout=SECONDS_MOST,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2 and b"there is no service nix.web" in done.stderr


def test_the_client_on_a_terminal(programs: tuple[Path, Programs], folder: Path) -> None:
    """What is typed goes through two terminals, and the first is as before afterwards."""
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(ROOT)
        script = "stty size; read line; echo got $line; exit 4"
        words = ["exec", "sh", "-c", script]
        os.execv(sys.executable, [sys.executable, "-m", "orchestr8", *words])
    seen, is_typed = b"", False
    try:
        while piece := os.read(terminal, 4096):
            seen += piece
            if b"begins" in seen and not is_typed:
                os.write(terminal, b"hello\n")
                is_typed = True
    except OSError:
        pass  # it has ended
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 4, seen
    assert b"got hello\n" in seen
