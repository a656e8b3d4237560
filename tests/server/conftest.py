"""A folder below /tmp that every account may enter, and a machine in it that serves its API."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.engines.select import SIMULATED
from tests.server.machine import serving


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a fresh installation on a simulated machine."""
    made = Path(tempfile.mkdtemp(prefix="o8-"))
    made.chmod(0o755)
    for name in ("state", "run", "secrets"):
        monkeypatch.setenv(f"ORCHESTR8_{name.upper()}", str(made / name))
    monkeypatch.setenv("ORCHESTR8_ENGINE", "memory")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(made)
    SIMULATED.clear()
    yield made
    monkeypatch.chdir("/")
    shutil.rmtree(made)


@pytest.fixture
def api(folder: Path) -> Iterator[Path]:
    """The socket of a server."""
    with serving() as path:
        yield path
