"""The promises of engines that keep boxes ready; one that cannot says so and has no such call."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.boxes.world import State
from orchestr8.engines.protocol import Standbys
from orchestr8.errors import RejectedError
from orchestr8.isolation import features
from orchestr8.isolation.limits import MIB, Limits
from orchestr8.names import STANDBY, BoxId
from tests.conformance.benches import Bench
from tests.conformance.promises import promise

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
