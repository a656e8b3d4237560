"""One walk along the whole road. The table of contents: read this first.

manifest -> fleet -> contracts -> desired -> world -> plan -> outcomes; the proof follows in
`proving`. Each line is a stage; what a stage decides is written in its own package.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.records import Records
from orchestr8.boxes.world import World
from orchestr8.contract.grant import Circumstances, grant
from orchestr8.contract.model import Contracts
from orchestr8.contract.outlook import outlook
from orchestr8.controller.contents import FileDigests, digests_of
from orchestr8.controller.facts import Pinned, Resolved, resolve_images
from orchestr8.controller.gather import gather, looking
from orchestr8.controller.session import Session
from orchestr8.controller.sight import Sight
from orchestr8.controller.sizes import require_sizes
from orchestr8.manifest.model import Fleet
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.adopted import once_applied
from orchestr8.planning.allocate import allocate
from orchestr8.planning.expand import expand
from orchestr8.planning.plan import Plan, Upkeep


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
    strict: Mapping[ServiceName, int] | None = None
    """The versions of STRICT that services shall have; without these, those that they have."""
    notices: tuple[Upkeep, ...] = ()
    """Lines of the plan about what changes in the store alone."""
    sight: Sight | None = None
    """What an earlier look saw, where only what may be otherwise is looked at again."""


class Cycle(Struct, frozen=True):
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
    with looking(session, aim.fleet, aim.sight) as look:
        resolved = resolve_images(
            aim.fleet, aim.pinned, borders.images, fetch=aim.fetch, clock=session.clock
        )
        circumstances = Circumstances(
            in_force=session.stored.fleet,
            applying=aim.applying,
            features=look.features,
            now=datetime.fromtimestamp(session.clock.now_ms() / 1000, UTC),
            facts=resolved.facts,
            strict=session.strict if aim.strict is None else aim.strict,
        )
        contracts = grant(aim.fleet, circumstances)
        refused = outlook(aim.fleet, circumstances)
        contracts = replace(contracts, notes=(*contracts.notes, *refused)) if refused else contracts
        hashed = session.store.documents.digest
        digests = digests_of(aim.fleet, aim.files, session.contents, hashed, aim.applying)
        known = once_applied(replace(ledger.records(), holds=session.holds), aim.applying)
        records, allocations = allocate(contracts, known, session.ranges.services)
        desired = expand(contracts, records, digests, aim.fleet.volumes())
        desired = replace(
            desired, unwanted=aim.unwanted, busy=session.busy, ceilings=session.ceilings
        )
        from orchestr8.planning.reconcile import reconcile  # loaded while the boxes are asked

        world = gather(borders, desired, look)
    require_sizes(aim.fleet, aim.applying, desired.volumes, world.volumes)
    plan = reconcile(desired, world, records, session.clock.now_ms())
    return Cycle(
        resolved, contracts, desired, records, world, plan.with_services(allocations, aim.notices)
    )
