"""What shall happen to one slot, and beside the slots: the decisions, before they are actions.

Each slot of a service gets exactly one move. Limits set in place and boxes that go stand beside
them, since both happen whatever becomes of the slot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.boxes.spec import BoxSpec, FieldChange
from orchestr8.boxes.world import ObservedBox, State
from orchestr8.isolation.limits import Limits
from orchestr8.isolation.profile import PRIVATE, Profile
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.plan import Reason

HALF_MADE = "left half-made by an interrupted apply"


class Keep(Struct, frozen=True):
    """The box stays as it is: it runs as declared, or it is a job that is done."""

    slot: int
    box: ObservedBox


class Finish(Struct, frozen=True):
    """An interrupted replacement goes on: once `box` is good, its predecessors go."""

    slot: int
    box: ObservedBox
    predecessors: tuple[ObservedBox, ...]


class Provision(Struct, frozen=True):
    """A fresh box for a slot in which nothing runs; what lies there goes once it has started.

    `first` tells a first start, which waits for others, from healing, which does not.
    """

    slot: int
    spec: BoxSpec
    cause: str
    first: bool
    leftovers: tuple[ObservedBox, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    standby: ObservedBox | None = None
    """The box that waits for this already; without one it is made."""

    @property
    def box(self) -> None:
        """Nothing runs here."""
        return None


class Replace(Struct, frozen=True):
    """A fresh box instead of one that runs. `update` is false where the box is merely ill."""

    slot: int
    box: ObservedBox
    spec: BoxSpec
    cause: str
    changes: tuple[FieldChange, ...] = ()
    update: bool = True
    leftovers: tuple[ObservedBox, ...] = ()
    standby: ObservedBox | None = None


class StandBy(Struct, frozen=True):
    """A box is made and waits at its gate, without a slot, until one needs it."""

    spec: BoxSpec
    cause: str


class Wait(Struct, frozen=True):
    """Nothing can be done for this slot now, and why; `box` is what runs there meanwhile."""

    slot: int
    box: ObservedBox | None
    reason: Reason
    cause: str
    remedy: str = ""
    whose_move: str = ""
    try_again_ms: int | None = None


SlotMove = Keep | Finish | Provision | Replace | Wait


class Adjust(Struct, frozen=True):
    """Limits or hosts file of a running box are set in place."""

    box: ObservedBox
    limits: Limits | None
    names: tuple[tuple[str, str], ...] | None
    changes: tuple[FieldChange, ...]


class Release(Struct, frozen=True):
    """A box goes, and nothing takes its place."""

    box: ObservedBox
    cause: str


class Moves(Struct, frozen=True):
    """Everything that shall happen to one service."""

    slots: tuple[SlotMove, ...] = ()
    adjusts: tuple[Adjust, ...] = ()
    releases: tuple[Release, ...] = ()
    standbys: tuple[StandBy, ...] = ()
    outdated: tuple[Release, ...] = ()
    """Standbys that no slot can take any more; they go once the slots have their new boxes."""
    standbys_wait: Wait | None = None

    @property
    def fresh(self) -> tuple[Provision | Replace, ...]:
        """The moves that make a box."""
        return tuple(move for move in self.slots if isinstance(move, Provision | Replace))

    def with_slots(self, slots: tuple[SlotMove, ...]) -> Moves:
        """The same with some fresh boxes put off; what an interrupted apply left half-made for them
        goes nevertheless."""
        if slots == self.slots:
            return self
        put_off = (
            before
            for before, after in zip(self.slots, slots, strict=True)
            if isinstance(before, Provision | Replace) and isinstance(after, Wait)
        )
        half_made = (
            Release(box, HALF_MADE)
            for move in put_off
            for box in move.leftovers
            if box.state is State.CREATED
        )
        return replace(self, slots=slots, releases=(*self.releases, *half_made))

    @property
    def running(self) -> tuple[ObservedBox, ...]:
        """The boxes that run in the slots now."""
        boxes = (move.box for move in self.slots)
        return tuple(box for box in boxes if box is not None and box.state.runs)


STEADY = Moves()
"""Nothing to do; the one value for every service that is as declared."""


def staying(boxes: Iterable[ObservedBox]) -> Moves:
    """The same for one service in full: its boxes stay in their slots, whatever comes beside."""
    return Moves(tuple(Keep(box.slot, box) for box in boxes))


def joined(profile: Profile) -> tuple[tuple[str, ServiceName], ...]:
    """The namespaces that a profile shares, and with which service."""
    if profile.pid == profile.net == profile.ipc == PRIVATE:
        return ()
    kinds = (("ipc", profile.ipc), ("net", profile.net), ("pid", profile.pid))
    return tuple((kind, ServiceName.parse(peer)) for kind, peer in kinds if peer != PRIVATE)


Peers = dict[ServiceName, Sequence[BoxId | None]]
"""The boxes by slot of services whose namespaces are joined; None is a box yet to be made."""
