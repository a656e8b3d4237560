"""Sources beside a loop: pushes come to run by themselves, and what is wrong is told once."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestr8.controller.apply import apply_request
from orchestr8.controller.clock import CLOCK, Clock
from orchestr8.controller.polling import AGAIN_SECONDS, Polling
from orchestr8.controller.request import Request
from orchestr8.controller.session import Session
from orchestr8.controller.settings import Settings
from orchestr8.controller.sources import require_sources, sync
from tests.controller.looping import SECONDS_MOST, Running, looping, until
from tests.controller.road import TIMEOUT_MS, Notes, Road, manifest, reader, sources
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


class Ahead(Clock):
    """A clock that can be put forward."""

    seconds = 0.0

    def monotonic(self) -> float:
        """As others have it, and those seconds more."""
        return super().monotonic() + self.seconds


@contextmanager
def polling(road: Road, running: Running, clock: Clock = CLOCK) -> Iterator[Polling]:
    """Sources are asked for as long as a block lasts."""
    folder = road.folder
    settings = Settings(
        folder / "state", folder / "run", folder / "secrets", "memory", "ann",
        cache=folder / "cache", keys=folder / "keys",
    )  # fmt: skip
    made = Polling(running.loop, settings, clock, running.told)
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


def test_what_is_declared_anew_is_asked_at_once(team: Team) -> None:
    with looping(team.road) as running, polling(team.road, running) as asks:
        until(lambda: len(told(running)) == 1)
        assert "the path is not in the commit" in told(running)[0]
        team.workshop.commit({"deploy/web.yaml": manifest("web", "front")}, team.ann)
        rules = team.rules(web=team.lines["web"].replace("path: web", "path: deploy"))
        request = Request(sources({"platform.yaml": rules}), reader({}), "rules")
        running.loop.call(apply_request, request, Notes(), TIMEOUT_MS)
        asks.look()
        until(lambda: team.road.boxes() == {"web--front--1": "a"})


def test_a_source_that_is_away_is_asked_again_before_its_interval(team: Team) -> None:
    team.push("front")
    clock, away = Ahead(), team.workshop.folder.with_name("away")
    team.workshop.folder.rename(away)
    with looping(team.road) as running, polling(team.road, running, clock) as asks:
        until(lambda: told(running) and not is_asked("web"))
        assert told(running)[0].startswith("unreachable: ")
        away.rename(team.workshop.folder)
        clock.seconds = AGAIN_SECONDS
        asks.look()
        until(lambda: team.road.boxes() == {"web--front--1": "a"})


def test_a_sync_while_its_source_is_asked_waits_for_nobody(team: Team) -> None:
    team.push("front")
    lock = team.road.folder / "cache/sources/web/polled/lock"
    with looping(team.road) as running, polling(team.road, running) as asks:
        until(lambda: team.road.boxes() == {"web--front--1": "a"} and not is_asked("web"))
        commit = team.push("front front:2")
        with lock.open() as clone:
            fcntl.flock(clone, fcntl.LOCK_EX)
            asks.wake("web")
            until(lambda: is_asked("web"))

            def synced(session: Session) -> str:
                fcntl.flock(clone, fcntl.LOCK_UN)
                until(lambda: is_held(lock))  # from now on it waits for us, its clone in hand
                (source,) = require_sources(session, ("web",))
                return sync(session, source, Notes(), TIMEOUT_MS).record.good

            assert running.loop.ask(synced).result(SECONDS_MOST) == commit
        assert team.road.boxes() == {"web--front--2": "b"}


def is_asked(name: str) -> bool:
    """Whether a source is asked now."""
    return any(thread.name == f"source {name}" for thread in threading.enumerate())


def is_held(file: Path) -> bool:
    """Whether somebody has the lock."""
    with file.open() as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_polling_ends_when_the_loop_does(team: Team) -> None:
    with looping(team.road) as running:
        made = Polling(running.loop, Settings.from_environment("memory"), CLOCK, running.told)
        thread = threading.Thread(target=made.run)
        team.workshop.folder.rename(team.workshop.folder.with_name("away"))
        running.end()
        thread.start()
        thread.join(SECONDS_MOST)
        assert not thread.is_alive()
