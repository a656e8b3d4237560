"""The promises of engines that hear of ends from the kernel itself."""

from __future__ import annotations

import os
import signal
from queue import SimpleQueue

import pytest

from orchestr8.boxes.world import ObservedBox, State
from orchestr8.engines.protocol import Ends
from orchestr8.names import BoxId
from tests.conformance.benches import Bench, MemoryBench
from tests.conformance.promises import promise

NOBODY = BoxId("web", "nobody", 1)
SECONDS_MOST = 60.0


@promise("ends.watch_ends.told")
def test_the_end_of_a_box_that_is_watched_is_told_once(bench: Bench) -> None:
    assert isinstance(bench.boxes, Ends)
    watched, other, later = bench.box(), bench.box(), bench.box()
    for made in (watched, other, later):
        bench.boxes.create(made)
        bench.boxes.start(made.id)
    told = SimpleQueue[BoxId]()
    bench.boxes.watch_ends([watched.id, other.id, NOBODY], told.put)
    bench.boxes.watch_ends([watched.id, later.id], told.put)
    bench.boxes.stop(other.id, "SIGKILL", 0)
    bench.boxes.stop(watched.id, "SIGKILL", 0)
    assert told.get(timeout=SECONDS_MOST) == watched.id
    bench.boxes.stop(later.id, "SIGKILL", 0)
    assert told.get(timeout=SECONDS_MOST) == later.id
    bench.boxes.watch_ends((), told.put)
    assert told.empty()


@promise("ends.watch_ends.how")
@pytest.mark.parametrize("everything", [False, True], ids=["by name", "all"])
def test_whoever_observes_a_box_whose_end_was_told_learns_how(
    bench: Bench, everything: bool
) -> None:
    assert isinstance(bench.boxes, Ends)
    made = bench.box()
    bench.boxes.create(made)
    bench.boxes.start(made.id)
    bench.boxes.observe()
    told = SimpleQueue[BoxId]()
    bench.boxes.watch_ends([made.id], told.put)
    _crash(bench, bench.see(made))
    assert told.get(timeout=SECONDS_MOST) == made.id
    seen = bench.boxes.observe(None if everything else [made.id])
    (ended,) = (box for box in seen.boxes if box.id == made.id)
    assert (ended.state, ended.exit_status) == (State.STOPPED, 137)
    assert ended.stopped_ms >= ended.started_ms > 0
    bench.boxes.watch_ends((), told.put)


def _crash(bench: Bench, box: ObservedBox) -> None:
    """Somebody kills the first task; the engine is not told."""
    if isinstance(bench, MemoryBench):
        bench.machine.crash(box.id)
        return
    assert box.pid
    handle = os.pidfd_open(box.pid)
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    os.close(handle)
