"""The engine is chosen once: another one is unavailable until a person says that it shall be it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.controller.apply import apply_request
from orchestr8.controller.request import Request
from orchestr8.controller.session import session
from orchestr8.controller.settings import Settings
from orchestr8.engines.memory.machine import Machine
from orchestr8.errors import Exit, UnavailableError
from tests.controller.road import TIMEOUT_MS, Road, manifest, reader, sources

WEB = {"web.yaml": manifest("web", "front app:1")}


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A machine whose engine has an id, and one box on it."""
    made = Road(tmp_path, Machine(engine_id="AAAA:BBBB"))
    made.image("app:1", "a")
    made.apply(WEB, "web")
    return made


def moved(road: Road) -> Road:
    """The same state folder, and another engine at the same place."""
    other = Road(road.folder, Machine(engine_id="CCCC:DDDD"))
    other.image("app:1", "a")
    return other


def test_the_first_apply_writes_the_engine_down(road: Road) -> None:
    with road.open() as opened:
        assert opened.store.ledger.meta("engine_id") == "AAAA:BBBB"
        kinds = [(row.kind, row.subject) for row in opened.store.journal.rows()]
    assert kinds[0] == ("pin engine", "memory AAAA:BBBB")
    assert not road.apply(WEB, "web").changed


def test_another_engine_is_unavailable_and_gets_nothing(road: Road) -> None:
    other = moved(road)
    with pytest.raises(UnavailableError) as caught:
        other.apply(WEB, "web")
    assert "AAAA:BBBB" in caught.value.what
    assert "CCCC:DDDD" in caught.value.what
    assert "--new-engine" in caught.value.remedy
    assert other.boxes() == {}


def test_a_person_may_put_another_engine_in_its_place(road: Road) -> None:
    other = moved(road)
    request = Request(sources(WEB), reader({}), "web")
    with other.open(new_engine=True) as opened:
        applied = apply_request(opened, request, other.watcher, TIMEOUT_MS)
        rows = opened.store.journal.rows()
    assert applied.exit is Exit.DONE
    assert other.boxes() == {"web--front--2": "a"}
    assert ("pin engine", "instead of AAAA:BBBB") in {(row.kind, row.cause) for row in rows}
    assert not other.apply(WEB, "web").changed
    with pytest.raises(UnavailableError):
        road.apply(WEB, "web")


def test_another_kind_of_engine_is_unavailable_too(road: Road) -> None:
    settings = Settings(
        road.folder / "state", road.folder / "run", road.folder / "secrets", "docker", "ann"
    )
    with session(settings) as opened, pytest.raises(UnavailableError) as caught:
        _ = opened.choice
    assert "run on memory, not on docker" in caught.value.what
