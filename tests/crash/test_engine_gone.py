"""The engine is stopped in the middle of an apply: it is nobody's failure, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests import hosts
from tests.crash.change import SET
from tests.crash.story import Story, story
from tests.hosts import engines
from tests.scenarios.fleet import ROOT, eventually

pytestmark = pytest.mark.on_engine("docker28")
ENGINE = "28"


@pytest.fixture(scope="module")
def told() -> Iterator[Story]:
    with hosts.engine(ENGINE) as engine:
        hosts.load_images(engine.socket)
        with story(engine) as made:
            yield made


def test_an_apply_outlives_a_restart_of_the_engine(told: Story) -> None:
    process = _stopped_at_the_first_box(told)
    engines.start(ENGINE)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "rolled back" not in said
    assert told.again() == ()


def _stopped_at_the_first_box(told: Story) -> subprocess.Popen[str]:
    """An apply of the other form, under which the engine was stopped as a box was made."""
    before = {one["Id"] for one in told.fleet.containers()}
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestr8", *told.turn(), "--set", SET],
        cwd=ROOT, env=told.fleet.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    eventually(lambda: bool({one["Id"] for one in told.fleet.containers()} - before), 60)
    engines.stop(ENGINE)
    return process
