"""Events that are followed: each comes as it happens, to those whose it is, until they leave."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestr8.__main__ import run
from orchestr8.cli import asking
from orchestr8.engines.memory.workload import Workload
from orchestr8.server import answers
from orchestr8.server.answers import Answer, begun
from tests.controller.looping import until
from tests.server.machine import SECONDS_MOST, behave, followers, request, served

WEB = 'orchestr8: 1\nowner: web\nservices:\n  front: {image: "front:1", health: {tcp: 80}}\n'
SAYS = "listening"
EVENTS, LOGS = "/v1/commands/events", "/v1/commands/logs"


@contextmanager
def followed(path: Path, *words: str, place: str = EVENTS) -> Iterator[Iterator[dict[str, Any]]]:
    """The lines of an answer that has no end, one after the other."""
    body = json.dumps({"arguments": ["--follow", *words]}).encode()
    head = f"POST {place} HTTP/1.0\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(SECONDS_MOST)
        peer.connect(str(path))
        peer.sendall(head.encode() + body)
        with peer.makefile("rb") as file:
            assert b"200" in file.readline()
            while file.readline().strip():
                pass
            yield map(json.loads, file)


@pytest.fixture
def web(api: Path, folder: Path) -> Path:
    """The socket of a server with one service."""
    (folder / "web.yaml").write_text(WEB)
    assert run(["apply", "web.yaml"]) == 0
    behave(Workload(log=(SAYS,)))
    return api


def test_what_happens_comes_until_whoever_follows_leaves(
    web: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "SILENCE_SECONDS", 0.05)
    with followed(web, "--output", "json", "--last", "1") as lines:
        first = json.loads(next(lines)["out"])
        assert run(["restart", "front.web"]) == 0
        heard: list[dict[str, Any]] = []
        while not any(one["event"] == "remove" for one in heard):
            line = next(lines)
            if line["out"]:
                heard.append(json.loads(line["out"]))
        assert [one["number"] for one in heard] == sorted({one["number"] for one in heard})
        assert heard[0]["number"] > first["number"]
        assert {one["owner"] for one in heard} == {"web"}
        until(lambda: followers() == 1)
    until(lambda: followers() == 0)


def test_whoever_looks_waits_for_who_reads_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "UNREAD_MOST", 10)
    number = 100

    def look(answer: Answer) -> None:
        for _ in range(number):
            answer.put(out="x")
            assert answer.unread <= 10

    assert len(list(begun(look, Answer(waits=True)))) == number
    left = Answer(waits=True)
    thread = threading.Thread(target=look, args=(left,))
    thread.start()
    until(lambda: left.unread == 10)
    left.leave()
    thread.join(SECONDS_MOST)
    assert not thread.is_alive()


def test_whoever_changes_something_waits_for_nobody() -> None:
    answer = Answer()
    for _ in range(answers.UNREAD_MOST + 1):
        answer.put(out="x")
    answer.end()
    assert answer.is_over and len(answer.lines) == 1


def test_the_lines_of_a_box_come_until_whoever_follows_leaves_or_it_ends(
    web: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "SILENCE_SECONDS", 0.05)
    with followed(web, "front.web", place=LOGS) as lines:
        assert next(lines) == {"out": SAYS + "\n"}
        until(lambda: followers() == 1)
    until(lambda: followers() == 0)
    with followed(web, "front.web", place=LOGS) as lines:
        assert next(lines) == {"out": SAYS + "\n"}
        assert run(["restart", "front.web"]) == 0
        rest = [one for one in lines if one != {"out": ""}]
    assert rest == [{"err": "the box has ended\n"}, {"exit": 0}]


@pytest.mark.parametrize(
    ("place", "words"), [(EVENTS, ()), (LOGS, ("front.web",))], ids=["events", "logs"]
)
def test_whoever_follows_is_told_that_the_server_ends(
    folder: Path, place: str, words: tuple[str, ...]
) -> None:
    (folder / "web.yaml").write_text(WEB)
    with served() as machine, machine.listening() as path:
        assert run(["apply", "web.yaml"]) == 0
        behave(Workload(log=(SAYS,)))
        with followed(path, *words, place=place) as lines:
            next(lines)
            machine.loop.stop()
            *_, last = told = list(lines)
    assert last == {"exit": 1}
    assert "the server was told to end" in "".join(one.get("err", "") for one in told)


def test_so_many_may_follow_at_once(web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_followers", threading.BoundedSemaphore(1))
    monkeypatch.setattr(answers, "SILENCE_SECONDS", 0.05)
    with followed(web) as lines:
        next(lines)
        second = request(web, "POST", EVENTS, {"arguments": ["--follow"]})
        assert second.exit == 1 and "follow something here already" in second.text
        assert request(web, "POST", EVENTS, {"arguments": []}).exit == 0
    until(lambda: request(web, "POST", EVENTS, {"arguments": ["--after", "0"]}).exit == 0)
