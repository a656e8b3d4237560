"""What is wanted and what is, service by service, as people see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from orchestr8.boxes.desired import DesiredService
from orchestr8.boxes.records import Hold
from orchestr8.boxes.use import Ceiling
from orchestr8.boxes.world import Health, ObservedBox, State
from orchestr8.contract.expiry import end_of
from orchestr8.contract.model import Contract, Gap
from orchestr8.controller.cycle import Cycle, walk
from orchestr8.controller.health import how_it_ended
from orchestr8.controller.request import UP, aim_in_force
from orchestr8.controller.seen import seen_cycle
from orchestr8.controller.session import Session
from orchestr8.controller.settings import now_ms
from orchestr8.names import STANDBY, ServiceName
from orchestr8.planning.holds import in_force
from orchestr8.planning.plan import Mark, Reason, Step
from orchestr8.store.interventions import Override


class BoxStatus(Struct, frozen=True):
    """One box as people see it."""

    slot: int
    box: ObservedBox
    health: Health
    state: str
    """A word: running, paused, healthy, starting, unhealthy, done, stopped, created."""
    cause: str = ""
    ceiling: Ceiling | None = None
    """What the loop holds it to for now, where that is less than its maximum."""
    cores: tuple[int, ...] = ()
    """The cores that it is held to, where these are not all; `is_alone` is whether they are its
    own."""
    is_alone: bool = False


class ServiceStatus(Struct, frozen=True):
    """One service: what is wanted, what runs, what waits, and its paperwork.

    `next_end` is the nearest end of a relaxation, `held_back` the revision that it was taken back
    to (0: none).
    """

    name: ServiceName
    set_name: str
    revision: int
    wanted: int
    boxes: tuple[BoxStatus, ...]
    relaxations: int
    next_end: str = ""
    held_back: int = 0
    steps: tuple[Step, ...] = ()
    oncall: str = ""
    last_failure: str = ""
    last_lines: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    hold: Hold | None = None
    waiting_since_ms: int = 0
    """Since when something of it waits, as far as anybody knows; 0 where nothing does."""
    strict: int = 0
    """The version of STRICT that it was placed with."""
    overrides: tuple[Override, ...] = ()
    """The values that were set beside its manifest."""


class AdoptedStatus(Struct, frozen=True):
    """A service that was taken over and is not declared again: its set, and its boxes."""

    name: ServiceName
    set_name: str
    boxes: tuple[ObservedBox, ...]


class LeavingStatus(Struct, frozen=True):
    """A service that no manifest declares any more, and its boxes that are still there: they go
    with the next apply, or the first one after its hold."""

    name: ServiceName
    boxes: tuple[ObservedBox, ...]
    hold: Hold | None = None


class Status(Struct, frozen=True):
    """The whole fleet."""

    services: tuple[ServiceStatus, ...]
    gaps: tuple[Gap, ...]
    unknown: tuple[str, ...]
    engine: str
    adopted: tuple[AdoptedStatus, ...] = ()
    leaving: tuple[LeavingStatus, ...] = ()


def status(session: Session, names: Sequence[ServiceName] = ()) -> Status:
    """What is wanted and what is, service by service."""
    cycle = seen_cycle(session.authority, walk(session, aim_in_force(session)))
    held_back = session.held_back
    oncall = {owner.name: owner.oncall for owner in session.stored.fleet.platform.owners}
    return Status(
        tuple(
            _service(session, cycle, desired, held_back.get(name, 0), oncall.get(name.owner, ""))
            for name, desired in sorted(cycle.desired.services.items())
            if session.may(name.owner) and (not names or name in names)
        ),
        cycle.contracts.gaps,
        tuple(str(box_id) for box_id in cycle.plan.unknown),
        cycle.contracts.features.engine,
        _adopted(cycle),
        tuple(one for one in _leaving(cycle) if not names or one.name in names),
    )


def _adopted(cycle: Cycle) -> tuple[AdoptedStatus, ...]:
    """What runs on without a manifest, by service."""
    ids = set(cycle.plan.adopted)
    found = _by_service(box for box in cycle.world.boxes if box.id in ids)
    return tuple(
        AdoptedStatus(name, cycle.records.adopted[name], boxes) for name, boxes in found.items()
    )


def _leaving(cycle: Cycle) -> tuple[LeavingStatus, ...]:
    """What is still there of services that manifests declared once."""
    kept = {*cycle.plan.adopted, *cycle.plan.unknown}
    found = _by_service(
        box
        for box in cycle.world.boxes
        if box.id.service_name not in cycle.desired.services and box.id not in kept
    )
    holds = in_force(cycle.records.holds, now_ms())
    return tuple(LeavingStatus(name, boxes, holds.get(name)) for name, boxes in found.items())


def _by_service(boxes: Iterable[ObservedBox]) -> dict[ServiceName, tuple[ObservedBox, ...]]:
    found: dict[ServiceName, tuple[ObservedBox, ...]] = {}
    for box in boxes:
        found[box.id.service_name] = (*found.get(box.id.service_name, ()), box)
    return dict(sorted(found.items()))


def _service(
    session: Session, cycle: Cycle, desired: DesiredService, held_back: int, oncall: str
) -> ServiceStatus:
    name = desired.name
    boxes = sorted(
        (box for box in cycle.world.boxes if box.id.service_name == name),
        key=lambda box: (box.slot, box.id.serial),
    )
    contract = cycle.contracts.services[name]
    steps = tuple(step for step in cycle.plan.steps if step.service == name)
    failures = {slot: one for (who, slot), one in cycle.records.failures.items() if who == name}
    worst = max(failures.items(), key=lambda pair: pair[1].last_ms, default=None)
    return ServiceStatus(
        name=name,
        set_name=desired.set_name,
        revision=session.stored.revisions.get(name, ("", 0))[1],
        wanted=len(desired.slots),
        boxes=tuple(_box(box, cycle, desired) for box in boxes),
        relaxations=sum(not grant.implied for grant in contract.grants),
        next_end=_next_end(contract),
        held_back=held_back,
        steps=steps,
        oncall=oncall,
        last_failure=worst[1].cause if worst else "",
        last_lines=session.store.ledger.last_lines(name, worst[0]) if worst else (),
        ended=tuple(grant.id for grant in contract.ended),
        overrides=tuple(one for one in session.stored.overrides if one.service == name),
        waiting_since_ms=_waiting_since_ms(session, cycle, name, steps),
        strict=contract.profile.strict,
        hold=in_force(cycle.records.holds, now_ms()).get(name),
    )


def _waiting_since_ms(
    session: Session, cycle: Cycle, name: ServiceName, steps: Sequence[Step]
) -> int:
    """Since when a service waits: its last failure, the end of its last box, the hold, or else the
    apply that wanted what waits or brought its set up; the latest of those that there are."""
    waiting = [step.reason for step in steps if step.mark is Mark.WAITS]
    if not waiting:
        return 0
    known = [box.stopped_ms for box in cycle.world.boxes if box.id.service_name == name]
    known += [one.last_ms for (who, _), one in cycle.records.failures.items() if who == name]
    hold = cycle.records.holds.get(name)
    known += [hold.at_ms] if hold and Reason.HELD in waiting else []
    if not any(known):
        rests_on = session.stored.revisions.get(name)
        live = session.stored.live
        known += [one.deed.at_ms for one in live if (one.set_name, one.number) == rests_on]
        up = session.store.journal.newest(UP, f"set {rests_on[0]}") if rests_on else None
        known += [up.at_ms] if up else []
    return max(known, default=0)


def _box(box: ObservedBox, cycle: Cycle, desired: DesiredService) -> BoxStatus:
    health = cycle.world.health.get(box.id, Health.UNKNOWN)
    cause = how_it_ended(box) if box.state is State.STOPPED else ""
    ceiling = cycle.desired.ceilings.get(box.id)
    cores = cycle.world.features.not_all(box.cores)
    is_alone = bool(cores) and (desired.name, box.slot) in cycle.plan.dealt
    word = _word(box, health, desired)
    return BoxStatus(box.slot, box, health, word, cause, ceiling, cores, is_alone)


def _word(box: ObservedBox, health: Health, desired: DesiredService) -> str:
    if box.state is State.STOPPED:
        return "done" if desired.run_once and box.exit_status == 0 else "stopped"
    if box.state is State.CREATED:
        return "standby" if box.slot == STANDBY else "created"
    if box.paused:
        return "paused"
    if desired.run_once:
        return "running"
    words = {
        Health.HEALTHY: "healthy" if desired.health else "running",
        Health.UNHEALTHY: "unhealthy",
        Health.SETTLING: "starting",
        Health.UNKNOWN: "starting" if desired.health else "running",
    }
    return words[health]


def _next_end(contract: Contract) -> str:
    ends = [grant.until for grant in contract.grants if grant.until and not grant.ended]
    return min(ends, key=end_of, default="")
