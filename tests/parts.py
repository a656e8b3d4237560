"""The parts of the suite, which run side by side: what only computes, and one for each engine.

A test belongs to the engine that one of its parameters names, or that its mark names; all others
compute. So a test's part is seen where the test stands, and no list of folders can forget one.
"""

from __future__ import annotations

import pytest

COMPUTING = "computing"
ENGINES = ("crun", "docker20", "docker28")
PARTS = (COMPUTING, *ENGINES)

MARK = "on_engine"


def part_of(item: pytest.Item) -> str:
    """The part that a test belongs to."""
    mark = item.get_closest_marker(MARK)
    if mark:
        return _named(mark.args[0]) or _unknown(item, mark.args[0])
    callspec = getattr(item, "callspec", None)
    named = [_named(value) for value in callspec.params.values()] if callspec else []
    return next((part for part in named if part), COMPUTING)


def _named(value: object) -> str:
    """The part that a parameter names: "20", "docker20", "crun-trixie"; empty for other values."""
    text = value if isinstance(value, str) else ""
    name = text.partition("-")[0] if text.startswith("crun-") else text
    return next((part for part in ENGINES if name in (part, part.removeprefix("docker"))), "")


def _unknown(item: pytest.Item, name: object) -> str:
    raise pytest.UsageError(f"{item.nodeid} is marked for the engine {name!r}: name one of {PARTS}")
