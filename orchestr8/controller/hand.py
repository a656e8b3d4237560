"""A person sets fields of a service beside its manifest: live, all of them or none."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.contract.capacity import above_the_usual, over_quota, unsupported
from orchestr8.contract.usual import limits_of, usual_limits
from orchestr8.controller.applied import Applied
from orchestr8.controller.converge import Convergence
from orchestr8.controller.hold import refuse_if_held
from orchestr8.controller.meant import require_service
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.overrides import manifest_value, overridden, told
from orchestr8.controller.progress import Progress
from orchestr8.controller.session import Session
from orchestr8.controller.settings import now_ms
from orchestr8.errors import ManifestError, RefusedError, UsageError
from orchestr8.manifest.check import joined_slots
from orchestr8.manifest.model import Service
from orchestr8.manifest.overrides import Values, value_of
from orchestr8.manifest.rules import service_problems
from orchestr8.manifest.volumes import volume_problems
from orchestr8.names import ServiceName
from orchestr8.store.chain import Entry
from orchestr8.store.interventions import Override


class Wish(Struct, frozen=True):
    """What a person wants of a service: these values, or with none its manifest's own again."""

    service: ServiceName
    values: Values


class HandSet(Struct, frozen=True):
    """What came of it: the values that count now, and whether all was taken back since the engine
    refused a part."""

    applied: Applied
    overrides: tuple[Override, ...]
    taken_back: bool = False


def set_by_hand(session: Session, wish: Wish, progress: Progress, timeout_ms: int) -> HandSet:
    """Sets fields live; raises ManifestError, RefusedError or UsageError with nothing changed."""
    narrator, patience = (
        Narrator(progress, session.clock, session.may),
        session.patience(timeout_ms),
    )
    with session.changing():
        stored, service = session.stored, wish.service
        require_service(session, service)
        set_name, _ = stored.revisions[service]
        if set_name in stored.down:
            raise UsageError(
                f"the set {set_name} is down, and with it {service}",
                f"`orchestr8 apply --set {set_name}` brings it up again",
            )
        refuse_if_held(session, service)
        before = tuple(one for one in stored.overrides if one.service == service)
        after = _after(session, wish, before)
        others = [one for one in stored.overrides if one.service != service]
        _judge(session, service, [*others, *after])
        _write(session, service, before, after)
        applied = Convergence(session, set_name, 0, narrator, patience).run()
        if not any(failure.service == service for failure in applied.failures):
            return HandSet(applied, after)
        _write(session, service, after, before)
        Convergence(session, set_name, 0, narrator, patience).run()
        return HandSet(applied, before, taken_back=True)


def _after(session: Session, wish: Wish, before: Iterable[Override]) -> tuple[Override, ...]:
    """The overrides that a service has then; what equals the manifest's own is none."""
    declared = session.stored.fleet.services()[wish.service]
    kept = {one.path: one for one in before if wish.values}
    for path, value in wish.values.items():
        kept.pop(path, None)
        if value != value_of(declared, path):
            kept[path] = Override(
                wish.service, path, str(value), manifest_value(declared, path),
                session.settings.actor, now_ms(),
            )  # fmt: skip
    return tuple(kept[path] for path in sorted(kept))


def _judge(session: Session, name: ServiceName, overrides: Iterable[Override]) -> None:
    """The same problems and refusals as if the manifest said so."""
    fleet = overridden(session.stored.fleet, overrides)
    services = fleet.services()
    service = services[name]
    problems = [
        *service_problems(service),
        *volume_problems([service], fleet.volumes().values(), fleet),
        *joined_slots([service], fleet),
        *above_the_usual(service, usual_limits(service, session.strict)),
        *unsupported(service, session.borders.boxes.features()),
    ]
    if problems:
        raise ManifestError(tuple(problems))
    quota = next((o.quota for o in fleet.platform.owners if o.name == name.owner), None)
    if quota:
        whole = (replace(one, limits=limits_of(one, session.strict)) for one in services.values())
        own = [one for one in whole if one.name.owner == name.owner]
        refusals = tuple(over_quota(name.owner, _first(own, service), quota))
        if refusals:
            raise RefusedError(refusals)


def _first(own: list[Service], service: Service) -> list[Service]:
    """The service first: what is too much together is said where it was changed."""
    return sorted(own, key=lambda one: one.name != service.name)


def _write(
    session: Session, service: ServiceName, before: Iterable[Override], after: Iterable[Override]
) -> None:
    """All of it or nothing, the journal included."""
    given = tuple(after)
    what = ", ".join(map(told, given)) or "as its manifest says"
    with session.store.together():
        hands = session.store.interventions
        hands.remove_overrides((service, one.path) for one in before)
        hands.add_overrides(given)
        entry = Entry(now_ms(), session.settings.actor, "set", str(service), what)
        session.store.journal.append([entry])
    session.forget_stored()
