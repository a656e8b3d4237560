"""A failed box's last lines are explained, and the line that mends it is one that loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestr8.controller.advice import Ending, advise
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Source
from orchestr8.names import ServiceName
from tests.controller import endings
from tests.controller.endings import Ended

ROOT = Path(__file__).resolve().parents[2]
APP = ServiceName("web", "app")
MEBIBYTE = 1 << 20


def ending(lines: str, *, why: str = "the box exited with status 1", oom: bool = False) -> Ending:
    """The end of a box with 64 MiB."""
    return Ending(APP, why, lines.splitlines(), oom, 64 * MEBIBYTE)


@pytest.mark.parametrize("ended", endings.KNOWN, ids=lambda ended: ended.name.replace(" ", "-"))
def test_a_known_ending_is_explained(ended: Ended) -> None:
    advice = advise(ending(ended.lines), None)
    assert advice is not None
    assert advice.line.startswith(ended.line)
    assert advice.what[:1].islower()
    assert not advice.what.endswith(".")


@pytest.mark.parametrize(
    "ended", endings.NOTHING_KNOWN, ids=lambda ended: ended.name.replace(" ", "-")
)
def test_an_unknown_ending_gets_no_guess(ended: Ended) -> None:
    assert advise(ending(ended.lines), None) is None


def test_the_engine_s_own_words_are_read_too() -> None:
    found = advise(ending("", why="the program /usr/bin/app is not in the image"), None)
    assert found is not None
    assert found.line == endings.PROGRAM


def test_what_a_check_lacks_is_not_told_of_the_program() -> None:
    said = "the command ended with status 127: executable file `/nope` not found in $PATH"
    found = advise(ending("", why=f"not healthy within 2s; the last probe said: {said}"), None)
    assert found is not None
    assert found.line.startswith("health: {command: ")


def test_what_the_kernel_ended_for_its_memory_needs_no_last_words() -> None:
    found = advise(ending("ready", oom=True), None)
    assert found is not None
    assert found.line == endings.MEMORY
    assert "64MiB" in found.what


def test_the_kernel_s_word_comes_before_the_program_s() -> None:
    lines = "mkdir: can't create directory '/x': Read-only file system"
    found = advise(ending(lines, oom=True), None)
    assert found is not None
    assert found.line == endings.MEMORY


@pytest.mark.parametrize("ended", endings.KNOWN, ids=lambda ended: ended.name.replace(" ", "-"))
def test_the_line_can_stand_in_a_manifest(ended: Ended) -> None:
    advice = advise(ending(ended.lines), None)
    assert advice is not None
    if advice.line in (endings.PORT, endings.PROCESSOR):
        return
    given = yaml.safe_load(advice.line)
    service = {"image": "app:1", **given}
    text = yaml.safe_dump({"orchestr8": 1, "owner": "web", "services": {"app": service}})
    assert load([Source("m.yaml", text.replace("'", ""))]).services


HOSTILE = (
    "open /a" * 20_000,
    "read-only file system" + " open '/a" * 20_000,
    "/" * 100_000 + " failed to map",
    "chown" * 20_000,
    "bind" * 20_000,
    "permission denied" + "'/a" * 30_000,
)


ASKED_IN_A_PROCESS = """
import sys
from tests.controller.test_advice import ending
from orchestr8.controller.advice import advise
advise(ending("\\n".join([sys.stdin.read()] * 20)), None)
"""


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: line[:12].strip())
def test_a_box_cannot_make_its_last_words_expensive(line: str) -> None:
    """The bound is far above what it takes: it tells a search without end from a slow machine."""
    subprocess.run(
        [sys.executable, "-c", ASKED_IN_A_PROCESS],
        cwd=ROOT, input=line, text=True, check=True, timeout=120,
    )  # fmt: skip
