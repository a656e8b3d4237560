"""How boxes that go are asked to end: as they were promised.

A box is promised what its service declares when it is made. A later declaration takes the place of
that where the box stays, at once and without touching it; a box that goes since its declaration
changed ends as the one under which it ran says, for its program knows no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.records import BoxRecord, Records
from orchestr8.boxes.world import ObservedBox
from orchestr8.manifest.model import Stop
from orchestr8.names import STANDBY, BoxId
from orchestr8.planning.changes import spec_changes
from orchestr8.planning.survey import Survey
from orchestr8.planning.traits import UNSAID


class Stops(Struct, frozen=True):
    """What each box was promised: `renewed` are the records of those that are promised something
    else from this plan on."""

    records: Records
    renewed: Mapping[BoxId, BoxRecord]

    def of(self, box: ObservedBox, service: DesiredService | None) -> Stop:
        """How a box is asked to end: as the store knows, else as the box says, else as its service
        declares, if it still does."""
        record = self.renewed.get(box.id) or self.records.boxes.get(box.id)
        promised = record.stop if record else None
        return promised or box.stop or (service.stop if service else UNSAID)


def stops(desired: Desired, seen: Survey, records: Records) -> Stops:
    """What was promised, and what is from now on."""
    otherwise = seen.promised.union(seen.traits.stops) & desired.services.keys()
    renewed = {one.id: one for name in otherwise
               for one in _renewed(desired.services[name], seen, records)}  # fmt: skip
    return Stops(records, renewed)


def _renewed(service: DesiredService, seen: Survey, records: Records) -> Iterator[BoxRecord]:
    """The records of boxes that are as declared now and were promised something else."""
    name = service.name
    if name in seen.busy or name in seen.holds or not service.slots:
        return
    for box in chain(seen.of(name), seen.standbys.get(name, ())):
        record = records.boxes[box.id]
        if record.stop != service.stop and _is_as_declared(box, service, seen):
            yield replace(record, stop=service.stop)


def _is_as_declared(box: ObservedBox, service: DesiredService, seen: Survey) -> bool:
    slot = 0 if box.slot == STANDBY else box.slot
    if box.spec is None or slot >= len(service.slots):
        return False
    return not spec_changes(seen.with_volumes_as_they_are(service.slots[slot]), box.spec)
