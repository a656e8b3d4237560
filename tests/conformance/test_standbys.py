"""The promises of engines that keep boxes ready; one that cannot says so and has no such call."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.boxes.world import State
from orchestr8.engines.protocol import Cores, Standbys
from orchestr8.errors import RejectedError
from orchestr8.isolation import features
from orchestr8.isolation.limits import MIB, Limits
from orchestr8.names import STANDBY, BoxId
from tests.conformance.benches import Bench
from tests.conformance.promises import detail, promise

NOBODY = BoxId("web", "nobody", 1)


@promise("standbys.take.runs")
def test_a_standby_takes_a_slot_and_runs(bench: Bench) -> None:
    has = bench.boxes.features().has(features.STANDBY)
    assert has == isinstance(bench.boxes, Standbys)
    if not has:
        return
    before = bench.footprint()
    made = replace(bench.box(networked=True), slot=STANDBY)
    bench.boxes.create(made)
    waits = bench.see(made)
    assert (waits.state, waits.slot, waits.limits) == (State.CREATED, STANDBY, made.limits)
    bench.boxes.take(made.id, 3)
    runs = bench.see(made)
    assert (runs.state, runs.slot, runs.limits) == (State.RUNNING, 3, made.limits)
    assert replace(runs, state=waits.state, slot=STANDBY, pid=None, started_ms=0) == waits
    bench.boxes.stop(made.id, "SIGKILL", 0)
    bench.boxes.remove(made.id)
    assert bench.footprint() == before


@promise("standbys.take.changed")
def test_a_standby_runs_with_what_was_changed_while_it_waited(bench: Bench) -> None:
    if not isinstance(bench.boxes, Standbys):
        return
    made = replace(bench.box(networked=True), slot=STANDBY)
    bench.boxes.create(made)
    wanted = Limits(cpu_max_millicores=1_000, memory_max_bytes=96 * MIB, pids_max=77)
    bench.boxes.update(made.id, wanted)
    names = (("db.data", "10.231.128.9"),)
    bench.boxes.write_names(made.id, names)
    waits = bench.see(made)
    assert (waits.state, waits.limits, waits.names) == (State.CREATED, wanted, names)
    bench.boxes.take(made.id, 1)
    runs = bench.see(made)
    assert (runs.state, runs.limits, runs.names) == (State.RUNNING, wanted, names)


@promise("standbys.take.again")
def test_a_standby_is_taken_once(bench: Bench) -> None:
    if not isinstance(bench.boxes, Standbys):
        return
    made = replace(bench.box(), slot=STANDBY)
    bench.boxes.create(made)
    bench.boxes.take(made.id, 1)
    first = bench.see(made)
    bench.boxes.take(made.id, 2)
    assert bench.see(made) == first, "it keeps its slot"
    bench.boxes.stop(made.id, "SIGKILL", 0)
    with pytest.raises(RejectedError, match="runs once"):
        bench.boxes.take(made.id, 1)
    with pytest.raises(RejectedError, match=str(NOBODY)):
        bench.boxes.take(NOBODY, 1)


@detail("standbys.take.changed")
def test_a_standby_is_held_to_cores_while_it_waits(bench: Bench) -> None:
    if not isinstance(bench.boxes, Standbys) or not isinstance(bench.boxes, Cores):
        return
    every, made = bench.boxes.features().cores, replace(bench.box(), slot=STANDBY)
    bench.boxes.create(made)
    for cores in ([every[-1]], [], [every[0]]):
        before = bench.see(made)
        bench.boxes.set_cores(made.id, cores)
        waits = bench.see(made)
        assert waits.cores in ((tuple(cores),) if cores else ((), every))
        assert replace(waits, cores=before.cores) == before
    bench.boxes.take(made.id, 0)
    assert bench.see(made).cores == (every[0],)


@promise("standbys.take.fails-closed")
def test_a_standby_that_cannot_start_leaves_nothing(bench: Bench) -> None:
    if not isinstance(bench.boxes, Standbys):
        return
    before = bench.footprint()
    made = replace(bench.box("absent", networked=True), slot=STANDBY)
    with pytest.raises(RejectedError, match="no program /usr/bin/absent"):  # some know it at once
        bench.boxes.create(made)
        bench.boxes.take(made.id, 0)
    assert bench.boxes.observe([made.id]).boxes == ()
    assert bench.footprint() == before
