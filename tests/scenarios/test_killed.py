"""An apply that is killed at some instant: the next one converges, nothing is doubled or left."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.scenarios.fleet import ROOT, Fleet, eventually, manifest

TEXT = manifest(
    "  db: {image: 'hello:1', health: {http: ':8080/'}}\n"
    "  job: {image: 'probe:1', run: once, args: ['true'], after: [db]}\n"
    "  web: {image: 'hello:1', health: {http: ':8080/'}, connects: [db:8080], after: [job]}\n"
)


@pytest.mark.parametrize("made", [1, 2, 3])
def test_the_next_apply_converges(fleet: Fleet, made: int) -> None:
    """Killed as soon as so many boxes are there, in whatever state."""
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestr8", "apply", "-"],
        cwd=ROOT, env=fleet.environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdin
    process.stdin.write(TEXT)
    process.stdin.close()
    eventually(lambda: len(fleet.containers()) >= made, 60)
    process.kill()
    process.wait()
    eventually(lambda: not _engine_works_for_the_dead(fleet))

    fleet.apply_text(TEXT)

    names = sorted(one["Name"].split("--")[1] for one in fleet.containers())
    assert names == ["db", "job", "web"], "one box a service, the job's as its record"
    assert fleet.proved() == 2
    assert "nothing to do" in fleet.apply_text(TEXT)
    fleet.run("remove")
    assert fleet.containers() == []


def _engine_works_for_the_dead(fleet: Fleet) -> bool:
    """Whether the engine still does something for a caller that is gone: it closes the connection,
    which has no other end any more, when that is done."""
    words = ["ss", "--unix", "--numeric", "--no-header", "src", f"unix:{fleet.engine.socket}"]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return any(line.split()[-1] == "0" for line in said.splitlines())
