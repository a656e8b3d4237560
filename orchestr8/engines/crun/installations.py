"""Whose boxes and volumes lie in one state folder, or did until that was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.boxes.world import Installation
from orchestr8.engines.crun import carried, seen
from orchestr8.engines.crun.carried import Carried
from orchestr8.engines.crun.places import Places
from orchestr8.engines.crun.volumes import CrunVolumes


class CrunInstallations(Struct, frozen=True):
    """Every installation that left a box here."""

    places: Places
    state_folder: str
    own: str
    subnet: str

    def found(self) -> tuple[Installation, ...]:
        """All of them, sorted by id.

        Volumes are this state folder's, as the boxes are: where the store was lost its id is told
        by the boxes alone.
        """
        boxes: Counter[str] = Counter()
        running: Counter[str] = Counter()
        homes: dict[str, set[str]] = {}
        for one in self._boxes():
            boxes[one.installation] += 1
            running[one.installation] += seen.state_of(one, self.places).runs
            homes.setdefault(one.installation, set()).add(one.state_folder)
        volumes = len(CrunVolumes(self.places).volumes())
        holder = self.own
        if boxes and self.own not in boxes:
            holder = max(sorted(boxes), key=boxes.__getitem__)
        names = {*boxes, *([holder] if volumes else [])}
        return tuple(
            Installation(
                name, boxes[name], running[name], volumes if name == holder else 0,
                tuple(sorted(homes.get(name, set()) - {""})),
                self.subnet if name == self.own else "",
            )
            for name in sorted(names)
        )  # fmt: skip

    def _boxes(self) -> Iterator[Carried]:
        """What lies in the state folder, and what other run folders have of boxes that did."""
        there = {box_id: self.places.box(box_id).held() for box_id in self.places.box_ids()}
        yield from (one for one in there.values() if one)
        for copied in map(carried.read, self.places.copies()):
            if copied and copied.state_folder == self.state_folder and not there.get(copied.id):
                yield replace(copied, stray=True)
