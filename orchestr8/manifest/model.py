"""What was asked: the manifests of a fleet in their checked form.

Frozen values without any foreign type; every text has been read into its unit. `places` lead from
a dotted path of a service (`limits.memory`, `relax.0`) back to the file, for messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct, field

from orchestr8.errors import Place, Written
from orchestr8.isolation.limits import LimitsAsked, Quota
from orchestr8.isolation.relaxations import Value
from orchestr8.names import ServiceName


class FileMount(NamedTuple):
    """A file of the repository in the box: `source` is relative to the set's folder."""

    target: str
    source: str


class VolumeMount(Struct, frozen=True, gc=False):
    """A volume in the box, named with its owner."""

    target: str
    volume: str
    owner: str


class ScratchAsked(Struct, frozen=True, gc=False):
    """A tmpfs in the box."""

    path: str
    size_bytes: int


class Link(Struct, frozen=True, gc=False):
    """`peer` and one of its ports: in `connects` who is called, in `accepts` who may call."""

    peer: ServiceName
    port: int


class Publish(Struct, frozen=True, gc=False):
    """A port of the host that leads to a port of the box; TCP."""

    address: str
    host_port: int
    port: int


class HttpCheck(Struct, frozen=True, gc=False):
    """Healthy is a status from 200 to 399."""

    port: int
    path: str


class TcpCheck(Struct, frozen=True, gc=False):
    """Healthy is an accepted connection."""

    port: int


class CommandCheck(Struct, frozen=True, gc=False):
    """Healthy is exit status 0 of a command in the box."""

    command: tuple[str, ...]


class Health(Struct, frozen=True):
    """How a box is asked whether it works: every `every_ms`, unhealthy after `failures` in a row.

    `within_ms` is how long a fresh box may take to become healthy, `timeout_ms` one probe's bound.
    """

    check: HttpCheck | TcpCheck | CommandCheck
    every_ms: int = 2_000
    failures: int = 3
    within_ms: int = 30_000
    timeout_ms: int = 2_000


class Stop(Struct, frozen=True):
    """How a box is asked to end; SIGKILL follows after the grace. No signal: the image's own."""

    signal: str = ""
    grace_ms: int = 10_000


class Update(Struct, frozen=True):
    """How boxes are replaced. `order` is "start-first" or "stop-first"."""

    order: str = "start-first"
    parallel: int = 1
    within_ms: int = 60_000
    on_failure: str = "rollback"


class Edge(Struct, frozen=True):
    """A load balancer of the service's own."""

    listen: int
    to: int
    tls: str = ""
    overflow: str = ""


class RelaxationAsked(Written, frozen=True):
    """One line under `relax`: arguments are checked against the catalogue and sorted by name."""

    id: str
    arguments: tuple[tuple[str, Value], ...] = ()
    why: str = ""
    until: str = ""
    """As written: a date (its end, UTC) or an ISO time with a zone."""
    place: Place = Place("")


class Service(Written, frozen=True, gc=False):
    """One service as its owner asked for it."""

    name: ServiceName
    image: str
    run_once: bool = False
    entrypoint: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    env: tuple[tuple[str, str], ...] = ()
    workdir: str = ""
    files: tuple[FileMount, ...] = ()
    secrets: tuple[str, ...] = ()
    replicas: int = 1
    standby: int = 0
    after: tuple[ServiceName, ...] = ()
    limits: LimitsAsked = LimitsAsked()
    scratch: tuple[ScratchAsked, ...] = ()
    volumes: tuple[VolumeMount, ...] = ()
    accepts: tuple[Link, ...] = ()
    connects: tuple[Link, ...] = ()
    publish: tuple[Publish, ...] = ()
    health: Health | None = None
    stop: Stop = Stop()
    update: Update = Update()
    edge: Edge | None = None
    relax: tuple[RelaxationAsked, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)

    _where = ("places",)

    def place(self, path: str) -> Place:
        """Where `path` of this service is written, or the nearest place above it."""
        while path and path not in self.places:
            path = path.rpartition(".")[0]
        return self.places.get(path, Place(""))


class Volume(Written, frozen=True):
    """Data of an owner; `share` names other services (ro or rw)."""

    name: str
    owner: str
    size_bytes: int | None = None
    share: tuple[tuple[ServiceName, str], ...] = ()
    place: Place = Place("")


class Secret(Written, frozen=True):
    """A file of the owner's folder on the host, or else a sealed file of the repository."""

    name: str
    owner: str
    file: str
    sealed: str = ""
    place: Place = Place("")


class Owner(Written, frozen=True):
    """A team: who belongs to it, whom to call, what it may use, and what it may relax."""

    name: str
    members: tuple[str, ...] = ()
    oncall: str = ""
    quota: Quota = Quota()
    may: tuple[str, ...] = ()
    place: Place = Place("")


class Policy(Struct, frozen=True):
    """What the platform demands of every manifest and lets owners relax."""

    registries: tuple[str, ...] | None = None
    digests_required: bool = False
    gaps_forbidden: tuple[str, ...] = ()
    on_expiry: str = "keep"
    ends_required: bool = False
    longest_days: int = 90
    """The longest that a host relaxation may last."""
    notice_days: int = 7
    """How long before the end of a relaxation or token whoever is on call hears of it."""


class Waiver(Written, frozen=True):
    """The platform's approval of one relaxation of one service, by named persons, until an end."""

    service: ServiceName
    id: str
    arguments: tuple[tuple[str, Value], ...]
    why: str
    until: str
    by: tuple[str, ...]
    place: Place = Place("")


class DeclaredSource(Written, frozen=True):
    """Where manifests of one owner come from, or the platform's own if there is no owner.

    It lies in a git repository or in a `folder` of this machine. `start` is a commit that the
    platform trusts; without one nobody's signature is asked for.
    """

    name: str
    git: str = ""
    owner: str = ""
    branch: str = "main"
    tags: str = ""
    path: str = ""
    every_ms: int = 60_000
    credentials: str = ""
    start: str = ""
    merge_keys: tuple[str, ...] = ()
    folder: str = ""
    webhook: str = ""
    place: Place = Place("")

    @property
    def verified(self) -> bool:
        """Whether every change must be signed."""
        return bool(self.start)


class Platform(Struct, frozen=True):
    """Who runs the machine, and its rules."""

    mode: str = "solo"
    members: tuple[str, ...] = ()
    oncall: str = ""
    reserve_cpu_millicores: int = 250
    reserve_memory_bytes: int = 512 << 20
    owners: tuple[Owner, ...] = ()
    policy: Policy = Policy()
    waivers: tuple[Waiver, ...] = ()
    sources: tuple[DeclaredSource, ...] = ()


class Source(NamedTuple):
    """One manifest text: the name that messages use, and its content."""

    name: str
    text: str


class ManifestSet(Struct, frozen=True):
    """Manifests that are applied and pruned together."""

    services: tuple[Service, ...] = ()
    volumes: tuple[Volume, ...] = ()
    secrets: tuple[Secret, ...] = ()
    platform: Platform | None = None

    def files_needed(self) -> tuple[str, ...]:
        """The repository files that the services mount and that hold secrets, sorted."""
        mounted = {file.source for service in self.services for file in service.files}
        return tuple(sorted(mounted | {one.sealed for one in self.secrets if one.sealed}))


class Fleet(Struct, frozen=True):
    """All stored sets by name, with the set being applied in its new form."""

    sets: Mapping[str, ManifestSet] = field(default_factory=dict)
    platform_stored: bool = False
    """Whether a platform part is or ever was stored: then the mode is never implicitly solo."""

    @property
    def platform(self) -> Platform:
        """The one platform part, or the defaults of a machine that one person runs."""
        parts = [part.platform for part in self.sets.values() if part.platform]
        return parts[0] if parts else Platform(mode="team" if self.platform_stored else "solo")

    @property
    def platform_is_gone(self) -> bool:
        """Whether there was a platform part, and is none now."""
        return self.platform_stored and not any(part.platform for part in self.sets.values())

    def services(self) -> dict[ServiceName, Service]:
        """Every service of every set, sorted by name."""
        found = {service.name: service for part in self.sets.values() for service in part.services}
        return dict(sorted(found.items()))

    def volumes(self) -> dict[tuple[str, str], Volume]:
        """Every volume by owner and name."""
        return {(v.owner, v.name): v for part in self.sets.values() for v in part.volumes}

    def secrets(self) -> dict[tuple[str, str], Secret]:
        """Every secret by owner and name."""
        return {(s.owner, s.name): s for part in self.sets.values() for s in part.secrets}
