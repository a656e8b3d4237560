"""A console in a folder of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.console import Console


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """A console in a fresh folder."""
    return Console(tmp_path)
