"""How many stories each law is tried with: the same few in every run of the tests, or many."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

VARIABLE = "LAW_STORIES"
"""Set by `make laws`: so many stories a law, other ones in each run."""


def stories_of(usual: int) -> settings:
    """The settings of a law that usually is tried with this many stories."""
    asked = os.environ.get(VARIABLE)
    return settings(
        max_examples=int(asked or usual),
        derandomize=not asked,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


def until_broken(most: int) -> settings:
    """How a law is tried on what breaks it: the same stories every time, at most so many, and the
    first that breaks it ends the search."""
    return settings(
        max_examples=most,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
