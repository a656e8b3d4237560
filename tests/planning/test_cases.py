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
from msgspec.structs import replace

from orchestr8.boxes.desired import DesiredService
from orchestr8.planning.allocate import allocate
from orchestr8.planning.expand import expand
from orchestr8.planning.moves import Peers, Provision, Replace, joined
from orchestr8.planning.rules import HINDRANCES, RULES, Slot
from orchestr8.planning.service import slots_of
from orchestr8.planning.show import NOTHING, action_lines, plan_text
from orchestr8.planning.survey import survey
from tests.planning.playing import stage

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
    simulation, wanted = stage(case)
    plan = simulation.plan(wanted)
    answers = {"plan": plan_text(plan), "actions": "\n".join(action_lines(plan))}
    failed = simulation.carry_out(plan)
    left = plan_text(simulation.plan(wanted))
    if failed:
        left = "\n".join((*(f"failed: {one}" for one in failed), left))
    answers["next"] = "" if left == NOTHING else left
    return answers


def test_every_rule_has_a_case() -> None:
    """Missing cases fail as well as rules that nothing ever reaches."""
    met: set[str] = set()
    for path in CASES:
        simulation, wanted = stage(yaml.safe_load(path.read_text()))
        records, _given = allocate(wanted.contracts, simulation.records)
        desired = expand(wanted.contracts, records, wanted.digests, wanted.volumes)
        desired = replace(desired, unwanted=simulation.unwanted)
        simulation.desired = desired
        seen = survey(desired, simulation.world(), records, simulation.clock.now_ms())
        for name, service in desired.services.items():
            for slot in slots_of(service, seen.of(name), seen, _strangers(service)):
                met |= _met(slot)
    rules = {rule.why for rule in RULES} | {one.why for one in HINDRANCES}
    assert met == rules


def _strangers(service: DesiredService) -> Peers:
    """Whatever a service joins is about to be another box."""
    return {peer: (None,) for spec in service.slots for _, peer in joined(spec.profile)}


def _met(slot: Slot) -> set[str]:
    rule = next(rule for rule in RULES if rule.applies(slot))
    move = rule.move(slot)
    if not isinstance(move, Provision | Replace):
        return {rule.why}
    return {rule.why} | {one.why for one in HINDRANCES if one.wait(slot, move)}


def _rewrite(path: Path, answers: Mapping[str, str]) -> None:
    kept = path.read_text()
    for word in ANSWERS:
        kept = kept.partition(f"\n{word}: |")[0].rstrip("\n") + "\n"
    for word in ANSWERS:
        if answers[word]:
            indented = answers[word].replace("\n", "\n  ").replace("\n  \n", "\n\n")
            kept += f"{word}: |2\n  {indented}\n"
    path.write_text(kept)
