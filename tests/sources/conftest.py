"""Folders that the children can come to: pytest's own are closed to other accounts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.sources.git import Clone
from tests.sources.workshop import Workshop, open_ground


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
