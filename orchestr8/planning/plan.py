"""The plan: steps that people read, and actions that the executor carries out.

An action is one call across one border with its cause and the actions that it waits for. Numbers
are positions in `Plan.actions`; an action needs smaller numbers only, so the plan is its own order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from orchestr8.boxes.desired import Box, DesiredVolume
from orchestr8.boxes.network import Element
from orchestr8.boxes.records import BoxRecord, ServiceRecord
from orchestr8.boxes.spec import FieldChange
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.manifest.model import Health
from orchestr8.names import BoxId, ServiceName


class Purpose(Enum):
    """What an action is for."""

    PROVISION = "provision"
    REBALANCE = "rebalance"
    RELEASE = "release"


@dataclass(frozen=True)
class PrepareNetwork:
    """Make the bridge and the table, where they are missing."""


@dataclass(frozen=True)
class EnsureOwner:
    """Make the owner's cgroup, with its quota."""

    owner: str
    quota: Quota


@dataclass(frozen=True)
class FetchImage:
    """Make an image present on the engine."""

    reference: str
    image_id: str


@dataclass(frozen=True)
class EnsureVolume:
    """Make a volume; one that is there is kept as it is."""

    volume: DesiredVolume


@dataclass(frozen=True)
class ChangeNetwork:
    """Add and remove elements of the table in one transaction; `add` of a Route or Door with the
    key of one that is there replaces it."""

    add: tuple[Element, ...] = ()
    remove: tuple[Element, ...] = ()


@dataclass(frozen=True)
class CreateBox:
    """Prepare a box; nothing of the workload runs."""

    box: Box


@dataclass(frozen=True)
class StartBox:
    """Let a created box run."""

    id: BoxId


@dataclass(frozen=True)
class AwaitBox:
    """Wait until a box is healthy, has settled (no health line), or is done (`run: once`).

    Fails at once when the box ends otherwise, and after `within_ms`.
    """

    id: BoxId
    health: Health | None
    done: bool
    within_ms: int


@dataclass(frozen=True)
class UpdateLimits:
    """Change a running box's limits in place."""

    id: BoxId
    limits: Limits


@dataclass(frozen=True)
class WriteNames:
    """Rewrite a running box's hosts file in place."""

    id: BoxId
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class StopBox:
    """Ask a box to end; SIGKILL follows after the grace. An empty signal is the image's own."""

    id: BoxId
    signal: str
    grace_ms: int


@dataclass(frozen=True)
class RemoveBox:
    """Remove a stopped or created box and all that its creation made."""

    id: BoxId


Call = (
    PrepareNetwork
    | EnsureOwner
    | FetchImage
    | EnsureVolume
    | ChangeNetwork
    | CreateBox
    | StartBox
    | AwaitBox
    | UpdateLimits
    | WriteNames
    | StopBox
    | RemoveBox
)


@dataclass(frozen=True)
class Action:
    """One call with its reason. `service` is None for what serves several."""

    call: Call
    purpose: Purpose
    cause: str
    service: ServiceName | None = None
    needs: tuple[int, ...] = ()


class Mark(Enum):
    """The sign before a line of the plan."""

    PROVISION = "+"
    REBALANCE = "~"
    REPLACE = "±"
    RELEASE = "-"
    WAITS = "!"


class Reason(Enum):
    """Why something waits."""

    MISSING = "missing"
    ENDED = "ended relaxation"
    PORT = "host port"
    VOLUME = "volume"
    BACK_OFF = "back-off"
    DEPENDENCY = "dependency"
    QUOTA = "quota"
    CAPACITY = "capacity"


@dataclass(frozen=True)
class Step:
    """One line of the plan: what happens to one service, why, and with what effect.

    `count` is how many boxes it is about, `changes` are the fields behind it, `effect` is what its
    users notice, or for a step that waits what would make it fit. `reason`, `whose_move` and
    `try_again_ms` are for steps that wait.
    """

    mark: Mark
    service: ServiceName
    boxes_before: int
    boxes_after: int
    what: str
    cause: str = ""
    changes: tuple[FieldChange, ...] = ()
    effect: str = ""
    notes: tuple[str, ...] = ()
    try_again_ms: int | None = None
    count: int = 1
    reason: Reason | None = None
    whose_move: str = ""


@dataclass(frozen=True)
class Upkeep:
    """A line of the plan that is no service's: an owner's cgroup, the packet filter."""

    subject: str
    cause: str = ""
    changes: tuple[FieldChange, ...] = ()
    effect: str = ""


@dataclass(frozen=True)
class Allocations:
    """What the plan gives out; stored before the first call."""

    services: tuple[ServiceRecord, ...] = ()
    boxes: tuple[BoxRecord, ...] = ()
    address_last: str = ""


@dataclass(frozen=True)
class Plan:
    """Ordered steps and actions, and the allocations that they rest on."""

    steps: tuple[Step, ...] = ()
    actions: tuple[Action, ...] = ()
    allocations: Allocations = field(default=Allocations())
    unknown: tuple[BoxId, ...] = ()
    """Boxes of this installation of which the store knows nothing; they are left alone."""
    upkeep: tuple[Upkeep, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to carry out."""
        return not self.actions

    @property
    def waiting(self) -> tuple[Step, ...]:
        """The steps that cannot be taken now."""
        return tuple(step for step in self.steps if step.mark is Mark.WAITS)

    def with_services(self, earlier: Allocations) -> Plan:
        """The plan with what was given out before it, so that all of it is stored at once."""
        services = {record.name: record for record in earlier.services}
        services |= {record.name: record for record in self.allocations.services}
        everything = replace(
            self.allocations, services=tuple(sorted(services.values(), key=lambda one: one.name))
        )
        return replace(self, allocations=everything)
