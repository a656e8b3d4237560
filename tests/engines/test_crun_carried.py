"""The file that a box of the crun engine carries: what happened to it is added line by line."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.boxes.world import State, Unseen
from orchestr8.engines.crun import carried, seen
from orchestr8.engines.crun.carried import Carried
from orchestr8.engines.crun.places import Places
from orchestr8.engines.crun.processes import Process
from orchestr8.host.box_cgroups import BoxCgroup
from orchestr8.kernel import files
from orchestr8.names import STANDBY, BoxId

BOX = Carried(
    installation="i", id=BoxId("me", "web", 3), slot=STANDBY, set_name="default",
    service_key="key", spec="{}", boot_id="boot", created_ms=5,
)  # fmt: skip
FIRST, MONITOR = Process(20, 1000), Process(10, 900)
GONE = Process(20, -1)


def _own() -> Process:
    found = Process.of(os.getpid())
    assert found
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "box.json"
    carried.lay_down(made, BOX)
    return made


def _read(file: Path) -> Carried:
    found = carried.read(file)
    assert found
    return found


def test_a_box_is_read_as_it_was_laid_down(file: Path) -> None:
    assert _read(file) == BOX


def test_what_happens_to_it_is_added(file: Path) -> None:
    carried.born(file, FIRST, MONITOR)
    born = _read(file)
    assert (born.process, born.monitor, born.slot) == (FIRST, MONITOR, STANDBY)

    carried.started(file, 2, 77)
    carried.told_to_end(file)
    ended = _read(file)
    assert (ended.slot, ended.started_ms, ended.told) == (2, 77, True)
    assert (ended.process, ended.monitor, ended.spec) == (FIRST, MONITOR, "{}")


def test_a_line_that_was_cut_off_did_not_happen_and_hides_none_behind_it(file: Path) -> None:
    carried.born(file, FIRST, MONITOR)
    whole = file.read_bytes()
    carried.started(file, 2, 77)
    added = file.read_bytes()
    for length in range(len(whole), len(added)):
        file.write_bytes(added[:length])
        assert _read(file).slot == STANDBY
        carried.told_to_end(file)
        assert _read(file).told


def test_nothing_is_added_to_a_box_that_is_gone(file: Path) -> None:
    file.unlink()
    with pytest.raises(FileNotFoundError):
        carried.started(file, 0, 1)
    assert carried.read(file) is None


def test_a_first_line_that_cannot_be_read_is_no_box(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])
    assert carried.read(file) is None


def test_a_box_whose_record_the_disk_never_had_is_taken_away_and_no_other(tmp_path: Path) -> None:
    places = Places(tmp_path / "state", tmp_path / "run")
    (tmp_path / "state" / "boxes").mkdir(parents=True)
    places.begin(BOX)
    lost = replace(BOX, id=BoxId("me", "web", 4))
    places.begin(lost)
    places.box(lost.id).log.write_text("a line\n")
    places.box(lost.id).record.write_bytes(b"")
    places.box(BOX.id).log.touch()
    places.tidy()
    assert [one.name for one in (tmp_path / "state" / "boxes").iterdir()] == [str(BOX.id)]
    assert _read(places.box(BOX.id).record) == BOX


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (replace(BOX, process=GONE, monitor=GONE), Unseen.REBOOT),
        (replace(BOX, boot_id=files.boot_id()), Unseen.CUT_OFF),
        (
            replace(BOX, boot_id=files.boot_id(), process=_own(), monitor=_own(), stray=True),
            Unseen.FOLDER,
        ),
        (replace(BOX, boot_id=files.boot_id(), process=GONE, monitor=GONE), Unseen.MONITOR),
    ],
)
def test_why_nobody_saw_the_end_of_a_box_is_known(
    tmp_path: Path, held: Carried, why: Unseen
) -> None:
    box = seen.observed(held, Places(tmp_path, tmp_path), BoxCgroup("/none", (), None), ())
    assert (box.state, box.exit_status, box.stopped_ms) == (State.STOPPED, None, 0)
    assert box.unseen is why


def test_the_copy_speaks_where_the_folder_is_gone_and_only_there(tmp_path: Path) -> None:
    places = Places(tmp_path / "state", tmp_path / "run")
    box = places.box(BOX.id)
    for folder in (tmp_path / "state" / "boxes", box.run):
        folder.mkdir(parents=True)
    places.begin(BOX)
    copied = replace(BOX, slot=1, started_ms=7)
    carried.copy(box.copy, copied)
    assert box.held() == BOX

    box.record.write_bytes(b"")
    assert box.held() is None, "its folder is there, so the disk lost its record in a power loss"

    shutil.rmtree(box.kept)
    assert box.held() == replace(copied, stray=True)

    box.copy.unlink()
    assert box.held() is None
