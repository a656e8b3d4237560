"""Planners that break one law each, so that a law that cannot fail is found out."""

from __future__ import annotations

from msgspec.structs import replace

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.network import Pass
from orchestr8.boxes.records import Records
from orchestr8.boxes.world import State, World
from orchestr8.manifest.model import Update
from orchestr8.planning.plan import (
    Action,
    ChangeNetwork,
    CreateBox,
    Plan,
    Purpose,
    RemoveBox,
    StartBox,
    StopBox,
    UpdateLimits,
)
from orchestr8.planning.reconcile import reconcile
from tests.laws import laws, ways
from tests.laws.laws import Law
from tests.laws.simulation import Planner


def never_content(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Sets limits that are as they should be, over and over."""
    plan = reconcile(desired, world, records, now_ms)
    idle = (
        Action(
            UpdateLimits(box.id, box.limits), Purpose.REBALANCE, "to be sure", box.id.service_name
        )
        for box in world.boxes
        if box.state.runs and box.limits and not plan.actions
    )
    return replace(plan, actions=(*plan.actions, *idle))


def hoards(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Never takes a box away."""
    return _without(reconcile(desired, world, records, now_ms), StopBox, RemoveBox)


def blind_to_half_made(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Does not see boxes that were created and not started, nor remembers them."""
    seen = tuple(box for box in world.boxes if box.state is not State.CREATED)
    hidden = {box.id for box in world.boxes} - {box.id for box in seen}
    known = {box_id: one for box_id, one in records.boxes.items() if box_id not in hidden}
    return reconcile(desired, replace(world, boxes=seen), replace(records, boxes=known), now_ms)


def careless_with_volumes(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Starts the new box first, whatever volume it has."""
    services = {
        name: replace(service, stop_first_why="", update=Update())
        for name, service in desired.services.items()
    }
    return reconcile(replace(desired, services=services), world, records, now_ms)


def impatient(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Ends old boxes without waiting for anything."""
    plan = reconcile(desired, world, records, now_ms)
    actions = (
        replace(action, needs=()) if isinstance(action.call, StopBox) else action
        for action in plan.actions
    )
    return replace(plan, actions=tuple(actions))


def opens_late(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Opens no way before the boxes are there."""
    plan = reconcile(desired, world, records, now_ms)
    return replace(plan, actions=tuple(map(_without_ways, plan.actions)))


def _without_ways(action: Action) -> Action:
    if not isinstance(action.call, ChangeNetwork):
        return action
    add = tuple(one for one in action.call.add if not isinstance(one, Pass))
    return replace(action, call=replace(action.call, add=add))


def leaves_every_way_to_others(
    desired: Desired, world: World, records: Records, now_ms: int
) -> Plan:
    """Opens nothing while another plan is carried out."""
    plan = reconcile(desired, world, records, now_ms)
    actions = map(_without_ways, plan.actions) if desired.busy else plan.actions
    return replace(plan, actions=tuple(actions))


def closes_early(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Closes what boxes leave behind before they went."""
    plan = reconcile(desired, world, records, now_ms)
    actions = (
        replace(action, needs=())
        if isinstance(action.call, ChangeNetwork) and not action.call.add
        else action
        for action in plan.actions
    )
    return replace(plan, actions=tuple(actions))


def cuts_off_who_is_held(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Of a service that is left alone sees one box in a slot."""
    slots = {(box.id.service_name, box.slot): box for box in world.boxes}
    seen = tuple(
        box
        for box in world.boxes
        if box.id.service_name not in records.holds
        or slots[box.id.service_name, box.slot] is not box
    )
    return reconcile(desired, replace(world, boxes=seen), records, now_ms)


def as_it_comes(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Depends on the order in which it is shown boxes."""
    plan = reconcile(desired, world, records, now_ms)
    return replace(plan, unknown=tuple(box.id for box in world.boxes))


def meddles(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Whenever anything is done, ends a box of the second owner as well."""
    plan = reconcile(desired, world, records, now_ms)
    victims = [box.id for box in world.boxes if box.id.owner == "two" and box.state.runs]
    if not plan.actions or not victims:
        return plan
    call = StopBox(victims[0], "", 0)
    meddling = Action(call, Purpose.RELEASE, "for room", victims[0].service_name)
    return replace(plan, actions=(*plan.actions, meddling))


def silent(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Acts without a word."""
    return replace(reconcile(desired, world, records, now_ms), steps=(), upkeep=())


def keeps_none_ready(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Takes standbys, and makes none."""
    nobody = {name: replace(service, standby=0) for name, service in desired.services.items()}
    return reconcile(replace(desired, services=nobody), world, records, now_ms)


def forgets_the_slot(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Starts a standby, and gives it no slot."""
    plan = reconcile(desired, world, records, now_ms)
    actions = (
        replace(action, call=StartBox(action.call.id))
        if isinstance(action.call, StartBox)
        else action
        for action in plan.actions
    )
    return replace(plan, actions=tuple(actions))


def impolite(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Asks every box to end in the same way."""
    plan = reconcile(desired, world, records, now_ms)
    actions = (
        replace(action, call=StopBox(action.call.id, "", 10_000))
        if isinstance(action.call, StopBox)
        else action
        for action in plan.actions
    )
    return replace(plan, actions=tuple(actions))


def forgets_promises(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Asks boxes to end as is declared now, whatever they were made as."""
    kept = {one: replace(record, stop=None) for one, record in records.boxes.items()}
    boxes = tuple(replace(box, stop=None) for box in world.boxes)
    return reconcile(desired, replace(world, boxes=boxes), replace(records, boxes=kept), now_ms)


def one_address(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Gives every box the same address."""
    plan = reconcile(desired, world, records, now_ms)
    actions = (
        replace(action, call=CreateBox(replace(action.call.box, address="10.231.0.9")))
        if isinstance(action.call, CreateBox) and action.call.box.address
        else action
        for action in plan.actions
    )
    return replace(plan, actions=tuple(actions))


def forgets_serials(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Counts from one again in every plan."""
    services = {name: replace(one, serial_last=0) for name, one in records.services.items()}
    return reconcile(desired, replace(world, boxes=()), replace(records, services=services), now_ms)


def _without(plan: Plan, *kinds: type) -> Plan:
    """A plan less some calls, the rest renumbered."""
    kept = [n for n, action in enumerate(plan.actions) if not isinstance(action.call, kinds)]
    number = {old: new for new, old in enumerate(kept)}
    actions = (
        replace(
            plan.actions[old],
            needs=tuple(number[need] for need in plan.actions[old].needs if need in number),
        )
        for old in kept
    )
    return replace(plan, actions=tuple(actions))


BROKEN: tuple[tuple[Law, Planner], ...] = (
    (laws.converges, never_content),
    (laws.converges, hoards),
    (laws.converges, keeps_none_ready),
    (laws.converges, forgets_the_slot),
    (laws.survives_interruption, blind_to_half_made),
    (laws.keeps_slots, careless_with_volumes),
    (ways.keeps_traffic, impatient),
    (ways.keeps_traffic, cuts_off_who_is_held),
    (ways.keeps_links, opens_late),
    (ways.keeps_links_of_who_goes, closes_early),
    (ways.keeps_links_beside_another_plan, leaves_every_way_to_others),
    (laws.is_deterministic, as_it_comes),
    (laws.stays_with_its_owner, meddles),
    (laws.explains_itself, silent),
    (laws.ends_as_promised, impolite),
    (laws.ends_as_promised, forgets_promises),
    (laws.gives_nothing_twice, one_address),
    (laws.gives_nothing_twice, forgets_serials),
)
"""Which law each planner breaks; every law has one."""
