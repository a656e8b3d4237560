"""One walk along the whole road. The table of contents: read this first.

manifest -> fleet -> contracts -> desired -> world -> plan -> outcomes; the proof follows in
`proving`. Each line is a stage; what a stage decides is written in its own package.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.records import Records
from orchestr8.boxes.world import World
from orchestr8.contract.grant import Circumstances, grant
from orchestr8.contract.model import Contracts
from orchestr8.controller.contents import FileDigests, digests_of
from orchestr8.controller.facts import Resolved, resolve_images
from orchestr8.controller.gather import Glance, gather
from orchestr8.controller.session import Session
from orchestr8.controller.settings import now_ms
from orchestr8.manifest.model import Fleet
from orchestr8.planning.allocate import allocate
from orchestr8.planning.expand import expand
from orchestr8.planning.plan import Plan
from orchestr8.planning.reconcile import reconcile


@dataclass(frozen=True)
class Aim:
    """What this cycle is to make true: a fleet, the set that changes, and its files by hash."""

    fleet: Fleet
    applying: str
    files: FileDigests
    fetch: bool = False
    """Whether images that the engine lacks are fetched; a plan fetches nothing."""
    pull: bool = False
    """Whether tags are resolved anew."""


@dataclass(frozen=True)
class Cycle:
    """Everything that one walk found and decided."""

    resolved: Resolved
    contracts: Contracts
    desired: Desired
    records: Records
    world: World
    plan: Plan


def walk(session: Session, aim: Aim) -> Cycle:
    """From the fleet to the plan. Raises ManifestError, RefusedError or an EngineError."""
    borders, ledger = session.borders, session.store.ledger
    features = borders.boxes.features()
    resolved = resolve_images(aim.fleet, ledger, borders.images, fetch=aim.fetch, pull=aim.pull)
    circumstances = Circumstances(
        in_force=session.stored.fleet,
        applying=aim.applying,
        features=features,
        now=datetime.fromtimestamp(now_ms() / 1000, UTC),
        facts=resolved.facts,
    )
    contracts = grant(aim.fleet, circumstances)
    hashed = session.store.documents.digest
    digests = digests_of(aim.fleet, aim.files, session.contents, hashed, aim.applying)
    records, allocations = allocate(contracts, ledger.records(), session.ranges.services)
    desired = expand(contracts, records, digests, aim.fleet.volumes())
    world = gather(borders, desired, Glance(features, borders.boxes.observe()))
    plan = reconcile(desired, world, records, now_ms())
    return Cycle(resolved, contracts, desired, records, world, plan.with_services(allocations))
