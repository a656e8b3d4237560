"""Proof of running boxes: the expectation from what each carries, the reading from the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from orchestr8.boxes.network import Door, Element, Out, Pass, Route
from orchestr8.boxes.world import ObservedBox
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.session import Session
from orchestr8.controller.settings import PARALLEL_CALLS
from orchestr8.errors import EngineError
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.names import ServiceName
from orchestr8.planning.links import standing_elements
from orchestr8.proof.model import Expectation, Proof, Reading
from orchestr8.proof.prove import prove_all


def prove_boxes(session: Session, boxes: Sequence[ObservedBox], cycle: Cycle) -> tuple[Proof, ...]:
    """The proofs of these boxes, each held against every other box that runs.

    A box that cannot be read is unproven in every claim.
    """
    asked = {box.id for box in boxes}
    running = [box for box in cycle.world.boxes if box.state.runs and box.spec and box.pid]
    if not asked & {box.id for box in running}:
        return ()
    readings = _read_all(session, running)
    network = session.borders.network.observe()
    wanted = standing_elements(cycle.desired, cycle.world)
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
    paths = {volume.name: volume.path for volume in cycle.world.volumes}
    return Expectation(
        id=box.id,
        slot=box.slot,
        spec=box.spec,
        limits=desired.limits if desired else box.limits or Limits(),
        quota=cycle.desired.quotas.get(box.id.owner, Quota()),
        address=box.address,
        volumes={mount.target: paths.get(mount.volume, "") for mount in box.spec.volumes},
        features=cycle.world.features,
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


def _read_all(session: Session, boxes: Sequence[ObservedBox]) -> list[Reading]:
    def read(box: ObservedBox) -> Reading:
        try:
            return session.borders.witness.read(box.id, box.pid or 0)
        except EngineError as error:
            return Reading("", (), {}, failures={"box": error.what})

    with ThreadPoolExecutor(PARALLEL_CALLS) as pool:
        return list(pool.map(read, boxes))
