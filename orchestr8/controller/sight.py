"""What was seen last, and what of it may be otherwise by now.

Whoever keeps a machine looks again at what it has heard of, and takes the rest as it was. Whatever
nobody told is found by the look at everything, which comes by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field

from orchestr8.boxes.network import NetworkState
from orchestr8.boxes.world import Observation, ObservedVolume
from orchestr8.controller.borders import subject
from orchestr8.engines.protocol import Borders
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Quota
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.plan import Plan


class Host(Struct, frozen=True):
    """What is seen beside the boxes."""

    features: Features
    network: NetworkState
    quotas: Mapping[str, Quota]
    volumes: tuple[ObservedVolume, ...]


class Sight(Struct):
    """The last look, and what is doubted of it. Used by one thread."""

    _boxes: Observation | None = None
    _host: Host | None = None
    _doubted: set[ServiceName] = field(default_factory=set)
    _heard_of: set[BoxId] = field(default_factory=set)
    """Boxes that the last look may not have seen, beside those that it saw of what is doubted."""
    _looked_at: set[ServiceName] | None = field(default_factory=set)
    """What was seen in this turn; None is everything."""
    _host_is_fresh: bool = False
    """Whether the host was looked at in this turn."""

    def begin(self) -> None:
        """A turn begins: nothing was looked at in it."""
        self._looked_at = set()
        self._host_is_fresh = False

    def doubt(self, services: Iterable[ServiceName], boxes: Iterable[BoxId] = ()) -> None:
        """The boxes of these services are looked at next, and these boxes."""
        heard_of = set(boxes)
        self._heard_of |= heard_of
        self._doubted |= {*services, *(box_id.service_name for box_id in heard_of)}

    def doubt_alone(self, boxes: Iterable[BoxId]) -> None:
        """These boxes are looked at next, and no others of their services. A plan that comes of it
        is made again after a look at all that it is about."""
        self._heard_of |= set(boxes)

    def doubt_host(self) -> None:
        """The packet filter, the quotas and the volumes are looked at next."""
        self._host = None

    def doubt_all(self) -> None:
        """Everything is looked at next."""
        self._boxes = self._host = None

    def doubt_plan(self, plan: Plan) -> None:
        """What a plan is about is looked at next."""
        boxes = (subject(action.call)[0] for action in plan.actions)
        self.doubt(_services(plan), (box_id for box_id in boxes if box_id))
        self.doubt_host()

    def covers(self, plan: Plan) -> bool:
        """Whether all that a plan is about was looked at in this turn: nothing is done upon what
        was only remembered."""
        seen = self._looked_at
        return seen is None or (self._host_is_fresh and _services(plan) <= seen)

    @property
    def is_whole(self) -> bool:
        """Whether everything was looked at in this turn."""
        return self._looked_at is None

    @property
    def host(self) -> Host | None:
        """What is remembered beside the boxes; None where that is looked at next."""
        return self._host

    def observe(self, borders: Borders, recorded: Callable[[], Iterable[BoxId]]) -> Observation:
        """The boxes: those that are doubted as they are, the others as they were. Raises
        EngineError with every doubt kept.

        `recorded` gives the boxes that were written down, which the last look may not have seen.
        """
        before = self._boxes
        if before is None:
            return borders.boxes.observe()
        asked = set(self._heard_of)
        if self._doubted:
            known = (*(box.id for box in before.boxes), *recorded())
            asked |= {box_id for box_id in known if box_id.service_name in self._doubted}
        if not asked:
            return before
        found = borders.boxes.observe(sorted(asked))
        if found.boot_id != before.boot_id:
            self.doubt_all()
            return borders.boxes.observe()
        kept = (box for box in before.boxes if box.id not in asked)
        boxes = sorted((*kept, *found.boxes), key=lambda box: box.id)
        return Observation(tuple(boxes), found.boot_id)

    def keep(self, boxes: Observation, host: Host) -> None:
        """A look is over; nothing of it is doubted."""
        if self._boxes is None:
            self._looked_at = None
        elif self._looked_at is not None:
            self._looked_at |= self._doubted
        self._host_is_fresh = self._host_is_fresh or self._host is None
        self._boxes, self._host = boxes, host
        self._doubted.clear()
        self._heard_of.clear()


def _services(plan: Plan) -> set[ServiceName]:
    return {action.service for action in plan.actions if action.service}
