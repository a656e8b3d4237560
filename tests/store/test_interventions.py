"""Holds and overrides: one a service, one a path, and gone when they are ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.boxes.records import Hold
from orchestr8.errors import StoreError
from orchestr8.names import ServiceName
from orchestr8.store.interventions import Interventions, Override
from orchestr8.store.store import Store

API, WEB = ServiceName("payments", "api"), ServiceName("web", "front")
HOLD = Hold(2_000, "the index is rebuilt", "ann", 1_000)
LONGER = replace(HOLD, until_ms=3_000, reason="longer")
MEMORY = Override(API, "limits.memory.max", "256MiB", "128MiB", "ann", 1_000)
CPU = Override(API, "limits.cpu.max", "2", "1", "ann", 1_000)


@pytest.fixture
def interventions(tmp_path: Path) -> Iterator[Interventions]:
    """None yet."""
    store = Store(tmp_path / "state")
    yield store.interventions
    store.close()


def test_a_service_has_one_hold(interventions: Interventions) -> None:
    interventions.add_hold(API, HOLD)
    interventions.add_hold(WEB, HOLD)
    interventions.add_hold(API, LONGER)
    assert interventions.holds() == {API: LONGER, WEB: HOLD}
    interventions.remove_hold(API)
    interventions.remove_hold(API)
    assert set(interventions.holds()) == {WEB}


def test_a_path_has_one_override(interventions: Interventions) -> None:
    interventions.add_overrides([MEMORY, CPU])
    interventions.add_overrides([CPU._replace(value="3")])
    assert interventions.overrides() == (CPU._replace(value="3"), MEMORY)
    interventions.remove_overrides([(API, CPU.path), (WEB, CPU.path)])
    assert interventions.overrides() == (MEMORY,)


def test_overrides_are_written_all_or_none(interventions: Interventions) -> None:
    with pytest.raises(StoreError):
        interventions.add_overrides([MEMORY, CPU._replace(value=None)])  # type: ignore[arg-type]
    assert interventions.overrides() == ()
