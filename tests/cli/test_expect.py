"""A change of a set may name the revision that it was made against, and no update is lost."""

from __future__ import annotations

import pytest

from tests.cli.shell import Shell
from tests.cli.test_sets import API, WEB, text

BOTH = ["me--api--1", "me--web--1"]


@pytest.fixture
def moved(shell: Shell) -> Shell:
    """A shell whose set `shop` is at revision 2 with both services."""
    shell.apply(text(WEB), "--set shop --expect 0")
    assert shell.type("plan fleet.yaml --set shop --output json").document["revision"] == 1
    shell.apply(text(WEB, API), "--set shop --expect 1")
    return shell


def test_a_change_against_an_older_revision_is_refused(moved: Shell) -> None:
    said = moved.apply(text(API), "--set shop --expect 1", status=3).errors
    assert "set shop: it is at revision 2 (apply by " in said and " UTC), and not at rev" in said
    assert "orchestr8 history --set shop" in said and "nothing was changed" in said
    problems = moved.type("apply --set shop --expect 1 --output json", 3).document["problems"]
    assert [one["file"] for one in problems] == ["set shop"]
    for line in ("down --set shop", "remove --set shop", "rollback 1 --set shop --plan"):
        assert "revision 2" in moved.type(f"{line} --expect 1", 3).errors
    assert "revision 2" in moved.type("rollback 1 --set shop --expect 1", 3).errors
    assert moved.running == BOTH


def test_a_change_against_the_revision_in_force_is_made(moved: Shell) -> None:
    moved.type("apply --set shop --expect 2")
    moved.type("rollback --set shop --expect 2")
    assert moved.running == ["me--web--1"]
    moved.type("down --set shop --expect 3")
    assert moved.running == []
    moved.type("remove --set shop --expect 3")


def test_a_set_that_was_removed_is_told_so(moved: Shell) -> None:
    moved.type("remove --set shop")
    said = moved.apply(text(WEB), "--set shop --expect 2", status=3).errors
    assert "set shop: it was removed (by " in said and "expect 0" in said
    moved.apply(text(WEB), "--set shop --expect 0")
    said = moved.apply(text(API), "--set nix --expect 7", status=3).errors
    assert "set nix: nothing of it is in force, and it is not at revision 7" in said


def test_the_default_set_is_at_its_newest_revision(shell: Shell) -> None:
    shell.apply(text(WEB), "--expect 0")
    shell.apply(text(API), "--expect 1")
    assert "it is at revision 2" in shell.apply(text(WEB), "--expect 1", status=3).errors
    assert shell.running == BOTH


def test_a_plan_file_is_refused_before_it_is_told(moved: Shell) -> None:
    moved.write("fleet.yaml", text(WEB))
    moved.type("plan fleet.yaml --set shop --out plan.json")
    assert moved.type("apply plan.json --expect 1", 3).output == ""
    assert "the plan of " in moved.type("apply plan.json --expect 2").output
    assert moved.running == ["me--web--1"]


def test_what_is_of_no_one_set_expects_nothing(shell: Shell) -> None:
    shell.apply(text(WEB))
    assert "--expect is of one set" in shell.type("apply --expect 1", 2).errors
    shell.type("apply --set default --expect -1", 2)
