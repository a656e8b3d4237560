"""The state folder fills up, or is deleted, in the middle of an apply: a sentence that says what
to do, and no box is doubled, whatever was lost."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import hosts
from tests.conformance.proxy import proxy
from tests.crash.change import SET
from tests.crash.story import Story, story
from tests.scenarios.fleet import ROOT

pytestmark = pytest.mark.on_engine("docker28")


@pytest.fixture(scope="module")
def told() -> Iterator[Story]:
    with hosts.engine("28") as engine:
        hosts.load_images(engine.socket)
        with story(engine, state_bytes=4 << 20) as made:
            yield made


def test_a_disk_that_fills_up_is_told_and_the_next_apply_goes_on(told: Story) -> None:
    ballast = told.fleet.base / "state" / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(bytes(4096))

    status, said = _at_the_first_box(told, fill)
    assert status == 1, said
    assert "make room on its disk" in said
    ballast.unlink()
    assert told.again() == ()


def test_a_folder_deleted_meanwhile_is_adopted_anew(told: Story) -> None:
    def delete() -> None:
        for path in (told.fleet.base / "state").iterdir():
            path.unlink(missing_ok=True)  # SQLite takes its own away when nobody has it open

    status, said = _at_the_first_box(told, delete)
    assert status == 1, said
    assert "orchestr8 adopt" in said
    boxes = {one["Id"] for one in told.fleet.client.containers()}
    assert "orchestr8 adopt" in told.fleet.run("status", exit_status=1)
    told.fleet.run("adopt", "--installation", told.fleet.installation)
    wrong = [line for line in told.again() if not line.startswith("store: ")]
    assert wrong == [], "what only the store knew is lost, and nothing else"
    assert boxes & {one["Id"] for one in told.fleet.client.containers()}, "no box was touched"


def _at_the_first_box(told: Story, harm: Callable[[], None]) -> tuple[int, str]:
    """An apply of the other form that is harmed between a box's making and its start: its status
    and output."""
    fleet = told.fleet
    with (
        tempfile.TemporaryDirectory() as folder,
        proxy(Path(folder), fleet.engine.socket) as between,
    ):
        between.do_before(b"/start HTTP", harm)
        done = subprocess.run(
            [sys.executable, "-m", "orchestr8", *told.turn(), "--set", SET],
            cwd=ROOT, env={**fleet.environment, "DOCKER_HOST": between.url}, text=True, timeout=300,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    return done.returncode, done.stdout
