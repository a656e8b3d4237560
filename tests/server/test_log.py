"""What the server's log says of those who act at the API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestr8.__main__ import run
from orchestr8.cli.answering import Acted
from orchestr8.cli.arguments import Output
from orchestr8.cli.serving import Log
from orchestr8.errors import Exit
from tests.controller.looping import until
from tests.server.machine import served
from tests.server.test_follow import WEB


def test_whoever_acts_is_told_of_with_the_result_and_whoever_looks_is_not(folder: Path) -> None:
    (folder / "web.yaml").write_text(WEB)
    heard: list[Acted] = []

    def act(*words: str) -> Acted:
        """Types it; what the server says of it, which may be a moment after the answer."""
        before = len(heard)
        run(list(words))
        until(lambda: len(heard) > before)
        return heard[-1]

    with served() as machine:
        machine.answering.acted = heard.append
        with machine.listening():
            applied = act("apply", "web.yaml", "--set", "web")
            assert run(["status"]) == 0
            wrong = act("set", "front.web", "env.PASSWORD=hunter2")
            entered = act("exec", "front.web", "login", "--password=hunter2")
            downed = act("down", "--set", "web")
    assert heard == [applied, wrong, entered, downed]
    assert {one.who for one in heard} == {"root"}
    assert (applied.words, applied.status) == (("apply", "web.yaml", "--set", "web"), Exit.DONE)
    assert (wrong.words[0], wrong.status) == ("set", Exit.USAGE)
    assert entered.words == ("exec", "front.web")
    assert (downed.words, downed.status) == (("down", "--set", "web"), Exit.DONE)


def test_a_line_for_people_and_for_machines(capfd: pytest.CaptureFixture[str]) -> None:
    good = Acted("ann", ("set", "front.web", "limits.memory=64MiB"), Exit.DONE, 12.5)
    bad = Acted("bob", ("set", "front.web", "env.PASSWORD=hunter2"), Exit.USAGE, 3.0)
    for output in Output.TEXT, Output.JSON:
        log = Log(output)
        for acted in good, bad:
            log.acted(acted)
    *lines, first, second = capfd.readouterr().out.splitlines()
    assert [line.partition("Z  ")[2] for line in lines] == [
        "command   ann  set front.web limits.memory=64MiB: done  12 ms",
        "command   bob  set front.web env.PASSWORD: exit status 2  3 ms",
    ]
    told = [json.loads(line) for line in (first, second)]
    assert [(one["event"], one["subject"], one["result"]) for one in told] == [
        ("command", "ann", "done"),
        ("command", "bob", "exit status 2"),
    ]
    assert "hunter2" not in first + second
