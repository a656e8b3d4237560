"""The store is backed up and comes back: no box is touched, and nothing is given out twice."""

from __future__ import annotations

import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from orchestr8.engines.memory.faults import Fault
from orchestr8.errors import UnavailableError
from orchestr8.store.database import FILE_NAME
from orchestr8.store.store import Store
from tests.cli.shell import Shell

HEALTH = "health: {tcp: 80, every: 100ms}"
FIRST = f'orchestr8: 1\nowner: web\nservices:\n  front: {{image: "app:1", {HEALTH}}}\n'
SECOND = FIRST.replace("app:1", "app:2") + f'  worker: {{image: "work:1", {HEALTH}}}\n'
THIRD = FIRST + f'  later: {{image: "work:1", {HEALTH}}}\n'


def backed_up(shell: Shell) -> str:
    """The first revision, a backup of it, and a second revision after that."""
    shell.apply(FIRST, "--set shop")
    shell.type("backup create saved")
    shell.apply(SECOND, "--set shop")
    return "saved"


def given_out(shell: Shell) -> list[tuple[str, int, str]]:
    """What each service of the store has for ever: name, uid range, virtual address."""
    store = Store(shell.folder / "state")
    records = store.ledger.records().services.values()
    store.close()
    return sorted((str(one.name), one.uid_base, one.address) for one in records)


def test_a_backup_says_what_is_in_it(shell: Shell) -> None:
    shell.apply(FIRST, "--set shop")
    made = shell.type("backup create saved").output
    assert made.startswith("saved: the store of installation ")
    checked = shell.type("backup check saved").output
    assert checked.startswith("saved: whole\n")
    assert "shop (revision 1)" in checked
    document = shell.type("backup check saved --output json").document
    assert (document["sets"], document["journal_whole"]) == ({"shop": [1]}, True)
    assert document["head"] in made
    shell.apply(FIRST.replace("front", "shown").replace("web", "me"))
    shell.apply(THIRD.replace("front", "other").replace("web", "you"))
    shell.type("backup create later")
    assert "default (revisions 1, 2)" in shell.type("backup check later").output


def test_there_is_nothing_to_back_up_before_the_first_apply(shell: Shell) -> None:
    assert "nothing is applied" in shell.type("backup create saved", 2).errors
    assert not (shell.folder / "saved").exists()


def test_a_whole_store_is_put_aside_only_when_that_is_said(shell: Shell) -> None:
    backed_up(shell)
    before = (shell.folder / "state" / FILE_NAME).read_bytes()
    said = shell.type("backup restore saved", 2).errors
    assert "what was applied since would be in force no more" in said
    assert "--yes" in said
    assert (shell.folder / "state" / FILE_NAME).read_bytes() == before


def test_an_older_store_comes_back_without_touching_a_box(shell: Shell) -> None:
    backed_up(shell)
    before = {box_id: box.started_ms for box_id, box in shell.machine.boxes.items()}
    said = shell.type("backup restore saved --yes").output
    assert "no box was touched" in said
    assert {box_id: box.started_ms for box_id, box in shell.machine.boxes.items()} == before
    assert [name.name[:9] for name in (shell.folder / "state").iterdir() if name.is_dir()] == [
        "replaced-"
    ]
    assert "revision 1" in shell.type("backup check saved").output
    shell.type("apply")
    assert shell.running == ["web--front--103", "web--worker--1"], "well beyond what was seen"
    journal = shell.type("history --journal --output json").document
    assert journal["whole"]
    (row,) = [row for row in journal["rows"] if row["kind"] == "restore"]
    assert row["result"] == "front.web, worker.web"


def test_the_store_of_a_newer_release_is_put_aside_by_the_older_one(shell: Shell) -> None:
    backed_up(shell)
    shell.type("restart front.web")
    known, boxes = given_out(shell), set(map(str, shell.machine.boxes))
    with sqlite3.connect(shell.folder / "state" / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version=99")
    assert "orchestr8 backup restore FILE" in shell.type("apply", 1).errors
    said = shell.type("backup restore saved", 2).errors
    assert "was written by a newer orchestr8, and the backup is of" in said
    assert "no box was touched" in shell.type("backup restore saved --yes").output
    shell.type("apply")
    assert given_out(shell) == known
    fresh = set(shell.running) - boxes
    assert fresh and "web--front--3" not in fresh, "serial 3 was a box that is gone"


def test_a_store_that_is_gone_comes_back_and_gives_nothing_out_twice(shell: Shell) -> None:
    backed_up(shell)
    shell.type("restart front.web")
    known = given_out(shell)
    boxes = set(map(str, shell.machine.boxes))
    shutil.rmtree(shell.folder / "state")
    shell.type("backup restore saved")
    shell.apply(THIRD, "--set shop")
    after = given_out(shell)
    assert [one for one in after if one[0] != "later.web"] == known
    assert len({uid for _, uid, _ in after}) == len(after)
    assert len({address for _, _, address in after}) == len(after)
    fresh = set(shell.running) - boxes
    assert "web--front--3" not in fresh, "serial 3 was a box that is gone"
    assert any(name.startswith("web--later--") for name in fresh)


def test_a_service_that_the_replaced_store_had_keeps_what_it_was_given(shell: Shell) -> None:
    """Its boxes are gone as well, so that store alone remembers."""
    shell.apply(FIRST, "--set shop")
    shell.type("backup create saved")
    shell.apply(SECOND, "--set shop")
    shell.apply(FIRST, "--set shop")
    known = given_out(shell)
    shell.type("backup restore saved --yes")
    assert given_out(shell) == known
    shell.apply(THIRD, "--set shop")
    after = given_out(shell)
    assert len({uid for _, uid, _ in after}) == len({one for _, _, one in after}) == len(after) == 3


def test_a_damaged_store_is_put_aside_unasked(shell: Shell) -> None:
    backed_up(shell)
    (shell.folder / "state" / FILE_NAME).write_bytes(b"garbage" * 1_000)
    assert "damaged" in shell.type("backup create other", 1).errors
    said = shell.type("backup restore saved").output
    assert "/damaged-" in said
    assert "front.web" in shell.type("status").output


def test_another_installation_s_backup_is_refused(shell: Shell, tmp_path: Path) -> None:
    backed_up(shell)
    shell.monkeypatch.setenv("ORCHESTR8_STATE", str(tmp_path / "elsewhere"))
    shell.apply(FIRST, "--set shop")
    said = shell.type("backup restore saved --yes", 2).errors
    assert "is of installation" in said


def test_no_backup_begins_a_fleet_beside_the_boxes_of_a_lost_store(shell: Shell) -> None:
    backed_up(shell)
    shell.type("remove --set shop")
    shutil.rmtree(shell.folder / "state")
    shell.apply(FIRST, "--set shop")
    running = shell.running
    shutil.rmtree(shell.folder / "state")
    said = shell.type("backup restore saved", 2).errors
    assert "1 box that it knew" in said
    assert "orchestr8 adopt" in said
    lost = re.search(r"\(installation (\w+)\)", said)
    assert lost
    shell.type(f"adopt --installation {lost[1]}")
    assert shell.running == running


def test_a_damaged_backup_changes_nothing(shell: Shell) -> None:
    backed_up(shell)
    saved = shell.folder / "saved"
    saved.write_bytes(saved.read_bytes()[:-40])
    before = (shell.folder / "state" / FILE_NAME).read_bytes()
    assert "it is cut short" in shell.type("backup restore saved --yes", 1).errors
    assert (shell.folder / "state" / FILE_NAME).read_bytes() == before
    assert not list((shell.folder / "state").glob(".restoring-*"))


def test_an_engine_that_does_not_answer_means_no_restore(shell: Shell) -> None:
    backed_up(shell)
    silence = UnavailableError("the engine does not answer", "start it")
    shell.machine.faults.order(Fault("boxes.observe", silence, times=None))
    said = shell.type("backup restore saved --yes", 1).errors
    assert "serials and addresses would be given out twice" in said
    shell.machine.faults.clear()
    assert "front.web" in shell.type("status").output


@pytest.mark.parametrize("kept", [3_000, 40_000])
def test_a_store_that_was_cut_off_is_told_by_every_command(shell: Shell, kept: int) -> None:
    backed_up(shell)
    path = shell.folder / "state" / FILE_NAME
    damaged = path.read_bytes()[:kept]
    path.write_bytes(damaged)
    for line in (
        "apply",
        "apply fleet.yaml --set shop",
        "status",
        "history",
        "rollback --set shop",
        "plan fleet.yaml",
        "history --journal",
        "backup create other",
        "down --set shop",
    ):
        said = shell.type(line, 1).errors
        assert "orchestr8 backup restore FILE" in said, line
        assert "orchestr8 adopt" in said, line
    assert path.read_bytes() == damaged
    shell.type("backup restore saved")
    assert "front.web" in shell.type("status").output


def test_an_empty_file_is_no_store(shell: Shell) -> None:
    backed_up(shell)
    (shell.folder / "state" / FILE_NAME).write_bytes(b"")
    assert "is gone, and 2 boxes that it knew" in shell.type("history", 1).errors
    said = shell.type("backup restore saved").output
    assert "/damaged-" in said
