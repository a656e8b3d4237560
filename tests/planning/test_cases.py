"""Every case: what is there, what happened, what is wanted now; the printed plan is the answer.

A case converges `before`, lets `events` happen, applies `change` and prints the plan and its
actions. Then the plan is carried out: what is printed after that is `next`, and nothing is left to
do unless the case says otherwise. With REWRITE_CASES=1 the answers are written anew; read them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestr8.planning.show import NOTHING, action_lines, plan_text
from tests.laws.simulation import Simulation
from tests.planning.brief import fleet
from tests.planning.events import happen

FOLDER = Path(__file__).parents[1] / "cases" / "planning"
CASES = sorted(FOLDER.glob("*.yaml"))
WORDS = {"about", "machine", "before", "events", "change", "plan", "actions", "next"}
ANSWERS = ("plan", "actions", "next")


def test_there_are_cases() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    assert set(case) <= WORDS, f"unknown words: {set(case) - WORDS}"
    answers = _play(case)
    if os.environ.get("REWRITE_CASES"):
        _rewrite(path, answers)
        return
    for word in ANSWERS:
        assert answers[word].splitlines() == case.get(word, "").splitlines(), word


def _play(case: Mapping[str, Any]) -> dict[str, str]:
    simulation = Simulation()
    if "machine" in case:
        happen({"machine": case["machine"]}, simulation, fleet({}))
    before = case.get("before", {})
    if before:
        _converge(simulation, before)
    wanted = fleet(_merged(before, case.get("change", {})), simulation.machine.features)
    for event in case.get("events", ()):
        happen(event, simulation, wanted)
    plan = simulation.plan(wanted)
    answers = {"plan": plan_text(plan), "actions": "\n".join(action_lines(plan))}
    failed = simulation.carry_out(plan)
    left = plan_text(simulation.plan(wanted))
    if failed:
        left = "\n".join((*(f"failed: {one}" for one in failed), left))
    answers["next"] = "" if left == NOTHING else left
    return answers


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


def _rewrite(path: Path, answers: Mapping[str, str]) -> None:
    kept = path.read_text()
    for word in ANSWERS:
        kept = kept.partition(f"\n{word}: |")[0].rstrip("\n") + "\n"
    for word in ANSWERS:
        if answers[word]:
            indented = answers[word].replace("\n", "\n  ").replace("\n  \n", "\n\n")
            kept += f"{word}: |2\n  {indented}\n"
    path.write_text(kept)
