"""Standbys on Docker, whose labels never change: what is kept of them beside the engine."""

from __future__ import annotations

import shutil

from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.world import ObservedBox, State, Unseen
from orchestr8.engines.docker.borders import RUN_FOLDER, docker_borders
from orchestr8.engines.protocol import Standbys
from orchestr8.isolation.limits import MIB, Limits
from orchestr8.names import STANDBY
from tests.conformance.benches import DockerBench
from tests.conformance.programs import Contents
from tests.conformance.promises import detail, promise


def _standby(real: DockerBench) -> Box:
    made = replace(real.box(), slot=STANDBY)
    real.boxes.create(made)
    return made


def _seen_by_another(real: DockerBench, made: Box) -> ObservedBox:
    """The box in the eyes of a process that has not met it before."""
    another = docker_borders(real.engine.docker_host, real.installation, Contents())
    (found,) = another.boxes.observe().boxes
    assert found.id == made.id
    return found


@promise("docker.standbys.known")
def test_another_process_knows_the_slot_that_was_taken(real: DockerBench) -> None:
    made = _standby(real)
    assert _seen_by_another(real, made).slot == STANDBY
    real.boxes.take(made.id, 2)
    runs = _seen_by_another(real, made)
    assert (runs.state, runs.slot) == (State.RUNNING, 2)
    real.boxes.stop(made.id, "SIGKILL", 0)
    ended = _seen_by_another(real, made)
    assert (ended.state, ended.slot) == (State.STOPPED, 2)


@detail("docker.standbys.known")
def test_another_process_can_change_it_and_take_it(real: DockerBench) -> None:
    made = _standby(real)
    another = docker_borders(real.engine.docker_host, real.installation, Contents()).boxes
    wanted = Limits(cpu_max_millicores=300, memory_max_bytes=64 * MIB, pids_max=50)
    another.update(made.id, wanted)
    assert real.see(made).limits == wanted
    assert isinstance(another, Standbys)
    another.take(made.id, 0)
    runs = real.see(made)
    assert (runs.state, runs.slot, runs.limits) == (State.RUNNING, 0, wanted)


@detail("docker.standbys.known")
def test_one_that_somebody_else_starts_has_no_slot(real: DockerBench) -> None:
    made = _standby(real)
    real.client.start(str(made.id))
    runs = real.see(made)
    assert (runs.state, runs.slot) == (State.RUNNING, STANDBY)


@promise("docker.standbys.lost")
def test_one_that_lost_what_was_laid_out_for_it_never_starts(real: DockerBench) -> None:
    made = _standby(real)
    shutil.rmtree(RUN_FOLDER / real.installation / "boxes" / str(made.id))  # a reboot does that
    lost = real.see(made)
    assert (lost.state, lost.unseen) == (State.STOPPED, Unseen.UNSTAGED)
    real.boxes.remove(made.id)
    assert real.boxes.observe([made.id]).boxes == ()
