"""Declarations are drawn when somebody asks for them, and kept for who asks by name."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from orchestr8.boxes.desired import DesiredService
from orchestr8.boxes.records import Records
from orchestr8.contract.model import Contract, Contracts
from orchestr8.names import ServiceName
from orchestr8.planning.allocate import allocate
from orchestr8.planning.declarations import Declarations, passing
from orchestr8.planning.expand import expand
from tests.planning.brief import fleet

API, DB, NONE = ServiceName("me", "api"), ServiceName("me", "db"), ServiceName("me", "none")


def two_services() -> tuple[Contracts, Mapping[ServiceName, DesiredService]]:
    contracts = fleet({"services": {"api.me": {"connects": ["db:1"]}, "db.me": {}}}).contracts
    records, _ = allocate(contracts, Records("here"))
    return contracts, expand(contracts, records, {}).services


class Drawing:
    """The declarations of two services, and whose were drawn so far."""

    def __init__(self) -> None:
        contracts, expanded = two_services()
        self.whole = dict(expanded)
        self.drawn: list[ServiceName] = []
        self.declarations = Declarations(contracts.services, self._draw)

    def _draw(self, contract: Contract) -> DesiredService:
        self.drawn.append(contract.name)
        return self.whole[contract.name]


def test_who_asks_by_name_has_it_drawn_once() -> None:
    drawing = Drawing()
    services = drawing.declarations
    assert services[DB] is services[DB] is services.get(DB)
    assert drawing.drawn == [DB]
    assert dict(services) == drawing.whole
    assert drawing.drawn == [DB, API]


def test_whose_they_are_is_known_without_drawing_any() -> None:
    drawing = Drawing()
    services = drawing.declarations
    assert (list(services), len(services), API in services, NONE in services) == (
        [API, DB],
        2,
        True,
        False,
    )
    assert services.keys() & {DB, NONE} == {DB}
    assert services.get(NONE) is None
    with pytest.raises(KeyError):
        services[NONE]
    assert drawing.drawn == []


def test_what_passes_is_not_kept() -> None:
    drawing = Drawing()
    assert list(passing(drawing.declarations)) == list(drawing.whole.values())
    assert list(passing(drawing.declarations)) == list(drawing.whole.values())
    assert drawing.drawn == [API, DB, API, DB]


def test_what_is_kept_passes_as_it_is() -> None:
    drawing = Drawing()
    kept = drawing.declarations[DB]
    assert list(passing(drawing.declarations))[1] is kept
    assert drawing.drawn == [DB, API]


def test_those_of_a_plain_mapping_pass_too() -> None:
    whole = Drawing().whole
    assert list(passing(whole)) == list(whole.values())


def test_a_fleet_is_expanded_one_by_one() -> None:
    _, services = two_services()
    assert isinstance(services, Declarations)
    [api, db] = passing(services)
    assert (api.name, db.name) == (API, DB)
    assert services[API] == api
