"""The promises about what boxes wrote, on every engine."""

from __future__ import annotations

from orchestr8.controller.clock import no
from orchestr8.engines.protocol import Logs, Tending
from tests.conformance.benches import Bench
from tests.conformance.programs import SAYS
from tests.conformance.promises import promise
from tests.scenarios.fleet import eventually


@promise("logs.logs.last-lines")
def test_logs_are_kept_while_the_box_is(bench: Bench) -> None:
    assert isinstance(bench.boxes, Logs)
    made = bench.box("silent")
    bench.run(made)
    eventually(lambda: bench.boxes.logs(made.id, 10) == (SAYS,), 60)
    bench.boxes.stop(made.id, "SIGKILL", 0)
    assert bench.boxes.logs(made.id, 1) == (SAYS,)
    assert bench.boxes.logs(made.id, 0) == ()


@promise("tending.tend.harmless")
def test_tending_changes_nothing_that_anybody_sees(bench: Bench) -> None:
    """An engine with a process of its own sees to itself."""
    if not isinstance(bench.boxes, Tending):
        return
    made = bench.box("silent")
    bench.run(made)
    eventually(lambda: bench.boxes.logs(made.id, 10) == (SAYS,), 60)
    before = bench.see(made), bench.boxes.logs(made.id, 10), bench.footprint()
    bench.boxes.tend()
    assert (bench.see(made), bench.boxes.logs(made.id, 10), bench.footprint()) == before


@promise("logs.follow.until-it-ends")
def test_a_followed_log_gives_each_line_once_and_ends_with_its_box(bench: Bench) -> None:
    assert isinstance(bench.boxes, Logs)
    made = bench.box("silent")
    bench.run(made)
    following = bench.boxes.follow(made.id, 10, no)
    assert next(following) == SAYS
    bench.boxes.stop(made.id, "SIGKILL", 0)
    assert list(following) == []
    assert list(bench.boxes.follow(made.id, 10, no)) == [SAYS]


@promise("logs.follow.left")
def test_a_followed_log_ends_with_its_reader(bench: Bench) -> None:
    made = bench.box("silent")
    bench.run(made)
    left: list[bool] = []
    following = bench.boxes.follow(made.id, 10, lambda: bool(left))
    assert next(following) == SAYS
    left.append(True)
    assert list(following) == []
    assert bench.see(made).state.runs
