"""Sources beside a loop: pushes come to run by themselves, and what is wrong is told once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestr8.controller.clock import CLOCK
from orchestr8.controller.polling import Polling
from orchestr8.controller.settings import Settings
from tests.controller.looping import SECONDS_MOST, Running, looping, until
from tests.controller.road import Road
from tests.sources.team import Team
from tests.sources.workshop import Workshop, ssh_key


@pytest.fixture
def team(ground: Path, workshop: Workshop) -> Team:
    """A source of web that nobody asks by itself within a test."""
    road = Road(ground / "machine")
    for reference, mark in (("front:1", "a"), ("front:2", "b")):
        road.image(reference, mark)
    road.folder.mkdir(mode=0o755)
    made = Team(road, workshop, ssh_key(ground, "ann"), ssh_key(ground, "bob"))
    start = workshop.commit({"README": "x"})
    made.declare(web=f"path: web, owner: web, every: 1d, start: {start}")
    return made


@contextmanager
def polling(road: Road, running: Running) -> Iterator[Polling]:
    """Sources are asked for as long as a block lasts."""
    folder = road.folder
    settings = Settings(
        folder / "state", folder / "run", folder / "secrets", "memory", "ann",
        cache=folder / "cache", keys=folder / "keys",
    )  # fmt: skip
    made = Polling(running.loop, settings, CLOCK, running.told)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join(SECONDS_MOST)
        assert not thread.is_alive()


def told(running: Running) -> list[str]:
    """What was told of sources."""
    return [event.what for event in running.told.events if event.kind == "source"]


def test_a_push_runs_by_itself_and_a_bad_one_is_told_once(team: Team) -> None:
    first = team.push("front")
    with looping(team.road) as running, polling(team.road, running) as asks:
        until(lambda: team.road.boxes() == {"web--front--1": "a"})
        until(lambda: told(running) == [f"converged: {first[:12]}"])
        bad = team.push("front front:2", key=team.bob)
        asks.wake("web")
        until(lambda: len(told(running)) == 2)
        assert told(running)[1].startswith(f"refused: commit {bad[:12]}: ")
        before = team.record().looked_ms
        asks.wake("web")
        until(lambda: team.record().looked_ms > before)
        assert len(told(running)) == 2
        assert team.road.boxes() == {"web--front--1": "a"}
        team.workshop.git("reset", "-q", "--hard", first)
        good = team.push("front front:2")
        asks.wake("web")
        until(lambda: team.road.boxes() == {"web--front--2": "b"})
        until(lambda: told(running)[-1] == f"converged: {good[:12]}")


def test_polling_ends_when_the_loop_does(team: Team) -> None:
    with looping(team.road) as running:
        made = Polling(running.loop, Settings.from_environment("memory"), CLOCK, running.told)
        thread = threading.Thread(target=made.run)
        team.workshop.folder.rename(team.workshop.folder.with_name("away"))
        running.end()
        thread.start()
        thread.join(SECONDS_MOST)
        assert not thread.is_alive()
