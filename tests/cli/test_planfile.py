"""A plan that is written down is applied exactly so, or refused since what it touches has moved."""

from __future__ import annotations

import json
import stat

import pytest

from tests.cli.shell import Shell

TWO = """\
orchestr8: 1
owner: me
services:
  web: {image: "web:1", health: {tcp: 8080}, connects: [db:5432]}
  db: {image: "db:1", health: {tcp: 5432}}
"""
NEWER = TWO.replace("web:1", "web:2")
OTHER = 'orchestr8: 1\nowner: you\nservices:\n  job: {image: "job:1", health: {tcp: 80}}\n'
FILES = TWO.replace("health: {tcp: 8080}", "health: {tcp: 8080}, files: {/etc/web.conf: ./conf}")


def planned(shell: Shell, text: str, words: str = "") -> str:
    """Writes a plan down; what is in the file."""
    shell.write("fleet.yaml", text)
    shell.type(f"plan fleet.yaml --out plan.json {words}")
    return (shell.folder / "plan.json").read_text()


def refused(shell: Shell) -> str:
    """Applies the plan file, which must be refused and change nothing."""
    before = shell.running
    said = shell.type("apply plan.json", 3)
    assert "nothing was changed" in said.errors
    assert "plan anew" in said.errors
    assert shell.running == before
    return said.errors


def test_it_is_applied_exactly_so(shell: Shell) -> None:
    shell.apply(TWO)
    planned(shell, NEWER)
    shell.write("fleet.yaml", "this is not what was planned")
    said = shell.type("apply plan.json")
    assert "image 1 -> 2 (forces a new box)" in said.output
    assert shell.running == ["me--db--1", "me--web--2"]


def test_once_applied_it_has_nothing_more_to_do(shell: Shell) -> None:
    planned(shell, TWO)
    shell.type("apply plan.json")
    assert "nothing to do" in shell.type("apply plan.json").output


def test_it_may_come_before_the_first_apply(shell: Shell) -> None:
    planned(shell, TWO)
    assert not (shell.folder / "state").exists()
    shell.type("apply plan.json")
    assert shell.running == ["me--db--1", "me--web--1"]


def test_only_its_owner_may_read_it_and_it_is_versioned(shell: Shell) -> None:
    document = json.loads(planned(shell, TWO))
    assert stat.S_IMODE((shell.folder / "plan.json").stat().st_mode) == 0o600
    assert (document["schema"], document["kind"], document["set"]) == (1, "plan file", "default")
    assert "+ web.me   0 -> 1  provision  a fresh box" in document["printed"]
    assert [one.name for one in shell.folder.iterdir()].count("plan.json") == 1


def test_a_file_is_in_it_until_the_store_has_it(shell: Shell) -> None:
    shell.write("conf", "listen 8080")
    assert list(json.loads(planned(shell, FILES))["contents"]) == ["conf"]
    shell.type("apply plan.json")
    newer = FILES.replace("web:1", "web:2")
    assert json.loads(planned(shell, newer))["contents"] == {}
    shell.write("conf", "written later, and not planned")
    shell.type("apply plan.json")
    assert "nothing to do" in shell.type("apply").output


def test_no_secret_is_in_it(shell: Shell) -> None:
    text = TWO.replace("db:1}", "db:1}") + "secrets: {key: {}}\n"
    text = text.replace('image: "db:1"', 'image: "db:1", secrets: [key]')
    secret = shell.folder / "secrets" / "me" / "key"
    secret.parent.mkdir(parents=True, mode=0o700)
    secret.touch(mode=0o600)
    secret.write_text("canary-7f3a")
    first = planned(shell, text)
    shell.type("apply plan.json")
    secret.write_text("canary-9c1e")
    second = planned(shell, text)
    assert "canary" not in first + second
    secret.write_text("canary-0000")
    assert "db.me" in refused(shell), "what would be placed now is another content"


def test_refused_where_its_service_was_applied_anew(shell: Shell) -> None:
    shell.apply(TWO)
    planned(shell, NEWER)
    shell.apply(TWO.replace("web:1", "web:3"))
    said = refused(shell)
    assert "plan.json: web.me: revision 2 of set default is in force, and was revision 1" in said


def test_refused_where_a_box_that_it_touches_is_another(shell: Shell) -> None:
    shell.apply(TWO)
    planned(shell, NEWER)
    shell.type("restart web.me")
    said = refused(shell)
    assert "web.me: its box me--web--1 is not there, and was running" in said
    assert "web.me: its box me--web--2 is running, and was not there" in said
    assert "db.me" not in said


def test_refused_where_a_box_that_it_touches_has_died(shell: Shell) -> None:
    shell.apply(TWO)
    planned(shell, NEWER)
    shell.crash("me--web--1")
    assert "its box me--web--1 is stopped, and was running" in refused(shell)


def test_what_it_does_not_touch_may_have_moved(shell: Shell) -> None:
    shell.apply(TWO)
    planned(shell, NEWER)
    shell.type("restart db.me")
    shell.apply(OTHER, "--set other")
    shell.crash("me--db--2")
    shell.type("apply plan.json")
    assert shell.running == ["me--db--3", "me--web--2", "you--job--1"]


def test_a_step_that_nobody_was_shown_is_not_taken(shell: Shell) -> None:
    shell.apply(TWO, "--set shop")
    planned(shell, NEWER, "--set shop")
    more = TWO + '  more: {image: "more:1", health: {tcp: 80}}\n'
    shell.apply(more, "--set shop")
    said = refused(shell)
    assert "the set shop: revision 2 is in force, and was revision 1" in said
    assert "me--more--1" in shell.running


def test_a_named_set_that_came_meanwhile_is_seen(shell: Shell) -> None:
    planned(shell, TWO, "--set shop")
    shell.apply(TWO + '  more: {image: "more:1", health: {tcp: 80}}\n', "--set shop")
    assert "the set shop: revision 1 is in force, and was applied nowhere" in refused(shell)


def test_of_another_installation(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.apply(TWO)
    planned(shell, NEWER)
    monkeypatch.setenv("ORCHESTR8_STATE", str(shell.folder / "elsewhere"))
    said = shell.type("apply plan.json", 2)
    assert "made for another installation" in said.errors


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("web:2", "web:9", "damaged or was changed"),
        ('"pull": false', '"pull": true', "damaged or was changed"),
        ('"schema": 1', '"schema": 9', "written by a newer orchestr8"),
        ('"seal": "', '"seal": "0', "damaged or was changed"),
    ],
)
def test_changed_by_hand(shell: Shell, old: str, new: str, told: str) -> None:
    text = planned(shell, NEWER)
    assert old in text
    shell.write("plan.json", text.replace(old, new))
    assert told in shell.type("apply plan.json", 2).errors


def test_cut_off(shell: Shell) -> None:
    text = planned(shell, NEWER)
    shell.write("plan.json", text[:-30])
    assert "damaged" in shell.type("apply plan.json", 2).errors


def test_what_may_not_be_written_over(shell: Shell) -> None:
    shell.write("fleet.yaml", TWO)
    said = shell.type("plan fleet.yaml --out fleet.yaml", 2)
    assert "fleet.yaml is there and is no plan file" in said.errors
    assert (shell.folder / "fleet.yaml").read_text() == TWO
    assert "in a folder that exists" in shell.type("plan fleet.yaml --out no/plan.json", 2).errors
    planned(shell, TWO)
    planned(shell, NEWER)


def test_what_is_not_said_beside_it(shell: Shell) -> None:
    planned(shell, TWO)
    assert "of the set default, not of shop" in shell.type("apply plan.json --set shop", 2).errors
    assert "leave --pull out" in shell.type("apply plan.json --pull", 2).errors
    assert "by itself" in shell.type("apply plan.json fleet.yaml", 2).errors


@pytest.mark.parametrize("verb", ["plan", "validate"])
def test_who_takes_it_for_a_manifest_is_told_what_it_is(shell: Shell, verb: str) -> None:
    planned(shell, TWO)
    said = shell.type(f"{verb} plan.json", 2)
    assert "plan.json: this is a plan file, not a manifest\n" in said.errors
    assert "   orchestr8 apply plan.json\n" in said.errors
    assert "1 problem" in said.errors


def test_a_manifest_in_json_is_no_plan_file(shell: Shell) -> None:
    services = {"web": {"image": "web:1", "health": {"tcp": 8080}}}
    shell.write("web.json", json.dumps({"orchestr8": 1, "owner": "me", "services": services}))
    shell.type("apply web.json")
    assert shell.running == ["me--web--1"]
