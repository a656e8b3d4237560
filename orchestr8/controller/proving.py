"""Proof of running boxes: the expectation from what each carries, the reading from the kernel."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from orchestr8.boxes.network import Door, Element, Out, Pass, Route
from orchestr8.boxes.world import ObservedBox
from orchestr8.contract.model import Gap
from orchestr8.controller.clock import no, working
from orchestr8.controller.cycle import Cycle, walk
from orchestr8.controller.request import aim_in_force
from orchestr8.controller.session import Session
from orchestr8.errors import EngineError
from orchestr8.isolation.limits import Quota
from orchestr8.isolation.strict import VERSIONS
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.adopted import held_without_manifest, standing
from orchestr8.planning.busy import coming
from orchestr8.planning.links import standing_elements
from orchestr8.proof.across import as_neighbour
from orchestr8.proof.model import Expectation, Proof, Reading
from orchestr8.proof.prove import prove_all

Kept = dict[BoxId, tuple[int, Reading]]
"""What others are held against of boxes that were read, with the first task's pid."""


def prove_boxes(
    session: Session,
    boxes: Sequence[ObservedBox],
    cycle: Cycle,
    kept: Kept | None = None,
    needed: Callable[[], bool] = no,
) -> tuple[Proof, ...]:
    """The proofs of these boxes, each held against every other box that runs.

    A box that cannot be read is unproven in every claim. With `kept`, others are not read again,
    and what is read is put there. Once whoever proves is `needed` elsewhere, no further box is
    read, and what cannot be proved without is left out.
    """
    asked = {box.id for box in boxes}
    running = [box for box in cycle.world.boxes if box.state.runs and box.spec and box.pid]
    if not asked & {box.id for box in running}:
        return ()
    known: Kept = {} if kept is None else kept
    whole = _read_due(session, running, asked, known, needed)
    if not whole or any(_is_due(box, known) for box in running):
        return ()
    network = session.borders.network.observe()
    # Read after the table: whoever opens a way in it has written down before for whom.
    soon = coming(cycle.desired.services, cycle.world, session.store.ledger.records())
    wanted = standing_elements(cycle.desired, cycle.world, soon)
    held = held_without_manifest(cycle.desired, cycle.world.boxes, cycle.records.holds.keys())
    wanted |= standing(set(cycle.plan.adopted), held, cycle.world)
    expected = _Expected(cycle, wanted)
    pairs = [
        (expected.of(box), replace(whole.get(box.id) or known[box.id][1], network=network))
        for box in running
    ]
    return prove_all(pairs, whole)


def prove_services(
    session: Session, names: Sequence[ServiceName]
) -> tuple[tuple[Proof, ...], tuple[Gap, ...]]:
    """The proofs of every running box of these services, or of all; and the gaps beside them."""
    cycle = walk(session, aim_in_force(session))
    boxes = [
        box
        for box in named(cycle.world.boxes, names)
        if box.state.runs and session.may(box.id.owner)
    ]
    return prove_boxes(session, boxes, cycle), cycle.contracts.gaps


def named(boxes: Sequence[ObservedBox], names: Sequence[ServiceName]) -> tuple[ObservedBox, ...]:
    """The boxes of these services, or all of them."""
    return tuple(box for box in boxes if not names or box.id.service_name in names)


class _Expected:
    """What must be true of each box: its carried spec, and the limits and links set last."""

    def __init__(self, cycle: Cycle, wanted: Iterable[Element]) -> None:
        self._cycle = cycle
        self._paths = {volume.name: volume.path for volume in cycle.world.volumes}
        self._sizes = {volume.name: volume.size_bytes for volume in cycle.desired.volumes}
        self._elements: dict[str, set[Element]] = {}
        for element in wanted:
            for address in _addresses(element):
                self._elements.setdefault(address, set()).add(element)

    def of(self, box: ObservedBox) -> Expectation:
        """What must be true of a box whose declaration can be read."""
        assert box.spec is not None
        cycle, sizes = self._cycle, self._sizes
        desired = cycle.desired.services.get(box.id.service_name)
        usual = VERSIONS[box.spec.profile.strict].limits
        mounts = box.spec.volumes
        return Expectation(
            id=box.id,
            slot=box.slot,
            spec=box.spec,
            limits=desired.limits if desired else box.limits or usual,
            quota=cycle.desired.quotas.get(box.id.owner, Quota()),
            address=box.address,
            volumes={mount.target: self._paths.get(mount.volume, "") for mount in mounts},
            features=cycle.world.features,
            volume_sizes={
                mount.target: size for mount in mounts if (size := sizes.get(mount.volume))
            },
            joins=box.joins,
            elements=frozenset(self._elements.get(box.address, ())),
        )


def _addresses(element: Element) -> tuple[str, ...]:
    """The boxes' addresses that stand in an element of the table."""
    match element:
        case Pass(source, destination):
            return source, destination
        case Out(source):
            return (source,)
        case Route() | Door():
            return element.backends


def _read_due(
    session: Session,
    running: Sequence[ObservedBox],
    asked: set[BoxId],
    kept: Kept,
    needed: Callable[[], bool],
) -> dict[BoxId, Reading]:
    """Whole readings of those that are asked for; of the others what these are held against is
    kept, and read where it never was.

    The first is read however much else there is to do, so that every call comes further: what was
    never read, then what was proved longest ago.
    """
    due = [box for box in running if box.id in asked or _is_due(box, kept)]
    due.sort(key=lambda box: (not _is_due(box, kept), session.proved.get(box.id, -math.inf)))
    whole: dict[BoxId, Reading] = {}

    def read(box: ObservedBox) -> None:
        if box is not due[0] and needed():
            return
        reading = _read(session, box)
        kept[box.id] = box.pid or 0, as_neighbour(reading)
        if box.id in asked:
            whole[box.id] = reading

    if needed is no:
        with working(session.clock) as workers:
            list(workers.map(read, due))
    else:  # nobody waits for it, and threads that wait for each other cost more
        for box in due:
            read(box)
    return whole


def _is_due(box: ObservedBox, kept: Kept) -> bool:
    return kept.get(box.id, (0,))[0] != box.pid


def _read(session: Session, box: ObservedBox) -> Reading:
    try:
        return session.borders.witness.read(box.id, box.pid or 0)
    except EngineError as error:
        return Reading("", (), {}, failures={"box": error.what})
