"""Sets the stage of a case: what is there, and what is wanted now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.laws.simulation import Simulation
from tests.planning.brief import Fleet, fleet
from tests.planning.events import happen


def stage(case: Mapping[str, Any]) -> tuple[Simulation, Fleet]:
    """Converges `before`, lets `events` happen; `change` over `before` is what is wanted."""
    simulation = Simulation()
    if "machine" in case:
        happen({"machine": case["machine"]}, simulation, fleet({}))
    before = case.get("before", {})
    if before:
        _converge(simulation, before)
    wanted = fleet(_merged(before, case.get("change", {})), simulation.machine.features)
    for event in case.get("events", ()):
        happen(event, simulation, wanted)
    return simulation, wanted


def _converge(simulation: Simulation, brief: Mapping[str, Any]) -> None:
    wanted = fleet(brief, simulation.machine.features)
    for _cycle in range(5):
        plan = simulation.plan(wanted)
        if plan.empty:
            return
        assert not simulation.carry_out(plan), "the case cannot begin"
    raise AssertionError("what is there before does not converge")


def _merged(before: Any, change: Any) -> Any:
    """`change` over `before`: maps merge, null takes away."""
    if not isinstance(before, Mapping) or not isinstance(change, Mapping):
        return change
    merged = {key: value for key, value in before.items() if key not in change}
    for key, value in change.items():
        if value is not None:
            merged[key] = _merged(before.get(key), value)
    return merged
