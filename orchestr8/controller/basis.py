"""What a plan rests on: revisions, boxes, images and steps of what it touches.

Two of these are compared when a plan that was written down is applied: what the plan touches must
be as it was, and must lead to the same steps; what it does not touch may have moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from orchestr8.boxes.spec import to_json
from orchestr8.boxes.world import ObservedBox
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.request import Loaded
from orchestr8.controller.session import Session
from orchestr8.errors import Place, Problem, RefusedError
from orchestr8.names import ServiceName
from orchestr8.planning.plan import Mark, Step
from orchestr8.store.documents import DEFAULT_SET

Facts = Mapping[str, str]
_STATE = "state"
_NOT_THERE = "not there"


class Basis(Struct, frozen=True):
    """What a plan rests on, by the names that people use.

    `set_revision` is the named set's own, `revisions` those of its services and of all that have
    a step; `boxes` leads from a service with a step to its boxes and what each of them is,
    `images` from a reference to the image that it means, and `steps` to each service's steps.
    `wanted` has keyed hashes of what services with a step shall be, contents of files and secrets
    included, which no step shows.
    """

    set_revision: str
    revisions: Mapping[str, str]
    boxes: Mapping[str, Mapping[str, Facts]]
    images: Mapping[str, str]
    steps: Mapping[str, tuple[str, ...]]
    wanted: Mapping[str, str]
    written_in: str = ""
    """The file that the plan was read from; for messages."""

    @classmethod
    def of(cls, session: Session, loaded: Loaded, cycle: Cycle) -> Basis:
        """What the plan of this cycle rests on."""
        steps: dict[ServiceName, list[Step]] = {}
        for step in cycle.plan.steps:
            steps.setdefault(step.service, []).append(step)
        named = {service.name for service in loaded.part.services} | steps.keys()
        services = cycle.contracts.services
        facts = cycle.resolved.facts
        known = sorted(named & services.keys() & facts.keys())
        return cls(
            set_revision=_revision_of_set(session, loaded.request.set_name),
            revisions={str(name): _revision(session, name) for name in sorted(named)},
            boxes={str(name): _boxes(session, name, cycle) for name in sorted(steps)},
            images={services[name].service.image: facts[name].id for name in known},
            steps={str(name): tuple(map(_said, steps[name])) for name in sorted(steps)},
            wanted={str(name): _wanted(session, name, cycle) for name in sorted(steps)},
        )

    def document(self) -> dict[str, Any]:
        """The basis as plain values."""
        document = asdict(self)
        del document["written_in"]
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any], written_in: str) -> Basis:
        """The basis that was written down."""
        steps = {name: tuple(steps) for name, steps in document["steps"].items()}
        return cls(**{**document, "steps": steps, "written_in": written_in})


def require_unmoved(planned: Basis, session: Session, loaded: Loaded, cycle: Cycle) -> None:
    """Raises RefusedError with everything that a plan touches and that has moved since."""
    moved = tuple(dict.fromkeys(_moved(planned, session, loaded, cycle)))
    if moved:
        *most, last = (Problem(Place(planned.written_in), what) for what in moved)
        remedy = "what the plan touches has moved since it was made: plan anew"
        raise RefusedError((*most, replace(last, remedy=remedy)))


def _moved(planned: Basis, session: Session, loaded: Loaded, cycle: Cycle) -> Iterator[str]:
    here = Basis.of(session, loaded, cycle)
    if planned.set_revision != here.set_revision:
        yield (
            f"the set {loaded.request.set_name}: {_was(planned.set_revision, here.set_revision)}"
        )
    for name, before in planned.revisions.items():
        after = _revision(session, ServiceName.parse(name))
        if before != after:
            yield f"{name}: {_was(before, after)}"
    for name, boxes in planned.boxes.items():
        seen = _boxes(session, ServiceName.parse(name), cycle)
        for box in sorted(boxes.keys() | seen.keys()):
            yield from _moved_box(name, box, boxes.get(box, {}), seen.get(box, {}))
    for reference, image in planned.images.items():
        after = here.images.get(reference, image)
        if image != after:
            yield f"image {reference}: it means {after[7:19]} now, and meant {image[7:19]}"
    for name, steps in planned.steps.items():
        if here.steps.get(name, ()) != steps:
            now = "; ".join(here.steps.get(name, ())) or "nothing"
            yield f"{name}: an apply would do another thing now: {now}"
        elif planned.wanted.get(name, here.wanted[name]) != here.wanted[name]:
            yield f"{name}: the content of one of its files or secrets is another now"
    yield from _added(planned, loaded, cycle)


def _added(planned: Basis, loaded: Loaded, cycle: Cycle) -> Iterator[str]:
    """Steps that nobody was shown. What died meanwhile may be healed; no more than that."""
    own = {service.name for service in loaded.part.services}
    for step in cycle.plan.steps:
        heals = not step.changes and step.mark in (Mark.PROVISION, Mark.REPLACE, Mark.WAITS)
        if step.service in own and str(step.service) not in planned.steps and not heals:
            yield f"{step.service}: not in the plan: {_said(step)}"


def _moved_box(name: str, box: str, before: Facts, after: Facts) -> Iterator[str]:
    if before.get(_STATE, _NOT_THERE) != after.get(_STATE, _NOT_THERE):
        yield (
            f"{name}: its box {box} is {after.get(_STATE, _NOT_THERE)}, and was "
            f"{before.get(_STATE, _NOT_THERE)}"
        )
    elif before != after:
        other = sorted(key for key, value in before.items() if after.get(key) != value)
        yield f"{name}: of its box {box}, {' and '.join(other)} changed"


def _was(before: str, after: str) -> str:
    return f"{after or 'applied nowhere'} is in force, and was {before or 'applied nowhere'}"


def _revision_of_set(session: Session, set_name: str) -> str:
    """The default set only gains, so it has no revision that is its own as a whole."""
    if set_name == DEFAULT_SET:
        return ""
    numbers = [one.number for one in session.stored.live if one.set_name == set_name]
    return f"revision {max(numbers)}" if numbers else ""


def _revision(session: Session, name: ServiceName) -> str:
    found = session.stored.revisions.get(name)
    return f"revision {found[1]} of set {found[0]}" if found else ""


def _wanted(session: Session, name: ServiceName, cycle: Cycle) -> str:
    service = cycle.desired.services.get(name)
    specs = [to_json(spec) for spec in service.slots] if service else []
    return session.store.documents.digest("\n".join(specs).encode())


def _boxes(session: Session, name: ServiceName, cycle: Cycle) -> dict[str, Facts]:
    digest = session.store.documents.digest
    found = (box for box in cycle.world.boxes if box.id.service_name == name)
    return {str(box.id): _facts(box, digest) for box in sorted(found, key=lambda box: box.id)}


def _facts(box: ObservedBox, digest: Any) -> Facts:
    spec = to_json(box.spec) if box.spec else ""
    return {
        _STATE: box.state.value,
        "slot": str(box.slot),
        "limits": str(box.limits),
        "spec": digest(f"{box.service_key} {spec}".encode()),
    }


def _said(step: Step) -> str:
    """A step without what depends on the hour."""
    if step.mark is Mark.WAITS:
        return f"{step.mark.value} waits: {step.reason.value if step.reason else step.what}"
    changes = ", ".join(map(str, step.changes))
    why = " ".join(filter(None, (step.cause, changes)))
    return f"{step.mark.value} {step.what} {step.count}" + (f": {why}" if why else "")
