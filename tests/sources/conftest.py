"""Folders that the children can come to: pytest's own are closed to other accounts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.sources.git import Clone
from tests.controller.road import Road
from tests.sources.team import Team
from tests.sources.workshop import Workshop, open_ground, ssh_key


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that everybody may pass through."""
    with open_ground() as folder:
        yield folder


@pytest.fixture
def workshop(ground: Path) -> Workshop:
    """A repository that a team works in."""
    return Workshop.begun(ground / "workshop")


@pytest.fixture
def clone(ground: Path) -> Clone:
    """A source's clone, not fetched yet."""
    return Clone(ground / "cache" / "web")


@pytest.fixture
def team(ground: Path, workshop: Workshop) -> Team:
    """A source of web that asks for signatures since the first commit."""
    road = Road(ground / "machine")
    for reference, mark in (("front:1", "a"), ("front:2", "b"), ("work:1", "c")):
        road.image(reference, mark)
    road.folder.mkdir(mode=0o755)
    made = Team(road, workshop, ssh_key(ground, "ann"), ssh_key(ground, "bob"))
    start = workshop.commit({"README": "x"})
    made.declare(web=f"path: web, owner: web, start: {start}")
    return made
