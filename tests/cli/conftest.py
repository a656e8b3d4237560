"""A console in a folder of its own for each test, and a shell within this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.console import Console
from tests.cli.shell import Shell


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """A console in a fresh folder."""
    return Console(tmp_path)


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """A shell in a fresh folder."""
    return Shell(tmp_path, capsys, monkeypatch)
