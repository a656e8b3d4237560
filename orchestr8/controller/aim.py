"""What a walk along the road is to make true."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from orchestr8.boxes.world import Health
from orchestr8.controller.contents import FileDigests
from orchestr8.controller.facts import Pinned
from orchestr8.controller.sight import Sight
from orchestr8.manifest.model import Fleet
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.plan import Upkeep


class Aim(Struct, frozen=True):
    """What this cycle is to make true: a fleet, the set that changes, its files by hash, and what
    is known of the services' images; what is not is asked of the engine."""

    fleet: Fleet
    applying: str
    files: FileDigests
    pinned: Pinned
    fetch: bool = False
    """Whether images that the engine lacks are fetched; a plan fetches nothing."""
    unwanted: Mapping[BoxId, str] = field(default_factory=dict)
    """Boxes that somebody wants replaced, and why."""
    known: Mapping[BoxId, Health] = field(default_factory=dict)
    """What is known of boxes at whose gates somebody waited."""
    strict: Mapping[ServiceName, int] | None = None
    """The versions of STRICT that services shall have; without these, those that they have."""
    notices: tuple[Upkeep, ...] = ()
    """Lines of the plan about what changes in the store alone."""
    sight: Sight | None = None
    """What an earlier look saw, where only what may be otherwise is looked at again."""
