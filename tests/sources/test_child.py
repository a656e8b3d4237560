"""A child ends with whoever started it, and all that it started ends with it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from orchestr8.errors import UnavailableError
from orchestr8.sources.child import Bounds, Child, end
from tests.controller.looping import until

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="a pid namespace of its own needs root")


@pytest.fixture
def child(ground: Path) -> Child:
    """Nobody else's; it may take one second."""
    made = Child(ground / "home", Bounds(seconds=1))
    made.prepare()
    return made


@pytest.fixture
def seconds() -> str:
    """So long sleeps nobody else on this machine."""
    return f"300.{secrets.randbelow(10**9):09}"


def sleepers(seconds: str) -> list[str]:
    """The processes that sleep so long."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", seconds.encode()]:
            found.append(folder.name)
    return found


def test_a_child_ends_with_whoever_started_it(child: Child, seconds: str) -> None:
    starter = f"""
import time
from pathlib import Path
from orchestr8.sources.child import Child
Child(Path({str(child.home)!r})).start(["sleep", "{seconds}"])
time.sleep(300)
"""
    process = subprocess.Popen([sys.executable, "-c", starter])
    try:
        until(lambda: sleepers(seconds))
    finally:
        process.kill()
        process.wait()
    until(lambda: not sleepers(seconds))


@ROOT_ONLY
@pytest.mark.parametrize("last", ["true", "sleep 300"])
def test_what_has_left_the_session_ends_with_it(child: Child, seconds: str, last: str) -> None:
    """Whether it comes to its end by itself or not."""
    script = f"began=$(setsid sh -c 'sleep {seconds} >/dev/null & echo yes'); {last}"
    if last == "true":
        assert child.run(["sh", "-c", script]).status == 0
    else:
        with pytest.raises(UnavailableError, match="did not come to an end within 1 s"):
            child.run(["sh", "-c", script])
    until(lambda: not sleepers(seconds))


@ROOT_ONLY
def test_what_has_left_the_session_of_one_that_answers_ends_with_it(
    child: Child, seconds: str
) -> None:
    process = child.start(["sh", "-c", f"setsid sleep {seconds} & cat"])
    until(lambda: sleepers(seconds))
    end(process)
    until(lambda: not sleepers(seconds))
