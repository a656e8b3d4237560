"""What was applied, by whom and when, as people read it; the journal; the way back."""

from __future__ import annotations

import re
import sqlite3

import pytest

from tests.cli.shell import Shell

HEALTH = "health: {tcp: 80, every: 100ms}"
FIRST = f'orchestr8: 1\nowner: web\nservices:\n  front: {{image: "app:1", {HEALTH}}}\n'
SECOND = FIRST.replace("app:1", "app:2") + f'  worker: {{image: "work:1", {HEALTH}}}\n'


def both(shell: Shell) -> None:
    """Two revisions of the set shop."""
    shell.apply(FIRST, "--set shop")
    shell.apply(SECOND, "--set shop")


def fields(line: str) -> list[str]:
    """A row of a table without its times."""
    return re.split(r"  +", re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "AT", line.strip()))


def test_a_set_s_history_says_who_what_and_what_came_of_it(shell: Shell) -> None:
    both(shell)
    head, names, newest, oldest, *more = shell.type("history --set shop").output.splitlines()
    assert head == "set shop"
    assert fields(names) == ["REVISION", "WHEN (UTC)", "WHO", "WHAT", "STATUS", "CHANGES"]
    who = fields(oldest)[2]
    assert fields(newest) == [
        "*", "2", "AT", who, "apply", "converged", "~ front.web, + worker.web",
    ]  # fmt: skip
    assert fields(oldest) == ["1", "AT", who, "apply", "converged", "+ front.web"]
    assert "orchestr8 rollback --set NAME N" in more[-1]


def test_all_sets_are_shown_and_removed_ones_say_so(shell: Shell) -> None:
    both(shell)
    shell.apply(FIRST.replace("front", "page"))
    shell.type("remove --set shop")
    said = shell.type("history").output
    assert [line for line in said.splitlines() if line.startswith("set ")] == [
        "set default", "set shop  (removed)",
    ]  # fmt: skip
    document = shell.type("history --output json").document
    assert [(one["set"], one["in_force"], len(one["revisions"])) for one in document["sets"]] == [
        ("default", True, 1), ("shop", False, 2),
    ]  # fmt: skip


def test_one_revision_is_shown_with_its_difference(shell: Shell) -> None:
    both(shell)
    said = shell.type("history --set shop --show 2").output
    assert said.startswith("revision 2 of the set shop\n")
    assert "converged, in force\n" in said
    assert re.search(r"image +app:2 = sha256:[0-9a-f]{64}\n +work:1 = sha256:", said)
    assert f'-  front: {{image: "app:1", {HEALTH}}}\n+  front: {{image: "app:2"' in said
    document = shell.type("history --set shop --show 1 --output json").document
    assert document["manifests"] == [{"name": "fleet.yaml", "text": FIRST}]


def test_a_line_stays_readable_however_many_services_there_are(shell: Shell) -> None:
    many = [f's{number}: {{image: "app:1", {HEALTH}}}' for number in range(10, 20)]
    shell.apply("\n  ".join(("orchestr8: 1\nowner: web\nservices:", *many)) + "\n")
    for number in range(10, 20):
        shell.crash(f"web--s{number}--1")
    said = shell.type("status").output
    assert "not as declared are s10.web, s11.web, " in said
    assert "s16.web, s17.web and 2 more: `orchestr8 why s10.web`" in said
    row = shell.type("history").output.splitlines()[-3]
    assert row.endswith("+ s16.web, + s17.web and 2 more")
    whole = shell.type("history --show 1").output
    assert "+ s19.web" in whole and "more" not in whole


def test_a_revision_that_is_not_there_is_told(shell: Shell) -> None:
    both(shell)
    assert "the set shop has no revision 3" in shell.type("history --set shop --show 3", 2).errors
    assert 'no set "other" was ever applied' in shell.type("history --set other", 2).errors
    assert "leave --set and --show out" in shell.type("history --journal --set shop", 2).errors


def test_rollback_shows_its_plan_and_does_it(shell: Shell) -> None:
    both(shell)
    planned = shell.type("rollback --set shop --plan").output
    assert planned.startswith("the set shop as it was at revision 1 (")
    assert "image 2 -> 1 (forces a new box)" in planned
    assert "- worker.web  1 -> 0  release" in planned
    assert planned.endswith("Do this:  orchestr8 rollback 1 --set shop\n")
    assert shell.running == ["web--front--2", "web--worker--1"]
    done = shell.type("rollback 1 --set shop").output
    assert done.endswith("the set shop is as it was at revision 1; that is its revision 3 now.\n")
    assert shell.running == ["web--front--3"]
    newest = shell.type("history --set shop").output.splitlines()[2]
    assert fields(newest)[4:] == [
        "rollback to revision 1", "converged", "~ front.web, - worker.web",
    ]  # fmt: skip
    for number in (1, 3):
        again = shell.type(f"rollback {number} --set shop").output
        assert again.endswith(f"the set shop is as it was at revision {number} already.\n")


def test_rollback_as_facts(shell: Shell) -> None:
    both(shell)
    planned = shell.type("rollback --set shop --plan --output json").document
    assert (planned["kind"], planned["repeats"], planned["changes"]) == ("rollback plan", 1, True)
    done = shell.type("rollback --set shop --output json").document
    assert (done["kind"], done["repeats"], done["revision"]) == ("rollback", 1, 3)


def test_the_default_set_says_what_it_keeps(shell: Shell) -> None:
    shell.apply(FIRST)
    shell.apply(SECOND)
    said = shell.type("rollback").output
    assert "kept: worker.web, since the set default never loses; it came after revision 1\n" in said
    assert shell.running == ["web--front--3", "web--worker--1"]
    assert "the set default has no earlier revision" in shell.type("rollback", 2).errors


def test_a_number_that_cannot_be_is_refused(shell: Shell) -> None:
    both(shell)
    assert "revisions count from 1" in shell.type("rollback --set shop 0", 2).errors


def test_the_journal_tells_each_call_and_what_came_of_it(shell: Shell) -> None:
    both(shell)
    said = shell.type("history --journal").output
    rows = [fields(line)[3:] for line in said.splitlines()[1:]]
    assert ["apply", "shop revision 1", "done"] in rows
    assert ["create", "web--front--1", "done", "no box yet"] in rows
    assert ["stop", "web--front--1", "done", "succeeded by web--front--2"] in rows
    assert "each chained to the one before" in said


@pytest.mark.parametrize("last", (1, 3, 7))
def test_so_many_entries_of_the_journal_are_shown_as_are_asked_for(shell: Shell, last: int) -> None:
    both(shell)
    everything = shell.type("history --journal --last 0").output.splitlines()
    few = shell.type(f"history --journal --last {last}").output.splitlines()
    end = next(n for n, line in enumerate(everything) if "each chained" in line)
    entries = "1 entry" if last == 1 else f"{last} entries"
    assert few[last + 1] == f"the last {entries}; --last 0 shows all"
    shown = [fields(line) for line in few[1 : last + 1]]
    assert shown == [fields(line) for line in everything[end - last : end]]
    assert all(row[5] == "done" for row in shown)
    rows = shell.type(f"history --journal --last {last} --output json").document["rows"]
    assert len(rows) == last


def test_a_store_without_a_revision_has_no_history(shell: Shell) -> None:
    shell.machine.boxes.clear()  # the store is made by asking for its machine
    assert shell.type("history").output == (
        "nothing was ever applied here; begin with `orchestr8 apply PATH`.\n"
    )
    assert shell.type("history --output json").document["sets"] == []


def test_a_kept_head_is_found_and_a_missing_one_is_told(shell: Shell) -> None:
    both(shell)
    head = shell.type("history --journal --output json").document["head"]
    shell.type("rollback --set shop")
    assert "each chained" in shell.type(f"history --head {head}").output
    for typo in ("nix", head[:15], f"{head}0"):
        assert "is no head of a journal" in shell.type(f"history --head {typo}", 2).errors
    said = shell.type("history --head 0123456789abcdef", 6).output
    assert "the journal is another than it was: no row has the head that was kept" in said


def test_a_broken_chain_is_told_with_its_row(shell: Shell) -> None:
    both(shell)
    with sqlite3.connect(shell.folder / "state" / "orchestr8.db") as connection:
        connection.execute("UPDATE journal SET actor='somebody' WHERE number=3")
    said = shell.type("history --journal", 6).output
    assert "the journal is broken at row 3: it was changed after it was written\n" in said
    assert "2 rows before it hold." in said
    document = shell.type("history --journal --output json", 6).document
    assert (document["whole"], document["broken_at"]) == (False, 3)


def test_an_interrupted_call_is_told(shell: Shell) -> None:
    both(shell)
    with sqlite3.connect(shell.folder / "state" / "orchestr8.db") as connection:
        ((last,),) = connection.execute("SELECT MAX(intent) FROM journal")
        connection.execute("DELETE FROM journal WHERE intent=?", (last,))
    said = shell.type("history --journal --last 0", 6).output
    assert "no result: under way, or interrupted" in said


def test_other_tools_words_lead_here(shell: Shell) -> None:
    assert "orchestr8 rollback" in shell.type("undo", 2).errors
