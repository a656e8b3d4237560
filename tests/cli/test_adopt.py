"""What a person sees whose store is lost: named at once, taken over, and what to type next."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestr8.engines.select import SIMULATED
from orchestr8.store.lock import writer_lock
from tests.cli.shell import Shell

TEXT = """\
orchestr8: 1
owner: me
services:
  web: {image: "web:1", args: [run], health: {tcp: 80}}
  db: {image: "db:1", args: [run], health: {tcp: 80}, volumes: {/data: rows}}
volumes: {rows: {}}
"""


@pytest.fixture
def lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """A shell whose two boxes run, in a set of a name, and whose state folder is gone."""
    SIMULATED.clear()
    shell = Shell(tmp_path, capsys, monkeypatch)
    (tmp_path / "m.yaml").write_text(TEXT)
    shell.type("apply m.yaml --set site")
    shutil.rmtree(tmp_path / "state")
    return shell


@pytest.mark.parametrize(
    "line", ["status", "plan m.yaml", "apply m.yaml --set site", "why web.me", "prove", "history"]
)
def test_a_lost_store_is_named_before_anything_else(lost: Shell, line: str) -> None:
    said = lost.type(line, 1)
    assert "is gone, and 2 boxes that it knew" in said.errors
    assert "orchestr8 adopt" in said.errors
    assert said.output == ""
    assert not (lost.folder / "state").exists()


def test_another_state_folder_may_begin_anew(lost: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTR8_STATE", str(lost.folder / "another"))
    lost.type("apply m.yaml --set site")


def test_what_was_taken_what_is_lost_and_what_to_type(lost: Shell) -> None:
    said = lost.type("adopt").output
    assert "adopted 2 boxes and 1 volume of installation " in said
    assert "none was touched" in said
    assert "lost with the store: the manifests and their revisions" in said
    assert "orchestr8 apply PATH --set site" in said
    status = lost.type("status").output
    assert "adopted, 1 running" in status
    assert "left alone until the manifests come back" in status
    assert "Nothing to do." in lost.type("plan m.yaml --set site").output
    assert (
        "nothing to do: 2 services are as declared." in lost.type("apply m.yaml --set site").output
    )
    assert "adopted" not in lost.type("status").output


def test_data_without_boxes_still_belongs_to_its_service(lost: Shell) -> None:
    (machine,) = (one for one in SIMULATED.values() if one.boxes)
    (gone,) = (one for one in machine.boxes if one.service == "db")
    uid = machine.boxes.pop(gone).box.spec.uid
    lost.type("adopt")
    assert lost.machine is machine
    lost.type("apply m.yaml --set site")
    (fresh,) = (one for one in lost.machine.boxes.values() if one.box.id.service == "db")
    assert fresh.box.spec.uid == uid
    assert [volume.owner_uid for volume in fresh.box.spec.volumes] == [uid]
    assert [volume.uid for volume in lost.machine.volumes.values()] == [uid]


def test_as_json(lost: Shell) -> None:
    document = lost.type("adopt --output json").document
    assert document["kind"] == "adopted"
    assert document["sets"] == {"site": ["db.me", "web.me"]}
    assert [box["id"] for box in document["boxes"]] == ["me--db--1", "me--web--1"]
    assert document["volumes"] == ["me--rows"]
    assert document["store_was_lost"] is True
    status = lost.type("status --output json").document
    assert [one["service"] for one in status["adopted"]] == ["db.me", "web.me"]


def test_nothing_to_adopt(lost: Shell) -> None:
    lost.type("adopt")
    assert "nothing is there to adopt" in lost.type("adopt", 2).errors


def test_an_adopted_service_has_logs_and_says_why_it_is_left_alone(lost: Shell) -> None:
    lost.type("adopt")
    lost.type("logs web.me")
    said = lost.type("why web.me", 2).errors
    assert "web.me was adopted" in said
    assert "orchestr8 apply PATH --set site" in said


def test_a_server_that_runs_is_named_and_how_it_ends(lost: Shell) -> None:
    lost.type("adopt")
    with writer_lock(lost.folder / "state", server=True):
        said = lost.type("adopt", 1).errors
    assert "a server is running here and makes all changes" in said
    assert "stop it first (kill " in said
