"""Desired and world become a plan. Read from the top: each function is one stage of the decision.

    survey     look through the world once
    compare    each service with its boxes, on its own
    admit      what fits, and whose forerunners are ready, in start order
    stand by   the boxes that wait at their gates; the slots have taken theirs before
    cores      who has which for itself
    deal       serials and addresses for the boxes to come
    wire       what the packet filter shall hold meanwhile and afterwards
    write      the actions, each behind what it stands on
    describe   the lines that people read

A service that is as declared costs one comparison and its entries in the packet filter; nothing
else looks at it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.records import BoxRecord, Records
from orchestr8.boxes.world import World
from orchestr8.names import STANDBY, ServiceName
from orchestr8.planning.admit import admit, room_beside
from orchestr8.planning.allocate import Dealer, extend
from orchestr8.planning.compare import Decisions, compare
from orchestr8.planning.core_moves import write_cores
from orchestr8.planning.cores import deal, say_short, wait_for_cores
from orchestr8.planning.dependencies import wait_for_forerunners
from orchestr8.planning.describe import describe
from orchestr8.planning.draft import Draft, lay_ground
from orchestr8.planning.links import wire
from orchestr8.planning.moves import Moves
from orchestr8.planning.order import start_order
from orchestr8.planning.places import Places
from orchestr8.planning.plan import (
    Allocations,
    ChangeNetwork,
    Plan,
    Purpose,
    UpdateLimits,
    WriteNames,
)
from orchestr8.planning.release import write_forgets, write_releases
from orchestr8.planning.replace import write_boxes
from orchestr8.planning.standby import stand_by, take_standbys
from orchestr8.planning.stops import stops
from orchestr8.planning.survey import Survey, survey


def reconcile(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """What to do so that the world becomes as desired; equal input gives an equal plan.

    `records` hold a record for every desired service. `now_ms` is milliseconds since the epoch.
    """
    seen = survey(desired, world, records, now_ms)
    records = extend(records, Allocations(boxes=seen.misplaced))
    compared = compare(desired, seen, records)
    seen = replace(seen, traits=compared.traits)
    wanted = take_standbys(desired, compared.moves, seen)
    dealer = Dealer(records, world)
    order = start_order(desired.services[name] for name in wanted if name in desired.services)
    moves = _admit(wanted, order, desired, seen, dealer)
    moves = stand_by(desired, moves, seen, dealer)
    cores = deal(desired, moves, seen)
    moves = say_short(wait_for_cores(moves, cores), cores, desired, seen)
    others = moves.keys() - set(order)
    order = (*order, *sorted(name for name in others if name in desired.services))
    places = Places(
        seen,
        compared.steady,
        moves,
        _deal(desired, moves, seen, dealer),
        _deal_standbys(desired, moves, seen, dealer),
    )
    wiring = wire(compared.ways, desired, places.presences(desired), world.network.elements, seen)
    promised = stops(desired, seen, records)
    dealer.renew(promised.renewed.values())
    dealer.renew(seen.misplaced)
    draft = Draft(desired, world, seen, moves, places, wiring, promised, cores)
    _write(draft, order)
    steps, upkeep = describe(draft)
    actions = tuple(draft.actions)
    given, left = dealer.allocations(), draft.left_alone
    return Plan(steps, actions, given, seen.unknown, upkeep, seen.adopted, cores.own, left)


def _admit(
    wanted: Decisions,
    order: tuple[ServiceName, ...],
    desired: Desired,
    seen: Survey,
    dealer: Dealer,
) -> Decisions:
    """The moves that can be made now; the others wait and say why."""
    if not any(moves.fresh for moves in wanted.values()):
        return wanted
    room = room_beside(desired, wanted, seen, dealer.addresses_free)
    moves = {name: one for name, one in wanted.items() if name not in desired.services}
    for name in order:
        service = desired.services[name]
        ready = wait_for_forerunners(service, wanted[name], desired, moves)
        moves[name] = admit(service, ready, room)
    return moves


def _deal(
    desired: Desired, moves: Decisions, seen: Survey, dealer: Dealer
) -> Mapping[tuple[ServiceName, int], BoxRecord]:
    """A serial and an address for every box to come, by service and slot."""
    fresh = {}
    for name, one in sorted(moves.items()):
        serial_seen = seen.serial_last(name)
        for move in one.fresh:
            fresh[name, move.slot] = (
                dealer.take(desired.services[name], move.standby, move.slot)
                if move.standby
                else dealer.box(
                    desired.services[name], move.slot, serial_seen, networked=move.spec.networked
                )
            )
    return fresh


def _deal_standbys(
    desired: Desired, moves: Decisions, seen: Survey, dealer: Dealer
) -> Mapping[ServiceName, tuple[BoxRecord, ...]]:
    """The same for the boxes that come without a slot."""
    return {
        name: tuple(
            dealer.box(
                desired.services[name],
                STANDBY,
                seen.serial_last(name),
                networked=move.spec.networked,
            )
            for move in one.standbys
        )
        for name, one in sorted(moves.items())
        if one.standbys
    }


def _write(draft: Draft, order: tuple[ServiceName, ...]) -> None:
    """The actions: the ground, what goes, what is set in place, what comes, and the clearing up."""
    lay_ground(draft)
    for name in sorted(draft.moves):
        write_releases(draft, name, draft.moves[name])
    write_cores(draft)
    for name in sorted(draft.moves):
        _write_adjusts(draft, name, draft.moves[name])
    for name in order:
        write_boxes(draft, name, draft.moves[name])
    write_forgets(draft)
    unused = draft.wiring.routes_at_last(draft.desired, draft.serving)
    left_behind = (*draft.remove_at_end, *draft.wiring.remove_at_end, *unused)
    if left_behind:
        call = ChangeNetwork(remove=left_behind)
        draft.add(call, Purpose.REBALANCE, "left behind by boxes that went", needs=draft.ends)


def _write_adjusts(draft: Draft, name: ServiceName, moves: Moves) -> None:
    owner = draft.owners.get(name.owner)
    for adjust in moves.adjusts:
        if adjust.limits:
            cause = ", ".join(map(str, adjust.changes))
            call = UpdateLimits(adjust.box.id, adjust.limits)
            needs = () if owner is None else (owner,)
            draft.add(call, Purpose.REBALANCE, cause, name, needs)
        if adjust.names is not None:
            cause = "the names that it may call changed"
            draft.add(WriteNames(adjust.box.id, adjust.names), Purpose.REBALANCE, cause, name)
