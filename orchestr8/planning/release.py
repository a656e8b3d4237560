"""How boxes go, and nothing takes their place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from orchestr8.boxes.network import Door, Element, Out, Pass, Route
from orchestr8.boxes.world import ObservedBox, World
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.draft import Draft, Numbers
from orchestr8.planning.moves import Moves
from orchestr8.planning.plan import (
    Action,
    ChangeNetwork,
    ForgetBox,
    Plan,
    Purpose,
    RemoveBox,
    StopBox,
)

NOT_THERE = "it is not there any more, or never came to be"


def write_releases(draft: Draft, name: ServiceName, moves: Moves) -> None:
    """Stops and removes what no slot needs, once no traffic is sent there any more; where the
    network has to be made first, none is, and what goes does not depend on that."""
    turned = draft.opening if draft.world.network.prepared else ()
    for release in moves.releases:
        box = release.box
        stopped = write_stop(draft, box, release.cause, turned)
        write_removal(draft, box, release.cause, stopped)
        draft.slots_cleared.setdefault((name, box.slot), []).extend(stopped)
        for volume in box.spec.volumes if box.spec else ():
            if not volume.read_only:
                draft.volumes_let_go.setdefault(volume.volume, []).extend(stopped)


def write_stop(draft: Draft, box: ObservedBox, cause: str, needs: Iterable[int]) -> Numbers:
    """Stops a box as it was promised; nothing to do where it does not run."""
    if not box.state.runs:
        return ()
    stop = draft.stops.of(box, draft.desired.services.get(box.id.service_name))
    call = StopBox(box.id, stop.signal, stop.grace_ms)
    number = draft.add(call, Purpose.RELEASE, cause, box.id.service_name, needs)
    draft.ends.append(number)
    draft.stopped[box.id] = number
    return (number,)


def write_removal(draft: Draft, box: ObservedBox, cause: str, needs: Iterable[int]) -> int:
    """Removes a box that does not run."""
    return draft.add(RemoveBox(box.id), Purpose.RELEASE, cause, box.id.service_name, needs)


def write_forgets(draft: Draft) -> None:
    """Clears up after boxes that are not there.

    The record of a slot that waits for its next box is kept: it says that the slot had one.
    """
    for record in draft.seen.absent:
        name, slot = record.id.service_name, record.slot
        service = draft.desired.services.get(name)
        wanted = service is not None and 0 <= slot < len(service.slots)
        filled = any(box.slot == slot for box in draft.seen.of(name))
        if filled or not wanted or (name, slot) in draft.places.fresh:
            draft.add(ForgetBox(record.id), Purpose.RELEASE, NOT_THERE, name)


def release_boxes(ids: Iterable[BoxId], cause: str) -> Plan:
    """A plan that stops and removes these boxes, for what failed half-way and must not stay."""
    actions: list[Action] = []
    for box_id in sorted(ids):
        name, number = box_id.service_name, len(actions)
        call = StopBox(box_id, "SIGKILL", 0)
        actions.append(Action(call, Purpose.RELEASE, cause, name))
        actions.append(Action(RemoveBox(box_id), Purpose.RELEASE, cause, name, (number,)))
    return Plan(actions=tuple(actions))


def closing(world: World) -> Plan:
    """Closes the ways to and from boxes that are not there: a plan opens them before its boxes
    come, and where it is given up or its time is over some never do."""
    there = {box.address for box in world.boxes if box.state.runs}
    gone = [element for element in world.network.elements if not _ends(element) <= there]
    cause = "its box did not come"
    remove = tuple(sorted(gone, key=repr))
    actions = (Action(ChangeNetwork(remove=remove), Purpose.RELEASE, cause),) if gone else ()
    return Plan(actions=actions)


def _ends(element: Element) -> frozenset[str]:
    """The boxes' addresses between which an element opens a way; none for what only leads on."""
    match element:
        case Pass():
            return frozenset({element.source, element.destination})
        case Out():
            return frozenset({element.source})
        case Route() | Door():
            return frozenset()
        case _:
            assert_never(element)
