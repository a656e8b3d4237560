"""A machine that loses its store."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.engines.select import SIMULATED
from tests.controller.losing import SHOP, WEB, Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A machine on which nobody else's boxes are simulated."""
    SIMULATED.clear()
    return Host(tmp_path)


@pytest.fixture
def lost(host: Host) -> Host:
    """A shop and a web front run, and their store is gone."""
    host.apply(SHOP, "shop")
    host.apply(WEB)
    return host
