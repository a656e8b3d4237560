"""What crosses the stage: facts about images, grants, gaps, contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from orchestr8.contract.losses import Loss
from orchestr8.isolation.consent import Consent, Danger
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.isolation.profile import PRIVATE, Profile
from orchestr8.isolation.relaxations import Value
from orchestr8.manifest.model import Health, Link, Publish, Service, Stop, Update
from orchestr8.names import ServiceName


class ImageFacts(Struct, frozen=True):
    """What an image says about itself; untrusted input.

    `id` is what the engine starts (sha256:…), `digest` the manifest's, if the engine knows one.
    """

    reference: str
    id: str
    digest: str = ""
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    workdir: str = ""
    volumes: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    stop_signal: str = ""
    architecture: str = ""


class Grant(Struct, frozen=True):
    """One relaxation allowed.

    `by` says on whose word; `until` is as written, the earlier of the relaxation's own end and of
    the waiver's, or empty. `ended` says that no new revision may be placed with it: its time has
    passed, or the word was taken back, and then `withdrawn` says how.
    """

    id: str
    arguments: tuple[tuple[str, Value], ...]
    danger: Danger
    consent: Consent
    by: str
    why: str = ""
    until: str = ""
    ended: bool = False
    implied: bool = False
    """By a plain field, which never asks for a reason or an end."""
    withdrawn: str = ""

    @property
    def has_passed(self) -> bool:
        """Whether its time is over, which is what `on_expiry` is about."""
        return self.ended and not self.withdrawn

    @property
    def ending(self) -> str:
        """How it ended, for people; empty while it holds."""
        if not self.ended:
            return ""
        return (
            f"is no longer allowed: {self.withdrawn}" if self.withdrawn else f"ended {self.until}"
        )


class Gap(NamedTuple):
    """What STRICT asks and this engine or host cannot carry."""

    feature: str
    asked: str
    why: str


class Egress(Struct, frozen=True):
    """Ranges and ports outside that a box may reach; TCP and UDP."""

    to: tuple[str, ...]
    ports: tuple[int, ...]


class Contract(Struct, frozen=True, gc=False):
    """What one service was granted.

    `notes` are sentences for the plan about what degrades without making anything weaker.
    """

    service: Service
    set_name: str
    profile: Profile
    limits: Limits
    grants: tuple[Grant, ...] = ()
    notes: tuple[str, ...] = ()
    egress: tuple[Egress, ...] = ()
    image: ImageFacts | None = None
    fixed_id: str = ""
    """uid:gid where the image's own or root was granted, else empty."""
    links_closed: tuple[Link, ...] = ()
    """Links that the other side accepts no longer."""
    ended: tuple[Grant, ...] = ()
    """Those of the grants that ended: most services have none, and every plan asks."""

    @property
    def name(self) -> ServiceName:
        """The service's name."""
        return self.service.name

    @property
    def is_tied(self) -> bool:
        """Whether it shares another's network or ipc namespace, or has a volume that others may
        share."""
        profile = self.profile
        return profile.net != PRIVATE or profile.ipc != PRIVATE or bool(self.service.volumes)

    @property
    def links(self) -> tuple[Link, ...]:
        """The ports that it may call."""
        return tuple(link for link in self.service.connects if link not in self.links_closed)

    @property
    def publish(self) -> tuple[Publish, ...]:
        """The ports of the host that lead to it."""
        return self.service.publish

    @property
    def health(self) -> Health | None:
        """How its boxes are asked whether they work."""
        return self.service.health

    @property
    def stop(self) -> Stop:
        """How its boxes are asked to end."""
        return self.service.stop

    @property
    def update(self) -> Update:
        """How its boxes are replaced."""
        return self.service.update

    @property
    def new_boxes_allowed(self) -> bool:
        """Whether a new revision may be placed: none of its relaxations has ended."""
        return not self.ended


class Contracts(Struct, frozen=True):
    """Every service's contract, sorted by name, the owners' quotas, and the gaps of this engine and
    host."""

    services: Mapping[ServiceName, Contract]
    quotas: Mapping[str, Quota]
    gaps: tuple[Gap, ...]
    features: Features
    tied: tuple[ServiceName, ...]
    """Those of the services that are tied to others, by name: of a large fleet few, for whom nobody
    has to look through all."""
    reserve_cpu_millicores: int = 0
    reserve_memory_bytes: int = 0
    on_expiry: str = "keep"
    notes: tuple[str, ...] = ()
    """Sentences about the whole, such as what could not be checked without a fleet."""
    losses: tuple[Loss, ...] = ()
    """The lines of other sets that are untrue once this is applied."""

    @property
    def told(self) -> tuple[str, ...]:
        """All sentences that are worth a line beside a plan."""
        return (*self.notes, *(loss.said for loss in self.losses))
