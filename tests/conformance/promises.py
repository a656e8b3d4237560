"""Marks that say which promises a test holds an engine to.

Each promise has a test on every engine. Tests that go into detail do without the older Docker
Engine, whose answers differ from the newer one's in few places, so that the suite stays short; of
a test with several variants it gets the first.
"""

from __future__ import annotations

import pytest

OLDER = "docker20"


def promise(*ids: str) -> pytest.MarkDecorator:
    """A test of these promises, on every engine."""
    return pytest.mark.promise(*ids, everywhere=True)


def detail(*ids: str) -> pytest.MarkDecorator:
    """A closer look at these promises, on every engine but the older Docker."""
    return pytest.mark.promise(*ids, everywhere=False)
