"""Boxes on the crun engine whose maker is killed, whose monitor is killed, or that die under load:
the next one who comes finds or makes a whole box, and at the end nothing is left."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestr8.boxes.desired import Box
from orchestr8.boxes.world import State, Unseen
from orchestr8.engines.crun import carried
from orchestr8.engines.crun.carried import Carried
from orchestr8.engines.crun.places import BoxPlaces, Places
from orchestr8.errors import RejectedError
from tests.conformance.crun import RUN, ready_crun
from tests.crash.lives import Lives
from tests.scenarios.fleet import eventually

pytestmark = pytest.mark.on_engine("crun")


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    with ready_crun() as bench:
        made = Lives(bench)
        first = made.box()
        bench.run(first)
        made.end(first)
        yield made


LINES = (
    "fresh.rename(self.box(held.id).kept)",
    "binds = parts.preparation.lay_out(box, places",
    "small_files.write(places.document",
    "monitor.go_on(None",
    "born = monitor.born()",
    "cgroup.set_limits(box.limits)",
    "carried.born(places.record",
    "gate.unlink()",
    "places.drop_mounts()",
    "parts.cgroups.of(box_id).remove()",
    "trees.remove(self.run)",
    "trees.remove(self.kept, last=_RECORD)",
)
"""Lines of the engine before which its caller is killed."""


@pytest.mark.parametrize("line", LINES)
def test_whoever_comes_after_a_kill_has_a_whole_box_and_leaves_nothing(
    lives: Lives, line: str
) -> None:
    before, box = lives.remains(), lives.box()
    place = lives.killed_at(box, line)
    assert not place.isdigit(), f"nothing in a box's life says {line}"
    lives.again(box)
    assert lives.remains() == before


TAKING = (
    "carried.born(places.record",
    "carried.started(places.record",
    "self._run(replace(held, slot=slot)",
    "self._open_gate(held)",
    "gate.unlink()",
    "places.drop_mounts()",
)


@pytest.mark.parametrize("line", TAKING)
def test_a_standby_is_whole_or_nothing_whoever_made_or_took_it(lives: Lives, line: str) -> None:
    before, box = lives.remains(), lives.standby()
    place = lives.killed_at(box, line)
    assert not place.isdigit(), f"nothing in a standby's life says {line}"
    lives.again(box)
    assert lives.remains() == before


@pytest.mark.parametrize("started", [False, True])
def test_a_box_dies_with_its_monitor(lives: Lives, *, started: bool) -> None:
    before, box = lives.remains(), lives.box()
    lives.bench.boxes.create(box)
    if started:
        lives.bench.boxes.start(box.id)
    monitor = _held(lives, box).monitor
    assert monitor
    monitor.signal(signal.SIGKILL)
    eventually(lambda: lives.bench.see(box).state is State.STOPPED)
    assert lives.bench.see(box).unseen is Unseen.MONITOR
    lives.again(box)
    assert lives.remains() == before


def test_boxes_that_go_while_commands_run_in_them_leave_nothing(lives: Lives) -> None:
    before, boxes = lives.remains(), [lives.box() for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lives.bench.run, boxes))
        busy = [pool.submit(lives.command, box, "sleep", "600") for box in boxes]
        eventually(lambda: len(lives.processes()) >= 2 * len(boxes))
        list(pool.map(lives.end, boxes))
        assert all(one.exception(timeout=60) is None for one in busy)
    eventually(lambda: lives.remains() == before)


def test_a_box_that_an_earlier_release_told_to_end_did_not_fail(lives: Lives) -> None:
    before, box = lives.remains(), lives.bench.box("exit 3")
    lives.bench.run(box)
    lives.bench.see_ended(box)
    assert not lives.bench.boxes.ended_from_outside(box.id)
    _places(lives, box).told.touch()
    assert lives.bench.boxes.ended_from_outside(box.id)
    lives.end(box)
    assert lives.remains() == before


def _places(lives: Lives, box: Box) -> BoxPlaces:
    places = Places(lives.bench.state / "crun", RUN / lives.bench.installation / "crun")
    return places.box(box.id)


def _held(lives: Lives, box: Box) -> Carried:
    held = carried.read(_places(lives, box).record)
    assert held
    return held


def test_mounts_that_a_start_left_on_the_host_go_at_the_next_look(lives: Lives) -> None:
    before, box = lives.remains(), lives.box()
    lives.killed_at(box, "places.drop_mounts()")
    assert lives.bench.see(box).state.runs
    assert _places(lives, box).root.exists()
    lives.bench.boxes.tend()
    assert not _places(lives, box).root.exists()
    lives.again(box)
    assert lives.remains() == before


def test_no_mount_of_a_box_that_runs_or_is_a_standby_stays_on_the_host(lives: Lives) -> None:
    before, started, standby = lives.remains(), lives.box(), lives.standby()
    lives.bench.run(started)
    lives.bench.boxes.create(standby)
    assert [_places(lives, box).root.exists() for box in (started, standby)] == [False, False]
    lives.end(started)
    lives.end(standby)
    assert lives.remains() == before


def test_a_gate_that_was_opened_without_a_byte_is_no_gate(lives: Lives) -> None:
    before, box = lives.remains(), lives.box()
    lives.killed_at(box, 'os.write(opened, b"0")')
    with pytest.raises(RejectedError, match="was killed before it ran"):
        lives.bench.boxes.start(box.id)
    assert lives.remains() == before
    lives.again(box)
    assert lives.remains() == before


def test_whoever_only_looks_changes_nothing(lives: Lives) -> None:
    """A folder that a kill left empty goes when somebody acts."""
    bench = lives.bench
    left = bench.state / "crun/boxes" / str(lives.box().id)
    left.mkdir()
    assert bench.boxes.observe().boxes == ()
    assert left.is_dir()
    bench.boxes.tend()
    assert not left.exists()
