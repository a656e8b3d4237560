"""Every case of expansion: a fleet in brief, and what shall exist as text.

With REWRITE_CASES=1 the answers are written anew; read them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.records import Records
from orchestr8.boxes.spec import to_json
from orchestr8.contract.model import ImageFacts
from orchestr8.planning.allocate import allocate
from orchestr8.planning.expand import expand
from tests.planning.brief import fleet

FOLDER = Path(__file__).parents[1] / "cases" / "planning" / "expand"
CASES = sorted(FOLDER.glob("*.yaml"))


def test_there_are_cases() -> None:
    assert len(CASES) >= 15


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    assert set(case) <= {"about", "image", "fleet", "desired"}
    wanted = fleet(case["fleet"], image_facts=ImageFacts(**_pairs(case.get("image", {}))))
    records, _given = allocate(wanted.contracts, Records("test"))
    text = "\n".join(_told(expand(wanted.contracts, records, wanted.digests, wanted.volumes)))
    if os.environ.get("REWRITE_CASES"):
        kept = path.read_text().partition("\ndesired: |")[0].rstrip("\n")
        indented = text.replace("\n", "\n  ")
        path.write_text(f"{kept}\ndesired: |2\n  {indented}\n")
        return
    assert text.splitlines() == case["desired"].splitlines()


def _pairs(words: dict[str, object]) -> dict[str, object]:
    """What an image says, with the defaults of one that says little."""
    facts: dict[str, object] = {"reference": "image:1", "id": "sha256:image", "cmd": ("run",)}
    for name, value in words.items():
        is_map = isinstance(value, dict)
        facts[name] = (
            tuple(value.items()) if is_map else tuple(value) if isinstance(value, list) else value
        )
    return facts


def _told(desired: Desired) -> Iterator[str]:
    for name, service in desired.services.items():
        yield f"{name} at {service.address}"
        yield from (f"  {slot}: {to_json(spec)}" for slot, spec in enumerate(service.slots))
        yield from _beside(service)
    for volume in desired.volumes:
        slot = "" if volume.slot is None else f" slot {volume.slot}"
        yield f"volume {volume.name} of {volume.owner} uid {volume.uid}{slot}"


def _beside(service: DesiredService) -> Iterator[str]:
    if any(spec.networked for spec in service.slots):
        yield f"  names: {' '.join(f'{name}={address}' for name, address in service.names)}"
    for word in ("stop_first_why", "shares", "missing", "notes"):
        value = getattr(service, word)
        if value:
            yield f"  {word}: {value if isinstance(value, str) else ', '.join(value)}"
    if not service.new_boxes_allowed:
        yield "  nothing new is placed"
