"""What `status` says of boxes that are yet to come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from orchestr8.boxes.world import State
from orchestr8.engines.memory.workload import Workload
from orchestr8.names import STANDBY
from tests.cli.shell import Shell

TEXT = """\
orchestr8: 1
owner: me
services: {web: {image: "web:1", standby: 1, health: {tcp: 80}}}
"""


def test_a_standby_that_lacks_is_told_apart_from_a_box(shell: Shell) -> None:
    shell.apply(TEXT)
    shell.machine.boxes.clear()
    assert "1 to provision, 1 to stand by" in shell.type("status").output


JOB = """\
orchestr8: 1
owner: me
services: {job: {image: "web:1", run: once}}
"""


def pause(shell: Shell) -> None:
    """Somebody holds every box still, also a job that would have ended."""
    boxes = shell.machine.boxes
    for box_id, box in boxes.items():
        runs = replace(box, state=State.RUNNING, workload=Workload(), pid=1)
        boxes[box_id] = replace(runs, paused=box.box.slot != STANDBY)


def test_a_box_that_somebody_paused_is_called_so(shell: Shell) -> None:
    shell.apply(TEXT)
    pause(shell)
    assert "1 paused, " in shell.type("status").output
    said = shell.type("why web.me").output
    assert "0  paused, running since" in said
    assert "replace: somebody paused it" in said


def test_a_job_that_somebody_paused_is_left_to_them(shell: Shell) -> None:
    shell.apply(JOB)
    pause(shell)
    assert "whose move: whoever paused it" in shell.type("why job.me").output
    assert not shell.type("status --output json").document["services"][0]["well"]


@pytest.mark.parametrize(
    ("hours", "words"), [(2, "today"), (30, "in 1 day"), (54, "in 2 days")]
)  # fmt: skip
def test_the_next_end_is_told_as_people_count(shell: Shell, hours: int, words: str) -> None:
    end = (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%MZ")
    relaxed = f'{{image: "web:1", relax: [{{fs.scratch-exec: /tmp, why: x, until: {end}}}]}}'
    shell.apply(f"orchestr8: 1\nowner: me\nservices: {{web: {relaxed}}}\n")
    assert f"next end {end} ({words})" in " ".join(shell.type("status").output.split())
