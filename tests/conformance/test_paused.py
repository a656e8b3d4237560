"""A box that somebody holds still behind its engine's back."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.world import State
from orchestr8.kernel import cgroups
from tests.conformance.benches import Bench, MemoryBench
from tests.conformance.promises import promise
from tests.controller.looping import until


def hold_still(bench: Bench, made: Box) -> None:
    """As `docker pause` and whoever finds its control group do."""
    if isinstance(bench, MemoryBench):
        held = bench.machine.boxes[made.id]
        bench.machine.boxes[made.id] = replace(held, paused=True)
        return
    membership = cgroups.membership_of(bench.see(made).pid or 0)
    folders = cgroups.group_of(membership, cgroups.hierarchies()).folders
    if "freezer" in folders:
        Path(folders["freezer"], "freezer.state").write_text("FROZEN")
    else:
        Path(folders[cgroups.UNIFIED], "cgroup.freeze").write_text("1")


@promise("boxes.observe.paused", "boxes.stop.paused")
def test_a_paused_box_is_seen_and_ends_when_it_is_told_to(bench: Bench) -> None:
    made = bench.box()
    bench.await_signals(bench.run(made))
    assert not bench.see(made).paused
    hold_still(bench, made)
    until(lambda: bench.see(made).paused)
    assert bench.see(made).state is State.RUNNING
    bench.boxes.stop(made.id, "SIGTERM", 20_000)
    ended = bench.see(made)
    assert (ended.state, ended.exit_status, ended.paused) == (State.STOPPED, 0, False)
