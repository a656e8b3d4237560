"""One walk along the whole road. The table of contents: read this first.

manifest -> fleet -> contracts -> desired -> world -> plan -> outcomes; the proof follows in
`proving`. Each line is a stage; what a stage decides is written in its own package.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.records import Records
from orchestr8.boxes.world import World
from orchestr8.contract.grant import Circumstances, grant
from orchestr8.contract.model import Contracts
from orchestr8.contract.outlook import looked_ahead
from orchestr8.controller.aim import Aim
from orchestr8.controller.contents import digests_of
from orchestr8.controller.facts import Resolved, resolve_images
from orchestr8.controller.gates import with_known
from orchestr8.controller.gather import Look, gather, looking
from orchestr8.controller.session import Session
from orchestr8.controller.sizes import require_sizes
from orchestr8.planning.adopted import once_applied
from orchestr8.planning.allocate import allocate
from orchestr8.planning.expand import expand
from orchestr8.planning.plan import Allocations, Plan


class Cycle(Struct, frozen=True):
    """Everything that one walk found, gave out before the plan, and decided."""

    resolved: Resolved
    contracts: Contracts
    desired: Desired
    records: Records
    world: World
    plan: Plan
    given: Allocations


def walk(session: Session, aim: Aim) -> Cycle:
    """From the fleet to the plan. Raises ManifestError, RefusedError or an EngineError."""
    with looking(session, aim.fleet, aim.sight) as look:
        return decide(session, aim, look)


def decide(session: Session, aim: Aim, look: Look) -> Cycle:
    """The rest of the walk, for whoever has begun to look."""
    borders, ledger = session.borders, session.store.ledger
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
    contracts = looked_ahead(grant(aim.fleet, circumstances), aim.fleet, circumstances)
    hashed = session.store.documents.digest
    digests = digests_of(aim.fleet, aim.files, session.contents, hashed, aim.applying)
    known = once_applied(replace(ledger.records(), holds=session.holds), aim.applying)
    records, allocations = allocate(contracts, known, session.ranges.services)
    desired = expand(contracts, records, digests, aim.fleet.volumes())
    desired = session.with_what_goes_on(replace(desired, unwanted=aim.unwanted))
    from orchestr8.planning.reconcile import reconcile  # loaded while the boxes are asked

    world = with_known(gather(borders, contracts, look), aim.known)
    require_sizes(aim.fleet, aim.applying, desired.volumes, world.volumes)
    plan = reconcile(desired, world, records, session.clock.now_ms())
    plan = plan.with_services(allocations, aim.notices)
    return Cycle(resolved, contracts, desired, records, world, plan, allocations)
