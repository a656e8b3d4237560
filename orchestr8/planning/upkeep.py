"""What changes in place between boxes that stay, and for nobody in particular."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orchestr8 import units
from orchestr8.boxes.network import Door, Element, Out, Pass, Route
from orchestr8.boxes.spec import FieldChange
from orchestr8.isolation.limits import Quota
from orchestr8.names import ServiceName
from orchestr8.planning.changes import NONE, quota_changes, quotas_that_wait, volume_grows
from orchestr8.planning.core_moves import shared_line
from orchestr8.planning.draft import Draft
from orchestr8.planning.plan import (
    EnsureOwner,
    EnsureVolume,
    ForgetBox,
    Mark,
    PrepareNetwork,
    Upkeep,
)
from orchestr8.planning.wording import volume_written

IN_PLACE = "in place, no restart"


def link_changes(draft: Draft) -> dict[ServiceName, tuple[FieldChange, ...]]:
    """Links, ports and egress that come or go for boxes that stay; what comes and goes with boxes
    needs no line of its own."""
    wiring = draft.wiring
    if not draft.world.network.prepared or not (wiring.add or wiring.remove):
        return {}
    whose, stays = _whose(draft)
    found: dict[ServiceName, dict[FieldChange, None]] = {}

    def tell(name: ServiceName, field: str, before: str, after: str) -> None:
        if before != after:
            found.setdefault(name, {})[FieldChange(field, before, after)] = None

    for element in wiring.remove:
        for name, field, value in told(element, stays):
            tell(name, field, value, NONE)
    doors = doors_of(draft.world.network.elements)
    for element in wiring.add:
        end = (element.address, element.host_port) if isinstance(element, Door) else None
        earlier = doors.get(end) if end else None
        before = {name: value for name, _, value in told(earlier, whose)} if earlier else {}
        for name, field, value in told(element, stays):
            tell(name, field, before.pop(name, NONE), value)
        for name in before.keys() & set(stays.values()):
            tell(name, "publish", before[name], NONE)
    return {name: tuple(changes) for name, changes in found.items()}


def _whose(draft: Draft) -> tuple[dict[str, ServiceName], dict[str, ServiceName]]:
    """Whose box is at which address before the plan, and of these whose is there after it too."""
    fresh = {record.address for record in draft.places.fresh.values()}
    whose: dict[str, ServiceName] = {}
    stays: dict[str, ServiceName] = {}
    for name, presence in sorted(draft.wiring.presences.items()):
        there = [address for address in presence.during if address not in fresh]
        whose |= dict.fromkeys(there, name)
        stays |= {address: name for address in there if address not in presence.going}
    return whose, stays


def doors_of(elements: Iterable[Element]) -> dict[tuple[str, int], Door]:
    """The published ports among them, by address and port of the host."""
    return {(one.address, one.host_port): one for one in elements if isinstance(one, Door)}


def told(
    element: Element, stays: Mapping[str, ServiceName]
) -> Iterator[tuple[ServiceName, str, str]]:
    """Whose line an element is, and what it says there; none for what follows from other lines."""
    match element:
        case Pass():
            source, destination = stays.get(element.source), stays.get(element.destination)
            if source and destination:
                yield source, "connects", f"{destination}:{element.port}"
        case Out():
            source = stays.get(element.source)
            if source:
                yield source, "net.egress", f"{element.range}:{element.port}"
        case Door():
            for owner in sorted({stays[one] for one in element.backends if one in stays}):
                text = f"{element.address}:{element.host_port} to {element.port}"
                yield owner, "publish", text
        case Route():
            pass


def upkeep(draft: Draft, *, is_explained: bool) -> tuple[Upkeep, ...]:
    """The lines of owners' cgroups, of what is left of boxes, and of the packet filter.

    `is_explained` says whether any service has a line; a plan that does something always says what.
    """
    calls = [action.call for action in draft.actions if isinstance(action.call, EnsureOwner)]
    found = [line for call in calls if (line := _quota_line(draft, call))]
    found += _quotas_that_wait(draft)
    found += _volume_lines(draft)
    found += (line,) if (line := shared_line(draft)) else ()
    if not is_explained and not found:
        found = _leftovers(draft)
    network = _network_line(draft, is_explained=is_explained or bool(found))
    return (*found, *((network,) if network else ()))


def _quota_line(draft: Draft, call: EnsureOwner) -> Upkeep | None:
    """A quota that changes; the first cgroup of an owner goes without saying."""
    seen: Quota | None = draft.world.quotas.get(call.owner)
    if seen is None:
        return None
    changes = quota_changes(call.quota, seen)
    return Upkeep(f"owner {call.owner}", changes=changes, effect=IN_PLACE)


def _quotas_that_wait(draft: Draft) -> list[Upkeep]:
    """An owner's boxes hold more memory than its new quota, all the rest of which is set."""
    found = []
    for owner, held in quotas_that_wait(draft.desired, draft.world).items():
        most = units.format_size(draft.desired.quotas[owner].memory_bytes or 0)
        cause = f"quota.memory {most}: its boxes hold {units.rounded_size(held)}"
        effect = f"when they hold less, or a box of {owner} is stopped"
        found.append(Upkeep(f"owner {owner}", cause, effect=effect, mark=Mark.WAITS))
    return found


def _leftovers(draft: Draft) -> list[Upkeep]:
    """What nobody but a plan that does nothing else needs to hear of."""
    count = sum(isinstance(action.call, ForgetBox) for action in draft.actions)
    if not count:
        return []
    boxes = "a box that is" if count == 1 else f"{count} boxes that are"
    cause = f"what was prepared for {boxes} not there"
    return [Upkeep("left over", cause, effect="cleared away", mark=Mark.RELEASE)]


def _volume_lines(draft: Draft) -> list[Upkeep]:
    """Volumes that grow or are mounted again; a fresh one is told with its service."""
    seen = {volume.name: volume for volume in draft.world.volumes}
    found = []
    for action in draft.actions:
        if isinstance(action.call, EnsureVolume) and action.call.volume.name in seen:
            wanted = action.call.volume
            grows = volume_grows(wanted, seen[wanted.name])
            subject = f"volume {volume_written(wanted)}"
            found.append(
                Upkeep(subject, changes=(grows,), effect=IN_PLACE)
                if grows
                else Upkeep(subject, action.cause, effect="mounted again")
            )
    return found


def _network_line(draft: Draft, *, is_explained: bool) -> Upkeep | None:
    prepares = any(isinstance(action.call, PrepareNetwork) for action in draft.actions)
    if prepares and _whose(draft)[1]:
        missing = "the packet filter was missing; every link is set again"
        return Upkeep("network", draft.world.network.lacks or missing, effect=IN_PLACE)
    if draft.actions and not is_explained:
        strays = len(draft.wiring.remove)
        cause = f"{strays} entries that nothing declares" if strays else "routes are set right"
        return Upkeep("network", cause, effect=IN_PLACE)
    return None
