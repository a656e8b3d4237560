"""`pytest --part NAME` runs one part of the suite; without it everything runs, one by one.

The tests of the virtual machine run only where they are named: `pytest tests/vm`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.parts import PARTS, part_of

SLOW = Path(__file__).parent / "vm"

# The same examples in every run, however slow the machine is: an emulated one is a hundred times
# slower than others. `--hypothesis-profile=default` tries other ones in each run.
settings.register_profile(
    "alike",
    database=None, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.load_profile("alike")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", choices=PARTS, help="run only what belongs to this part")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    part = config.getoption("--part")
    if part:
        others = [item for item in items if part_of(item) != part]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if part_of(item) == part]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    named = any(Path(word).resolve().is_relative_to(SLOW) for word in config.args)
    return True if collection_path == SLOW and not named else None
