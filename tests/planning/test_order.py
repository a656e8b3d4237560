"""The order of services: forerunners first, else by name; circles of links do not block."""

from __future__ import annotations

import pytest

from orchestr8.boxes.desired import DesiredService
from orchestr8.boxes.records import Records
from orchestr8.planning.allocate import allocate
from orchestr8.planning.expand import expand
from orchestr8.planning.order import start_order
from tests.planning.brief import Brief, fleet


def _services(services: Brief) -> list[DesiredService]:
    wanted = fleet({"services": services})
    records, _ = allocate(wanted.contracts, Records("here"))
    return list(expand(wanted.contracts, records, {}).services.values())


@pytest.mark.parametrize(
    ("services", "order"),
    [
        ({"b.me": {}, "a.me": {}}, "a b"),
        ({"a.me": {"after": ["b"]}, "b.me": {}}, "b a"),
        ({"a.me": {"connects": ["b:1"]}, "b.me": {}}, "b a"),
        ({"a.me": {"share": {"pid": "b.me"}}, "b.me": {}}, "b a"),
        ({"a.me": {"after": ["gone"]}}, "a"),
        ({"c.me": {"after": ["b"]}, "b.me": {"after": ["c"]}, "d.me": {"after": ["b"]}}, "b c d"),
        ({"a.me": {"connects": ["a:1"]}}, "a"),
        ({"a.me": {"connects": ["b:1"]}, "b.me": {"connects": ["a:1"]}}, "a b"),
        ({"a.me": {"connects": ["b:1"], "after": ["c"]}, "b.me": {"connects": ["a:1"]},
          "c.me": {}}, "c a b"),
        ({"a.me": {"connects": ["b:1"], "after": ["b"]}, "b.me": {"connects": ["a:1"]}}, "b a"),
        ({"a.me": {"connects": ["d:1"]}, "b.me": {"connects": ["a:1"]}, "c.me": {},
          "d.me": {"connects": ["a:1"]}}, "c a b d"),
        ({"a.me": {"connects": ["b:1"]}, "b.me": {"connects": ["c:1"]}, "c.me": {}}, "c b a"),
        ({"a.me": {"connects": ["b:1"]}, "b.me": {"connects": ["a:1"]},
          "c.me": {"connects": ["a:1", "d:1"]}, "d.me": {"connects": ["b:1"]}}, "a b d c"),
    ],
)  # fmt: skip
def test_order(services: Brief, order: str) -> None:
    found = start_order(_services(services))
    assert " ".join(name.service for name in found) == order


def test_the_order_of_the_input_does_not_matter() -> None:
    services = _services({f"s{n}.me": {"connects": [f"s{n * 7 % 10}:1"]} for n in range(10)})
    assert start_order(services) == start_order(list(reversed(services)))
