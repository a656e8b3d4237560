"""The promises about what boxes use, and about whom the kernel ends first."""

from __future__ import annotations

from orchestr8.boxes.desired import Box
from tests.conformance.benches import Bench
from tests.conformance.promises import detail, promise


@promise("witness.use.told")
def test_what_a_box_and_its_owner_use_is_told_until_it_ends(bench: Bench) -> None:
    made, beside = bench.box(networked=True), bench.box()
    pid, _ = bench.run(made).pid or 0, bench.run(beside)
    found = bench.borders.witness.use(made.id, pid)
    assert found and found.traffic
    assert found.box.pids >= 1
    assert found.owner.pids >= found.box.pids + 1
    assert found.box.memory_bytes >= found.box.held_bytes
    assert found.owner.memory_bytes >= found.box.memory_bytes
    assert found.owner.out_of_memory >= found.box.out_of_memory == 0, "others of it may have ended"
    bench.boxes.stop(made.id, "SIGKILL", 0)
    assert bench.borders.witness.use(made.id, pid) is None


@detail("witness.use.told")
def test_cpu_time_counts_up(bench: Bench) -> None:
    made = bench.box()
    pid = bench.run(made).pid or 0
    first = bench.borders.witness.use(made.id, pid)
    bench.boxes.execute(made.id, ["/bin/true"])  # type: ignore[attr-defined]
    last = bench.borders.witness.use(made.id, pid)
    assert first and last and last.box.cpu_us >= first.box.cpu_us


@promise("owners.bias.first")
def test_a_box_is_marked_to_end_first_and_as_usual_again(bench: Bench) -> None:
    made, beside = bench.box(), bench.box()
    pid, other = bench.run(made).pid or 0, bench.run(beside).pid or 0
    usual = _scores(bench, beside, other)
    bench.borders.owners.bias(made.id, pid, first=True)
    assert _scores(bench, made, pid) == {1000}
    assert _scores(bench, beside, other) == usual
    bench.borders.owners.bias(made.id, pid, first=False)
    assert _scores(bench, made, pid) == usual
    bench.boxes.stop(made.id, "SIGKILL", 0)
    bench.borders.owners.bias(made.id, pid, first=True)


def _scores(bench: Bench, box: Box, pid: int) -> set[int | None]:
    return {task.oom_score_adj for task in bench.borders.witness.read(box.id, pid).tasks}
