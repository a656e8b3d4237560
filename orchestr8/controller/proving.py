"""Proof of running boxes: the expectation from what each carries, the reading from the kernel."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from orchestr8.boxes.network import Door, Element, Out, Pass, Route
from orchestr8.boxes.world import ObservedBox
from orchestr8.controller.clock import working
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.session import Session
from orchestr8.errors import EngineError
from orchestr8.isolation.limits import Quota
from orchestr8.isolation.strict import VERSIONS
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.adopted import held_without_manifest, standing
from orchestr8.planning.links import standing_elements
from orchestr8.proof.model import Expectation, Proof, Reading
from orchestr8.proof.prove import prove_all

Kept = dict[BoxId, tuple[int, Reading]]
"""What boxes showed when they were read last, with the first task's pid."""


def prove_boxes(
    session: Session, boxes: Sequence[ObservedBox], cycle: Cycle, kept: Kept | None = None
) -> tuple[Proof, ...]:
    """The proofs of these boxes, each held against every other box that runs.

    A box that cannot be read is unproven in every claim. With `kept`, others are not read again,
    and what is read is put there.
    """
    asked = {box.id for box in boxes}
    running = [box for box in cycle.world.boxes if box.state.runs and box.spec and box.pid]
    if not asked & {box.id for box in running}:
        return ()
    readings = _readings(session, running, asked, {} if kept is None else kept)
    network = session.borders.network.observe()
    wanted = standing_elements(cycle.desired, cycle.world)
    held = held_without_manifest(cycle.desired, cycle.world.boxes, cycle.records.holds.keys())
    wanted |= standing(set(cycle.plan.adopted), held, cycle.world)
    pairs = [
        (_expectation(box, cycle, wanted), replace(reading, network=network))
        for box, reading in zip(running, readings, strict=True)
    ]
    return tuple(proof for proof in prove_all(pairs) if proof.id in asked)


def named(boxes: Sequence[ObservedBox], names: Sequence[ServiceName]) -> tuple[ObservedBox, ...]:
    """The boxes of these services, or all of them."""
    return tuple(box for box in boxes if not names or box.id.service_name in names)


def _expectation(box: ObservedBox, cycle: Cycle, wanted: frozenset[Element]) -> Expectation:
    """What must be true of a box: its carried spec, and the limits and links set last."""
    assert box.spec is not None
    desired = cycle.desired.services.get(box.id.service_name)
    usual = VERSIONS[box.spec.profile.strict].limits
    paths = {volume.name: volume.path for volume in cycle.world.volumes}
    sizes = {volume.name: volume.size_bytes for volume in cycle.desired.volumes}
    return Expectation(
        id=box.id,
        slot=box.slot,
        spec=box.spec,
        limits=desired.limits if desired else box.limits or usual,
        quota=cycle.desired.quotas.get(box.id.owner, Quota()),
        address=box.address,
        volumes={mount.target: paths.get(mount.volume, "") for mount in box.spec.volumes},
        features=cycle.world.features,
        volume_sizes={
            mount.target: size for mount in box.spec.volumes if (size := sizes.get(mount.volume))
        },
        joins=box.joins,
        elements=frozenset(one for one in wanted if _concerns(one, box.address)),
    )


def _concerns(element: Element, address: str) -> bool:
    """Whether a box's address stands in an element of the table."""
    match element:
        case Pass(source, destination):
            return address in (source, destination)
        case Out(source):
            return address == source
        case Route() | Door():
            return address in element.backends


def _readings(
    session: Session, running: Sequence[ObservedBox], asked: set[BoxId], kept: Kept
) -> list[Reading]:
    """A reading of each box: afresh of those that are asked for, and of those never read."""
    due = [box for box in running if box.id in asked or kept.get(box.id, (0,))[0] != box.pid]
    fresh = dict(zip((box.id for box in due), _read_all(session, due), strict=True))
    readings = [fresh.get(box.id) or kept[box.id][1] for box in running]
    for box in due:
        kept[box.id] = box.pid or 0, _without_filters(fresh[box.id])
    return readings


def _without_filters(reading: Reading) -> Reading:
    """What others are held against, without the programs that make up most of it."""
    return replace(reading, tasks=tuple(replace(one, filters=None) for one in reading.tasks))


def _read_all(session: Session, boxes: Sequence[ObservedBox]) -> list[Reading]:
    def read(box: ObservedBox) -> Reading:
        try:
            return session.borders.witness.read(box.id, box.pid or 0)
        except EngineError as error:
            return Reading("", (), {}, failures={"box": error.what})

    with working(session.clock) as workers:
        return list(workers.map(read, boxes))
