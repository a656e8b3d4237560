"""An apply that gives a service up leaves no way open to or from a box that is gone."""

from __future__ import annotations

from orchestr8.boxes.network import Pass
from orchestr8.engines.memory.workload import Workload, dies_at_once
from tests.cli.shell import Shell

DB = "  db: {image: 'db:1', health: {tcp: 5432}}\n"
WEB = "  web: {image: 'web:1', health: {tcp: 8080}, connects: [db:5432]}\n"
HEAD = "orchestr8: 1\nowner: me\nservices:\n"


def passes(shell: Shell) -> list[Pass]:
    return [one for one in shell.machine.elements if isinstance(one, Pass)]


def test_links_of_a_box_that_never_came_up_are_closed(shell: Shell) -> None:
    shell.apply(HEAD + DB)
    shell.machine.workloads["web.me"] = dies_at_once(3)

    said = shell.apply(HEAD + DB + WEB, status=1)

    assert "attempt 3" in said.output
    assert shell.running == ["me--db--1"]
    assert passes(shell) == []
    shell.type("prove")


def test_links_of_a_box_for_which_there_was_no_time_are_closed(shell: Shell) -> None:
    shell.apply(HEAD + "  other: {image: 'other:1'}\n")
    shell.machine.workloads["db.me"] = Workload(healthy_after_ms=None)

    shell.apply(HEAD + DB + WEB.replace("{image", "{after: [db], image"), "--timeout 1s", status=4)

    assert "me--web--1" not in shell.running
    assert passes(shell) == []
    shell.type("prove db.me")

    shell.machine.workloads["db.me"] = Workload()
    shell.crash("me--db--1")
    shell.type("apply")
    assert len(passes(shell)) == 1
