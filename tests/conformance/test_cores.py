"""The promises about cores of boxes, on every engine."""

from __future__ import annotations

import pytest

from orchestr8.boxes.desired import Box
from orchestr8.engines.protocol import Cores
from orchestr8.errors import RejectedError
from orchestr8.isolation.limits import CORE_MILLICORES
from orchestr8.names import BoxId
from tests.conformance.benches import Bench
from tests.conformance.promises import detail, promise

NOBODY = BoxId("web", "nobody", 1)
ABSENT = 4_000
"""A core that no machine has."""


CORES = "cpuset.cpus.effective"


def control_files(bench: Bench, made: Box) -> dict[str, str]:
    """What the kernel says of a box's control group."""
    found = bench.see(made)
    assert found.pid
    return dict(bench.borders.witness.read(made.id, found.pid).cgroup)


def kernels_word(bench: Bench, made: Box) -> str:
    """On which cores the kernel lets a box run."""
    return control_files(bench, made)[CORES]


@promise("cores.set_cores.from-the-start")
def test_a_box_runs_on_its_cores_alone_from_its_start(bench: Bench) -> None:
    last = bench.boxes.features().cores[-1]
    made = bench.box(
        cores=(last,),
        dedicated_cores=1,
        cpu_max_millicores=CORE_MILLICORES,
        cpu_guarantee_millicores=CORE_MILLICORES,
    )
    found = bench.run(made)
    assert found.cores == (last,)
    assert kernels_word(bench, made) == str(last)


@promise("cores.set_cores.in-place")
def test_a_box_moves_to_other_cores_and_back_to_all(bench: Bench) -> None:
    assert isinstance(bench.boxes, Cores)
    every, made = bench.boxes.features().cores, bench.box()
    before = bench.run(made)
    assert before.cores in ((), every)
    at_first = control_files(bench, made)
    for core in (every[0], every[-1], every[-1]):
        bench.boxes.set_cores(made.id, [core])
        found = bench.see(made)
        assert (found.cores, found.pid, found.limits) == ((core,), before.pid, before.limits)
        assert control_files(bench, made) == at_first | {CORES: str(core)}
    bench.boxes.set_cores(made.id, [])
    assert bench.see(made).cores in ((), every)
    assert control_files(bench, made) == at_first


@detail("cores.set_cores.in-place")
def test_commands_and_limits_leave_a_box_on_its_cores(bench: Bench) -> None:
    core = bench.boxes.features().cores[-1]
    made = bench.box()
    bench.run(made)
    bench.boxes.set_cores(made.id, [core])
    bench.boxes.update(made.id, made.limits)
    assert bench.boxes.execute(made.id, ["/bin/true"]).exit_status == 0
    assert kernels_word(bench, made) == str(core)


@promise("cores.set_cores.ended")
def test_a_box_that_has_ended_counts_as_moved(bench: Bench) -> None:
    core, made = bench.boxes.features().cores[0], bench.box()
    bench.run(made)
    bench.boxes.stop(made.id, "SIGKILL", 0)
    bench.boxes.set_cores(made.id, [core])
    bench.boxes.set_cores(NOBODY, [core])
    assert bench.see(made).cores == ()


@promise("cores.set_cores.absent")
def test_cores_that_are_not_there_are_rejected(bench: Bench) -> None:
    made, fresh = bench.box(), bench.box(cores=(ABSENT,))
    found = bench.run(made)
    with pytest.raises(RejectedError, match=str(ABSENT)):
        bench.boxes.set_cores(made.id, [ABSENT])
    assert bench.see(made) == found
    with pytest.raises(RejectedError, match=str(ABSENT)):
        bench.boxes.create(fresh)
    assert bench.boxes.observe([fresh.id]).boxes == ()


@detail("cores.set_cores.absent")
def test_no_box_shares_what_it_shall_have_for_itself(bench: Bench) -> None:
    made = bench.box(dedicated_cores=1)
    with pytest.raises(RejectedError, match="1 of the cores for itself, and is given none"):
        bench.boxes.create(made)
    assert bench.boxes.observe([made.id]).boxes == ()
