"""An engine that goes away and comes back, and answers that are lost on the way."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.world import State
from orchestr8.engines.docker.borders import docker_borders
from orchestr8.engines.protocol import Borders
from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.isolation.limits import MIB, Limits
from tests.conformance.benches import DockerBench
from tests.conformance.programs import Contents
from tests.conformance.promises import detail, promise
from tests.conformance.proxy import Proxy, proxy


@pytest.fixture
def between(real: DockerBench) -> Iterator[Proxy]:
    """A proxy before the engine; its path is short, as sockets need."""
    with tempfile.TemporaryDirectory() as folder, proxy(Path(folder), real.engine.socket) as made:
        yield made


@pytest.fixture
def borders(real: DockerBench, between: Proxy) -> Borders:
    """The same installation, reached through the proxy."""
    return docker_borders(between.url, real.installation, Contents())


@detail("errors.raised.unavailable")
def test_an_engine_that_restarts_is_waited_for(
    real: DockerBench, borders: Borders, between: Proxy
) -> None:
    made = real.box()
    real.run(made)
    between.restart(missed=2)
    assert [found.id for found in borders.boxes.observe([made.id]).boxes] == [made.id]
    assert between.is_back


@detail("errors.raised.unavailable")
def test_an_engine_that_stays_away_is_unavailable(between: Proxy, real: DockerBench) -> None:
    between.go()
    with pytest.raises(UnavailableError, match="no Docker Engine answers at unix://") as failed:
        docker_borders(between.url, real.installation, Contents())
    assert "start it" in failed.value.remedy


@detail("boxes.observe.named")
def test_a_box_that_lives_is_seen_while_its_engine_is_silent(
    real: DockerBench, borders: Borders, between: Proxy
) -> None:
    """Whoever waits at a gate asks the kernel whether the box lives, and nobody else."""
    made = real.box()
    real.run(made)
    before = borders.boxes.observe([made.id])
    between.go()
    assert borders.boxes.observe([made.id]) == before
    real.boxes.stop(made.id, "SIGKILL", 0)
    between.come()
    assert borders.boxes.observe([made.id]).boxes[0].state is State.STOPPED


CALLS = ["create", "start", "update", "stop", "remove"]


@promise("docker.answer.lost")
@pytest.mark.parametrize("lost", CALLS)
def test_a_lost_answer_leaves_one_box_in_the_right_state(
    real: DockerBench, borders: Borders, between: Proxy, lost: str
) -> None:
    made = real.box()
    limits = Limits(memory_max_bytes=64 * MIB)
    boxes = borders.boxes
    calls = {
        "create": (b"/containers/create", lambda: boxes.create(made)),
        "start": (b"/start HTTP", lambda: boxes.start(made.id)),
        "update": (b"/update HTTP", lambda: boxes.update(made.id, limits)),
        "stop": (b"/kill?", lambda: boxes.stop(made.id, "SIGKILL", 0)),
        "remove": (b"DELETE ", lambda: boxes.remove(made.id)),
    }
    before = real.footprint()
    for name in CALLS:
        words, call = calls[name]
        if name == lost:
            between.lose_the_answer_to(words)
        call()
        if name == lost:
            break
    assert between.lost == 1
    found = real.boxes.observe([made.id]).boxes
    if lost == "remove":
        assert found == () and real.footprint() == before
        return
    state = {"create": State.CREATED, "stop": State.STOPPED}.get(lost, State.RUNNING)
    assert [one.state for one in found] == [state]
    if lost == "update":
        assert found[0].limits == limits


@detail("docker.answer.lost")
def test_a_box_that_a_killed_caller_still_got_is_taken_over(
    real: DockerBench, borders: Borders, between: Proxy
) -> None:
    """The engine worked on for a caller that was killed; the next one comes in between."""
    made = real.box()
    between.do_before(b"/containers/create", lambda: real.boxes.create(made))
    borders.boxes.create(made)
    assert real.see(made).state is State.CREATED
    borders.boxes.start(made.id)
    assert real.see(made).state.runs


@promise("docker.others.installations")
def test_a_box_of_another_installation_is_nobodys_business(
    real: DockerBench, borders: Borders
) -> None:
    made: Box = real.box()
    real.run(made)
    other = docker_borders(real.engine.docker_host, "o" + real.installation[1:], Contents())
    assert other.boxes.observe().boxes == ()
    other.boxes.stop(made.id, "SIGKILL", 0)
    other.boxes.remove(made.id)
    with pytest.raises(RejectedError, match="no box"):
        other.boxes.update(made.id, Limits())
    with pytest.raises(RejectedError):
        other.boxes.create(replace(made, spec=replace(made.spec, workdir="/tmp")))
    assert real.see(made).state.runs
