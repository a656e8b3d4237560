"""The promises of an engine and of the host beside it.

Acting calls return nothing: what became of them is seen by observing again. Repeating a call is
harmless, and the absent counts as stopped and removed. Three errors leave a border:
UnavailableError (may work later), RejectedError (fails again until something changes) and
FeatureMissingError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from orchestr8.boxes.desired import Box, DesiredVolume
from orchestr8.boxes.network import Element, NetworkState
from orchestr8.boxes.use import BoxUse
from orchestr8.boxes.world import (
    Installation,
    Observation,
    ObservedBox,
    ObservedCopy,
    ObservedVolume,
)
from orchestr8.contract.model import ImageFacts
from orchestr8.engines.joined import Joined
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.manifest.model import CommandCheck, HttpCheck, TcpCheck
from orchestr8.names import BoxId
from orchestr8.proof.model import Reading


class Boxes(Protocol):
    """Boxes of this installation, and of nobody else."""

    def features(self) -> Features:
        """What this engine enforces on this host."""

    def observe(self, ids: Sequence[BoxId] | None = None) -> Observation:
        """One complete snapshot of our boxes, or of those named."""

    def create(self, box: Box) -> None:
        """Prepare everything, run nothing of the workload.

        The same id with the same spec is success. A failed call leaves nothing behind.
        """

    def start(self, box_id: BoxId) -> None:
        """Let a created box run; a running one is success, a stopped one is rejected.

        If a setting cannot be applied, this fails and leaves nothing behind.
        """

    def update(self, box_id: BoxId, limits: Limits) -> None:
        """Change the limits of a running box, or of a standby, in place."""

    def stop(self, box_id: BoxId, signal: str, grace_ms: int) -> None:
        """Ask a box to end, and end it after the grace."""

    def remove(self, box_id: BoxId) -> None:
        """Remove a box that does not run; a running one is rejected. All that create made goes."""

    def write_names(self, box_id: BoxId, names: Sequence[tuple[str, str]]) -> None:
        """Rewrite the box's hosts file in place: service name and address."""


class Images(Protocol):
    """Images on the engine."""

    def resolve(self, reference: str) -> ImageFacts | None:
        """The facts of an image that is present, else None; nothing is fetched."""

    def fetch(self, reference: str) -> ImageFacts:
        """Make the image present; the facts of what is then there."""


class Volumes(Protocol):
    """Volumes on the engine; their content is never deleted by apply, down or remove."""

    def volumes(self) -> tuple[ObservedVolume, ...]:
        """All of this installation's volumes."""

    def ensure(self, volume: DesiredVolume) -> None:
        """Make the volume if it is missing, its content owned by its uid, mode 0700.

        One with a size takes as much and no more; one that is there grows to it, and is mounted
        again where its file system was not. It never shrinks.
        """

    def delete(self, name: str) -> None:
        """Delete a volume and its content; the absent is success."""


@runtime_checkable
class Copies(Protocol):
    """Optional, beside the volumes: what they hold, and copies of them. Never called by apply."""

    def used(self, name: str) -> int:
        """How many bytes of the disk a volume takes."""

    def copies(self) -> tuple[ObservedCopy, ...]:
        """All whole copies, also of volumes that are gone."""

    def copy(self, name: str, label: str, writers: Sequence[ObservedBox]) -> ObservedCopy:
        """Copy a volume as it is at one moment; `writers` are held still and go on afterwards.

        A copy that breaks off leaves none. A label that is taken is rejected.
        """

    def restore(self, name: str, copy: ObservedCopy) -> None:
        """Put a copy in the place of a volume's content; one that a box has is rejected."""

    def discard(self, copy: ObservedCopy) -> None:
        """Delete a copy; the absent is success."""


class Network(Protocol):
    """The one packet-filter table and its bridge."""

    def observe(self) -> NetworkState:
        """What the table holds."""

    def prepare(self) -> None:
        """Make bridge and table where they are missing; default-deny from then on."""

    def change(self, add: Sequence[Element], remove: Sequence[Element]) -> None:
        """One transaction; adding what is there and removing the absent are success.

        A Route or Door that is added replaces the one with the same key.
        """

    def listeners(self) -> Mapping[tuple[str, int], str]:
        """The host addresses and ports that a program listens on by TCP, or that another
        installation has published, and who where known."""

    def absent(self, addresses: Iterable[str]) -> frozenset[str]:
        """Those that the host does not have, so that nothing that is sent there comes to it."""


class Owners(Protocol):
    """The owners' cgroups."""

    def quotas(self) -> dict[str, Quota]:
        """What each owner's cgroup carries now."""

    def ensure(self, owner: str, quota: Quota) -> None:
        """Make the owner's cgroup with this quota."""

    def bias(self, box_id: BoxId, pid: int, *, first: bool) -> None:
        """Whether the box whose first task is `pid` shall end before its owner's others, or as
        usual, when their memory is gone; what has ended is success."""


class Keepsake(Protocol):
    """What an installation keeps outside its store for as long as its boxes may run."""

    def keep(self, name: str, content: bytes) -> None:
        """Write a content under a name, readable by root alone; repeating is harmless."""

    def kept(self, name: str) -> bytes | None:
        """What was kept under a name, or None where there is nothing, as after a reboot."""


class Installations(Protocol):
    """Whose boxes and volumes an engine carries: those of every installation, not ours alone."""

    def found(self) -> tuple[Installation, ...]:
        """Every installation that the engine knows anything of, sorted by id."""


class Probes(Protocol):
    """Asks boxes whether they work, from inside their own network namespace."""

    def check(
        self, box_id: BoxId, pid: int, check: HttpCheck | TcpCheck | CommandCheck, timeout_ms: int
    ) -> str:
        """The empty text if healthy, else a sentence that says what was seen."""


class Witness(Protocol):
    """Reads what the kernel says of a box; writes nothing."""

    def read(self, box_id: BoxId, pid: int) -> Reading:
        """The kernel's view of the box whose first task is `pid` (of this pid namespace)."""

    def use(self, box_id: BoxId, pid: int) -> BoxUse | None:
        """What that box and its owner use now; None where it has ended."""


class ExecResult(Struct, frozen=True):
    """What a command in a box gave; output is bounded."""

    exit_status: int
    stdout: bytes
    stderr: bytes


@runtime_checkable
class Standbys(Protocol):
    """What an engine does that keeps created boxes ready; asked for by type.

    A standby is made like any box, with STANDBY for its slot.
    """

    def take(self, box_id: BoxId, slot: int) -> None:
        """Give a standby its slot and let it run; one that runs is success, a stopped one is
        rejected. From then on it is seen in that slot."""


@runtime_checkable
class Ends(Protocol):
    """What an engine does that hears of ends from the kernel itself; asked for by type."""

    def watch_ends(self, ids: Collection[BoxId], ended: Callable[[BoxId], None]) -> None:
        """From now on tell once of each of these boxes whose first task ends, and of no others: of
        the first of them, where they are too many.

        That is as soon as it is known, maybe before anybody can say how it ended; whoever observes
        such a box waits for that. Calls come from another thread.
        """


@runtime_checkable
class Cores(Protocol):
    """What an engine does that lets boxes have cores of their own; asked for by type."""

    def set_cores(self, box_id: BoxId, cores: Sequence[int]) -> None:
        """Let a running box, or a standby, run on these cores alone, without any on every one.

        One that has ended or is not there is success: it is on no core.
        """


@runtime_checkable
class Tending(Protocol):
    """Optional: what an engine has to be reminded of, where no process of its own stands by."""

    def tend(self) -> None:
        """Keep logs within their bound, and take away what is left of boxes that have gone.

        Whoever acts calls it, an apply and a server; nobody who only looks does.
        """


@runtime_checkable
class Logs(Protocol):
    """Optional: what boxes wrote."""

    def logs(self, box_id: BoxId, lines_max: int) -> tuple[str, ...]:
        """The last lines of standard output and error together, oldest first."""

    def follow(self, box_id: BoxId, lines_max: int, is_left: Callable[[], bool]) -> Iterator[str]:
        """The last lines, then each as it is written, until the box has ended or is left."""


@runtime_checkable
class Exec(Protocol):
    """Optional: commands in boxes, always with the box's full process document."""

    def execute(
        self, box_id: BoxId, command: Sequence[str], timeout_ms: int | None = None
    ) -> ExecResult:
        """Run a command in a running box as its own user and wait."""

    def execute_attached(self, box_id: BoxId, command: Sequence[str], joined: Joined) -> int:
        """Run a command joined to somebody; once nobody is there it is ended, and what it
        began in its session."""


@runtime_checkable
class Endings(Protocol):
    """Optional: why boxes ended."""

    def ended_from_outside(self, box_id: BoxId) -> bool:
        """Whether a stopped box ended since it was told to: by us, by somebody else, or by the
        engine as that stopped. Where the engine does not know any more, it counts as told to."""


@runtime_checkable
class Phases(Protocol):
    """Optional: what the time went into while a box was made and started."""

    def phases(self, box_id: BoxId) -> Mapping[str, float]:
        """Milliseconds by phase, in their order: root, cgroup, create, network, gate, and first,
        which ends with the workload's first instruction. What was not measured is not there."""


class Happened(Struct, frozen=True):
    """Something that happened to boxes: a sentence, and which box; None where it may be any."""

    what: str
    box: BoxId | None = None


@runtime_checkable
class Events(Protocol):
    """Optional: hearing of boxes without asking. An event only wakes; what is so is observed."""

    def listen(self, heard: Callable[[Happened], None]) -> Callable[[], None]:
        """From when this returns, tell of each box that ends, as soon as it does; what is returned
        ends it. Calls come from another thread."""


class Contents(Protocol):
    """Where the engine takes the content of files and secrets from."""

    def file(self, digest: str) -> bytes:
        """The content behind a keyed hash in a spec."""

    def secret(self, owner: str, name: str, digest: str) -> bytes:
        """A secret's content, of which a spec has this keyed hash.

        Raises RejectedError with the remedy where it is missing.
        """


class Borders(Struct, frozen=True):
    """Everything that the controller calls across; made by `select`.

    `endpoint` and `engine_id` say which engine it is, for those that have more than one.
    """

    name: str
    boxes: Boxes
    images: Images
    volumes: Volumes
    network: Network
    owners: Owners
    probes: Probes
    witness: Witness
    keepsake: Keepsake
    installations: Installations
    endpoint: str = ""
    engine_id: str = ""
