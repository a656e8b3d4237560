"""A held service is left alone until its hold ends, and everybody who asks hears of it."""

from __future__ import annotations

import pytest

from orchestr8.boxes.records import Hold
from orchestr8.controller.settings import now_ms
from orchestr8.names import ServiceName
from orchestr8.store.store import Store
from tests.cli.shell import Shell

TWO = """\
orchestr8: 1
owner: me
services:
  web: {image: "web:1", health: {tcp: 8080}, connects: [db:5432]}
  db: {image: "db:1", health: {tcp: 5432}}
"""
NEWER = TWO.replace("web:1", "web:2").replace("db:1", "db:2")
HOLD = 'hold web.me --until 2h --reason "the index is rebuilt"'


def test_apply_leaves_it_alone_and_does_the_rest(shell: Shell) -> None:
    shell.apply(TWO)
    shell.type(HOLD)
    said = shell.apply(NEWER)
    assert shell.running == ["me--db--2", "me--web--1"]
    assert "! web.me waits: held until " in said.output
    assert "who holds it" in said.output
    shell.crash("me--web--1")
    shell.type("apply")
    assert shell.running == ["me--db--2"]


def test_who_asks_hears_of_it(shell: Shell) -> None:
    shell.apply(TWO)
    said = shell.type(HOLD).output
    assert "web.me is left alone until 20" in said
    assert "`orchestr8 hold web.me --end`" in said
    assert "held until 20" in shell.type("status").output
    assert "web.me is held until " in shell.type("plan fleet.yaml").output
    why = shell.type("why web.me").output
    assert "the index is rebuilt (since 20" in why
    assert " by " in why
    document = shell.type("status web.me --output json").document
    assert document["services"][0]["hold"]["reason"] == "the index is rebuilt"
    shell.write("fleet.yaml", NEWER)
    assert "! web.me   1 of 1  waits" in shell.type("plan fleet.yaml").output


def test_what_waited_is_done_when_it_ends(shell: Shell) -> None:
    shell.apply(TWO)
    shell.type(HOLD)
    shell.apply(NEWER)
    assert "does what has waited" in shell.type("hold web.me --end").output
    shell.type("apply")
    assert shell.running == ["me--db--2", "me--web--2"]
    assert "web.me is not held" in shell.type("hold web.me --end", 2).errors


def test_it_ends_by_itself(shell: Shell) -> None:
    shell.apply(TWO)
    shell.type(HOLD)
    store = Store(shell.folder / "state")
    over = Hold(now_ms() - 1, "over", "ann", now_ms() - 2)
    store.interventions.add_hold(ServiceName("me", "web"), over)
    store.close()
    shell.apply(NEWER)
    assert shell.running == ["me--db--2", "me--web--2"]
    assert "held" not in shell.type("status").output


def test_down_is_stronger(shell: Shell) -> None:
    shell.apply(TWO)
    shell.type(HOLD)
    shell.type("down")
    assert shell.running == []


def test_remove_is_stronger_and_ends_it(shell: Shell) -> None:
    shell.apply(TWO)
    shell.type(HOLD)
    shell.type("remove")
    assert shell.running == []
    shell.apply(TWO)
    assert "held" not in shell.type("status").output


def test_what_its_set_names_no_more_is_left_alone_as_well(shell: Shell) -> None:
    shell.apply(TWO, "--set shop")
    shell.type(HOLD)
    before = shell.machine.elements.copy()
    assert before
    only_db = TWO.replace('  web: {image: "web:1", health: {tcp: 8080}, connects: [db:5432]}\n', "")
    shell.apply(only_db, "--set shop")
    assert shell.running == ["me--db--1", "me--web--1"]
    assert shell.machine.elements == before, "it may call what it called"
    assert "0 broken, 0 unproven" in shell.type("prove").output
    left = "web.me is declared no more, and 1 box of it is still there: "
    assert f"{left}held until 20" in shell.type("status").output
    shell.type("remove --set shop")
    assert shell.type("status").output.startswith(f"{left}held until 20")
    said = shell.type("why web.me").output
    assert "declared no more, and 1 box of it is still there\n  0  running since 20" in said
    assert "who holds it\nwhat to do: `orchestr8 hold web.me --end` ends it; then `" in said
    assert shell.type("why web.me --output json").document["hold"]["reason"]
    shell.type("logs web.me")
    shell.type("hold web.me --end")
    assert "whose move: whoever applies here" in shell.type("why web.me").output
    assert shell.type("status web.me").output.startswith(f"{left}`orchestr8 apply`")
    assert f"{left}`orchestr8 apply` lets go of it\n" in shell.type("status").output
    (leaving,) = shell.type("status --output json").document["leaving"]
    assert (leaving["service"], leaving["boxes"], leaving["hold"]) == (
        "web.me",
        ["me--web--1"],
        None,
    )
    shell.apply(only_db, "--set shop")
    assert "web.me" not in shell.type("status").output
    for verb in ("why", "logs", "status"):
        assert "there is no service web.me" in shell.type(f"{verb} web.me", 2).errors
    assert (shell.running, shell.machine.elements) == (["me--db--2"], set())


def test_it_is_not_restarted(shell: Shell) -> None:
    shell.apply(TWO)
    shell.type(HOLD)
    said = shell.type("restart web.me", 3).errors
    assert said.startswith("web.me: held until ")
    assert shell.running == ["me--db--1", "me--web--1"]


def test_the_journal_has_it(shell: Shell) -> None:
    shell.apply(TWO)
    shell.type(HOLD)
    shell.type("hold web.me --end")
    store = Store(shell.folder / "state")
    rows = [(row.kind, row.subject) for row in store.journal.rows(2)]
    store.close()
    assert rows == [("hold", "web.me"), ("hold ended", "web.me")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "a hold has an end and a reason"),
        ("--until 2h", "a hold has an end and a reason"),
        ('--until 2h --reason " "', "a hold has an end and a reason"),
        ("--until soon --reason x", '"soon" is not'),
        ("--until 2020-01-01 --reason x", "that time has passed"),
        ("--until 2099-01-01 --reason x", "90 days at most"),
        ("--until 2027-02-30 --reason x", "not in the calendar"),
        ("--until 2027-02-28T10:00 --reason x", "has no zone"),
        ("--end --until 2h", "takes no other option"),
    ],
)
def test_wrong_words(shell: Shell, words: str, told: str) -> None:
    shell.apply(TWO)
    assert told in shell.type(f"hold web.me {words}", 2).errors
    assert "held" not in shell.type("status").output
