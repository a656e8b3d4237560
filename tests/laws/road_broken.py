"""Engines that break one law of the road each, so that a law that cannot fail is found out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.world import Observation, ObservedBox, State
from orchestr8.contract.model import ImageFacts
from orchestr8.engines.memory.boxes import MemoryBoxes
from orchestr8.engines.memory.engine import memory_borders
from orchestr8.engines.memory.host import MemoryProbes
from orchestr8.engines.memory.machine import Machine
from orchestr8.engines.memory.storage import MemoryImages
from orchestr8.engines.memory.workload import Workload
from orchestr8.engines.protocol import Borders, Contents
from orchestr8.errors import EngineError
from orchestr8.isolation.limits import Limits
from orchestr8.manifest.model import CommandCheck, HttpCheck, TcpCheck
from orchestr8.names import BoxId
from tests.laws import road_laws
from tests.laws.road import BAD, Engine
from tests.laws.road_laws import RoadLaw
from tests.laws.road_stories import RoadStory


class Deaf(MemoryBoxes):
    """Takes changes of limits and makes none."""

    def update(self, box_id: BoxId, limits: Limits) -> None:
        """Nothing."""


class Doubling(MemoryBoxes):
    """A create whose answer is lost is done twice, as by a client that asks again."""

    def create(self, box: Box) -> None:
        """Once, and once more under the next name."""
        try:
            super().create(box)
        except EngineError:
            made = self._machine.boxes.get(box.id)
            if made:
                twin = replace(box, id=box.id._replace(serial=box.id.serial + 1_000))
                self._machine.boxes[twin.id] = replace(made, box=twin)
            raise


class BlindToHalfMade(MemoryBoxes):
    """Neither shows nor removes boxes that were created and never started."""

    def observe(self, ids: Sequence[BoxId] | None = None) -> Observation:
        """What runs or ran."""
        seen = super().observe(ids)
        return replace(seen, boxes=tuple(b for b in seen.boxes if b.state is not State.CREATED))

    def remove(self, box_id: BoxId) -> None:
        """What it does not see counts as removed."""
        found = self._machine.boxes.get(box_id)
        if not found or found.state is not State.CREATED:
            super().remove(box_id)


class Lingering(MemoryBoxes):
    """Says that it has stopped and removed boxes, and lets them run."""

    def observe(self, ids: Sequence[BoxId] | None = None) -> Observation:
        """Those that nobody tried to stop."""
        seen = super().observe(ids)
        ended = {BoxId.parse(subject) for call, subject in self._machine.faults.calls
                 if call == "boxes.stop"}  # fmt: skip
        return replace(seen, boxes=tuple(box for box in seen.boxes if box.id not in ended))

    def stop(self, box_id: BoxId, signal: str, grace_ms: int) -> None:
        """The call, and nothing else."""
        with self._machine.faults.during("boxes.stop", str(box_id)):
            pass

    def remove(self, box_id: BoxId) -> None:
        """Nothing."""


class Hasty(MemoryProbes):
    """Finds every box healthy."""

    def check(
        self, box_id: BoxId, pid: int, check: HttpCheck | TcpCheck | CommandCheck, timeout_ms: int
    ) -> str:
        """At once."""
        return ""


class Boastful(MemoryBoxes):
    """Says that boxes of the bad image run, which ended by themselves."""

    def observe(self, ids: Sequence[BoxId] | None = None) -> Observation:
        """All of those run."""
        seen = super().observe(ids)
        return replace(seen, boxes=tuple(map(self._alive, seen.boxes)))

    def _alive(self, box: ObservedBox) -> ObservedBox:
        limits = self._machine.boxes[box.id].limits
        ended = box.stopped_ms and box.spec and box.spec.image == BAD
        return replace(box, state=State.RUNNING, pid=1, limits=limits) if ended else box


class Greedy(MemoryBoxes):
    """Takes the volumes of a box away with it."""

    def remove(self, box_id: BoxId) -> None:
        """The box and its data."""
        found = self._machine.boxes.get(box_id)
        super().remove(box_id)
        for mount in found.box.spec.volumes if found else ():
            self._machine.volumes.pop(mount.volume, None)


class Meddling(MemoryBoxes):
    """Whenever one owner's box is made, changes those of the other."""

    def create(self, box: Box) -> None:
        """The box, and the limits of all others."""
        super().create(box)
        for box_id, other in self._machine.boxes.items():
            if box_id.owner == "two" != box.id.owner:
                limits = replace(other.limits, memory_max_bytes=32 << 20)
                self._machine.boxes[box_id] = replace(other, limits=limits)


class Fickle(MemoryImages):
    """A name means something else whenever it is asked for."""

    asked = itertools.count()

    def resolve(self, reference: str) -> ImageFacts | None:
        """The same image by another id."""
        facts = super().resolve(reference)
        if not facts or not reference.startswith("x:"):
            return facts
        return replace(facts, id=f"sha256:{next(self.asked):064}")


def with_boxes(kind: type[MemoryBoxes]) -> Engine:
    """The memory engine with other boxes."""

    def engine(machine: Machine, contents: Contents) -> Borders:
        return replace(memory_borders(machine, contents), boxes=kind(machine, contents))

    engine.__name__ = kind.__name__
    return engine


def hasty(machine: Machine, contents: Contents) -> Borders:
    """The memory engine with probes that do not look, and an image that needs its time."""
    machine.workloads["x:2"] = Workload(healthy_after_ms=5_000)
    return replace(memory_borders(machine, contents), probes=Hasty(machine))


def boastful(machine: Machine, contents: Contents) -> Borders:
    """The memory engine with bad boxes that seem to run, and probes that do not look."""
    return replace(
        memory_borders(machine, contents),
        boxes=Boastful(machine, contents),
        probes=Hasty(machine),
    )


def fickle(machine: Machine, contents: Contents) -> Borders:
    """The memory engine with names that mean anything."""
    return replace(memory_borders(machine, contents), images=Fickle(machine))


def loses_a_create(story: RoadStory) -> bool:
    """Whether the answer to a create may be lost."""
    return any(one.call == "boxes.create" and one.lost_answer for one in story.orders)


def changes_an_image(story: RoadStory) -> bool:
    """Whether a service that works gets the slower image."""
    before, after = story.before["services"], story.after["services"]
    return any(
        words["image"] == "x:2" != before[name]["image"] and before[name].get("replicas")
        for name, words in after.items()
        if name in before
    )


def ends_before_it_starts(story: RoadStory) -> bool:
    """Whether a service whose boxes may not overlap gets another image."""
    before, after = story.before["services"], story.after["services"]
    return any(
        name in before
        and words["image"] != before[name]["image"]
        and before[name].get("replicas")
        and words.get("replicas")
        and words.get("update", {}).get("order") == "stop-first"
        and before[name].get("update", {}).get("order") == "stop-first"
        for name, words in after.items()
    )


def is_spoilt(story: RoadStory) -> bool:
    """Whether a service that works gets the bad image."""
    before, spoilt = story.before["services"], story.spoilt["services"]
    return any(
        words["image"] == BAD and name in before and before[name].get("replicas")
        for name, words in spoilt.items()
    )


def is_killed_early(story: RoadStory) -> bool:
    """Whether the kill comes while most applies are at work."""
    return 10 < story.killed_at < 30


def any_story(_story: RoadStory) -> bool:
    """Every story will do."""
    return True


BROKEN: tuple[tuple[RoadLaw, Engine, Callable[[RoadStory], bool]], ...] = (
    (road_laws.comes_to_rest, with_boxes(Deaf), any_story),
    (road_laws.faults_delay_only, with_boxes(Doubling), loses_a_create),
    (road_laws.kills_delay_only, with_boxes(BlindToHalfMade), is_killed_early),
    (road_laws.keeps_slots, with_boxes(Lingering), ends_before_it_starts),
    (road_laws.keeps_what_works, hasty, changes_an_image),
    (road_laws.takes_back_what_failed, boastful, is_spoilt),
    (road_laws.equal_text_gives_an_equal_plan, fickle, any_story),
    (road_laws.stays_with_its_owner, with_boxes(Meddling), any_story),
    (road_laws.keeps_data, with_boxes(Greedy), any_story),
)
"""Which law each engine breaks, and in which stories it can show; every law has one."""
