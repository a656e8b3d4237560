"""A change of a rule says whose next apply it stops, and stops nothing that runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestr8.controller.cycle import Cycle, walk
from orchestr8.controller.request import Request, aim_of, load_request
from tests.controller.road import Road, manifest, reader, sources

TEAM = """\
orchestr8: 1
platform:
  mode: team
  owners:
    pay: {quota: {memory: 1GiB, boxes: 4}, may: [net.egress]}
    data: {quota: {memory: 1GiB}}
"""
RELAX = "relax: [{net.egress: {to: 198.51.100.0/24, ports: [443]}, why: calls the bank}]"


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A team's machine: one owner with a relaxation and two boxes, one without any."""
    made = Road(tmp_path)
    for reference, mark in (("api:1", "a"), ("db:1", "b")):
        made.image(reference, mark)
    made.apply({"p.yaml": TEAM}, "platform")
    made.apply({"pay.yaml": manifest("pay", f"api api:1, replicas: 2, {RELAX}")}, "pay")
    made.apply({"data.yaml": manifest("data", "db")}, "data")
    return made


def planned(road: Road, texts: Mapping[str, str], set_name: str) -> Cycle:
    """What a plan finds."""
    with road.open() as session:
        request = Request(sources(texts), reader({}), set_name)
        return walk(session, aim_of(session, load_request(session, request), fetch=False))


@pytest.mark.parametrize(
    ("older", "newer", "told"),
    [
        (", may: [net.egress]", "", "pay.yaml:4:"),
        ("boxes: 4", "boxes: 1", "owner pay asks for 2 boxes of a quota of 1"),
        ("1GiB, boxes", "64MiB, boxes", "above the quota of owner pay"),
        ("  owners:", "  policy: {images: {digests: required}}\n  owners:", "set data"),
        ("pay: {quota", "other: {quota", "pay"),
    ],
)
def test_a_plan_says_who_would_be_refused(road: Road, older: str, newer: str, told: str) -> None:
    before = road.boxes()
    assert older in TEAM
    changed = {"p.yaml": TEAM.replace(older, newer)}
    cycle = planned(road, changed, "platform")
    assert any(told in note for note in cycle.contracts.notes), cycle.contracts.notes
    assert all(note.startswith("the next apply of set ") for note in cycle.contracts.notes)
    road.apply(changed, "platform")
    assert road.boxes() == before, "a rule stops nothing that runs"
    assert planned(road, changed, "platform").contracts.notes == (), "it is told with its change"


def test_a_change_that_refuses_nobody_says_nothing(road: Road) -> None:
    for older, newer in (("boxes: 4", "boxes: 2"), ("1GiB", "2GiB")):
        changed = {"p.yaml": TEAM.replace(older, newer)}
        assert planned(road, changed, "platform").contracts.notes == ()
    pay = manifest("pay", f"api api:1, replicas: 1, {RELAX}")
    assert planned(road, {"pay.yaml": pay}, "pay").contracts.notes == ()
