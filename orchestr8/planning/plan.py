"""The plan: steps that people read, and actions that the executor carries out.

An action is one call across one border with its cause and the actions that it waits for. Numbers
are positions in `Plan.actions`; an action needs smaller numbers only, so the plan is its own order.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.desired import Box, Dealt, DesiredVolume
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


class PrepareNetwork(Struct, frozen=True):
    """Make the bridge and the table, where they are missing."""


class EnsureOwner(Struct, frozen=True):
    """Make the owner's cgroup, with its quota."""

    owner: str
    quota: Quota


class FetchImage(Struct, frozen=True):
    """Make an image present on the engine."""

    reference: str
    image_id: str


class EnsureVolume(Struct, frozen=True):
    """Make a volume; one that is there is kept as it is."""

    volume: DesiredVolume


class ChangeNetwork(Struct, frozen=True):
    """Add and remove elements of the table in one transaction; `add` of a Route or Door with the
    key of one that is there replaces it."""

    add: tuple[Element, ...] = ()
    remove: tuple[Element, ...] = ()


class CreateBox(Struct, frozen=True):
    """Prepare a box; nothing of the workload runs."""

    box: Box


class StartBox(Struct, frozen=True):
    """Let a created box run; with a `slot` it is a standby, which takes that one."""

    id: BoxId
    slot: int | None = None


class AwaitBox(Struct, frozen=True):
    """Wait until a box is healthy, has settled (no health line), or is done (`run: once`).

    Fails at once when the box ends otherwise, and after `within_ms`.
    """

    id: BoxId
    health: Health | None
    done: bool
    within_ms: int


class UpdateLimits(Struct, frozen=True):
    """Change a running box's limits in place."""

    id: BoxId
    limits: Limits


class SetCores(Struct, frozen=True):
    """Let a box run on these cores alone from now on; without any, on every one."""

    id: BoxId
    cores: tuple[int, ...]


class WriteNames(Struct, frozen=True):
    """Rewrite a running box's hosts file in place."""

    id: BoxId
    names: tuple[tuple[str, str], ...]


class StopBox(Struct, frozen=True):
    """Ask a box to end; SIGKILL follows after the grace. An empty signal is the image's own."""

    id: BoxId
    signal: str
    grace_ms: int


class RemoveBox(Struct, frozen=True):
    """Remove a stopped or created box and all that its creation made."""

    id: BoxId


class ForgetBox(Struct, frozen=True):
    """Clear away what was prepared for a box that is not there, and the record of it."""

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
    | SetCores
    | WriteNames
    | StopBox
    | RemoveBox
    | ForgetBox
)


class Action(Struct, frozen=True):
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
    HELD = "hold"
    IN_USE = "memory in use"
    CORES = "dedicated cores"


class Step(Struct, frozen=True):
    """One line of the plan: what happens to one service, why, and with what effect.

    `count` is how many boxes it is about, `changes` are the fields behind it, `beside` those that
    change with it and are no reason for it, `effect` is what its users notice, or for a step that
    waits what would make it fit. `reason`, `whose_move` and `try_again_ms` are for steps that wait.
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
    beside: tuple[FieldChange, ...] = ()


class Upkeep(Struct, frozen=True):
    """A line of the plan that is no service's: an owner's cgroup, the packet filter, what is left
    over of boxes."""

    subject: str
    cause: str = ""
    changes: tuple[FieldChange, ...] = ()
    effect: str = ""
    mark: Mark = Mark.REBALANCE


class Allocations(Struct, frozen=True):
    """What the plan gives out; stored before the first call."""

    services: tuple[ServiceRecord, ...] = ()
    boxes: tuple[BoxRecord, ...] = ()
    address_last: str = ""


class Plan(Struct, frozen=True):
    """Ordered steps and actions, and the allocations that they rest on."""

    steps: tuple[Step, ...] = ()
    actions: tuple[Action, ...] = ()
    allocations: Allocations = field(default=Allocations())
    unknown: tuple[BoxId, ...] = ()
    """Boxes of this installation of which the store knows nothing; they are left alone."""
    upkeep: tuple[Upkeep, ...] = ()
    adopted: tuple[BoxId, ...] = ()
    """Boxes that were taken over without their manifests; they are left alone until those come."""
    dealt: Dealt = field(default_factory=dict)
    """The cores that slots have for themselves once it is carried out."""
    left: frozenset[int] = frozenset()
    """The cores that boxes which have them for themselves leave meanwhile."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to carry out."""
        return not self.actions

    @property
    def waiting(self) -> tuple[Step, ...]:
        """The steps that cannot be taken now."""
        return tuple(step for step in self.steps if step.mark is Mark.WAITS)

    def with_services(self, earlier: Allocations, notices: tuple[Upkeep, ...] = ()) -> Plan:
        """The plan with what was given out before it, so that all of it is stored at once, and
        with lines about what changes in the store alone."""
        services = {record.name: record for record in earlier.services}
        services |= {record.name: record for record in self.allocations.services}
        everything = replace(
            self.allocations, services=tuple(sorted(services.values(), key=lambda one: one.name))
        )
        return replace(self, allocations=everything, upkeep=(*notices, *self.upkeep))
