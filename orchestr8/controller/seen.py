"""What somebody gets to see of what was planned and done: all of it, or what is theirs."""

from __future__ import annotations

from msgspec.structs import replace

from orchestr8.controller.applied import Applied
from orchestr8.controller.authority import Authority
from orchestr8.controller.cycle import Cycle
from orchestr8.planning.plan import Action, Plan


def seen_of(authority: Authority, applied: Applied) -> Applied:
    """What came of it, as far as it is theirs; what ails others is none of their failures."""
    if authority.platform:
        return applied
    may = authority.may
    return replace(
        applied,
        started=tuple(one for one in applied.started if may(one.service_name.owner)),
        failures=tuple(one for one in applied.failures if may(one.service.owner)),
        rolled_back={name: to for name, to in applied.rolled_back.items() if may(name.owner)},
        waiting=tuple(one for one in applied.waiting if may(one.service.owner)),
        proofs=tuple(one for one in applied.proofs if may(one.id.service_name.owner)),
    )


def seen_cycle(authority: Authority, cycle: Cycle) -> Cycle:
    """A walk with what is theirs in its plan, its contracts and its records."""
    if authority.platform:
        return cycle
    may = authority.may
    contracts = {name: one for name, one in cycle.contracts.services.items() if may(name.owner)}
    tied = tuple(name for name in cycle.contracts.tied if may(name.owner))
    images = {one.service.image for one in contracts.values()}
    absent = tuple(one for one in cycle.resolved.absent if one in images)
    holds = {name: hold for name, hold in cycle.records.holds.items() if may(name.owner)}
    boxes = tuple(box for box in cycle.world.boxes if may(box.id.service_name.owner))
    own = tuple(line for one in contracts.values() for line in one.notes)
    notes = tuple(line for line in cycle.contracts.notes if line in own)
    return replace(
        cycle,
        resolved=replace(cycle.resolved, absent=absent),
        contracts=replace(cycle.contracts, services=contracts, tied=tied, notes=notes),
        records=replace(cycle.records, holds=holds),
        world=replace(cycle.world, boxes=boxes),
        plan=_seen_plan(authority, cycle.plan),
    )


def _seen_plan(authority: Authority, plan: Plan) -> Plan:
    """Steps and actions for their services; what serves several is nobody's alone."""
    may = authority.may
    kept = [
        number
        for number, action in enumerate(plan.actions)
        if action.service is not None and may(action.service.owner)
    ]
    places = {number: place for place, number in enumerate(kept)}
    owned = tuple(f".{owner}" for owner in authority.owners)
    return replace(
        plan,
        steps=tuple(step for step in plan.steps if may(step.service.owner)),
        actions=tuple(_renumbered(plan.actions[number], places) for number in kept),
        unknown=(),
        upkeep=tuple(line for line in plan.upkeep if line.subject.endswith(owned)),
        adopted=tuple(one for one in plan.adopted if may(one.service_name.owner)),
        dealt={slot: cores for slot, cores in plan.dealt.items() if may(slot[0].owner)},
    )


def _renumbered(action: Action, places: dict[int, int]) -> Action:
    return replace(action, needs=tuple(places[one] for one in action.needs if one in places))
