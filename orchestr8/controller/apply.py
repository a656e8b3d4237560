"""A request planned, or planned and made true.

The boxes are asked before what judges them is loaded: an engine takes as long to run a command in
a box as Python to load the stages that follow, and so the one costs nothing beside the other.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from orchestr8.controller.clock import nothing
from orchestr8.controller.facts import resolve_images
from orchestr8.controller.gather import looking
from orchestr8.controller.progress import Progress
from orchestr8.controller.request import Loaded, Request, aim_of, going_on, load_request
from orchestr8.controller.session import Session
from orchestr8.store.interventions import Override

if TYPE_CHECKING:
    from orchestr8.controller.applied import Applied
    from orchestr8.controller.cycle import Cycle


class Prospect(Struct, frozen=True):
    """What an apply would do."""

    loaded: Loaded
    cycle: Cycle
    overrides: tuple[Override, ...] = ()
    """The values set by hand that go on counting."""
    revision: int = 0
    """The set's revision that it was made against, or 0."""

    @property
    def changes(self) -> bool:
        """Whether an apply would change anything, be it in the store alone."""
        return not self.cycle.plan.empty or bool(self.cycle.plan.upkeep)


def plan_request(session: Session, request: Request) -> Prospect:
    """The plan for a request; nothing is stored, fetched or changed."""
    loaded = load_request(session, request)
    aim = aim_of(session, loaded, fetch=False)
    with looking(session, aim.fleet) as look:
        from orchestr8.controller.cycle import decide
        from orchestr8.controller.expected import revision_in_force
        from orchestr8.controller.seen import seen_cycle

        cycle = seen_cycle(session.authority, decide(session, aim, look))
    going = going_on(session, [loaded])
    seen = tuple(one for one in going if session.may(one.service.owner))
    return Prospect(loaded, cycle, seen, revision_in_force(session, request.set_name))


def apply_request(
    session: Session, request: Request, progress: Progress, timeout_ms: int
) -> Applied:
    """Makes a request true; raises what the stages raise, with nothing changed."""
    began, patience = session.clock.monotonic(), session.patience(timeout_ms)
    with session.changing():
        loaded = load_request(session, request)
        _fetch_images(session, loaded)
        aim = aim_of(session, loaded, fetch=True)
        with looking(session, aim.fleet) as look:
            from orchestr8.controller.cycle import decide
            from orchestr8.controller.making import make_true
            from orchestr8.controller.narrate import Narrator

            first = decide(session, aim, look)
        narrator = Narrator(progress, session.clock, session.may, began)
        return make_true(session, loaded, first, narrator, patience)


def _fetch_images(session: Session, loaded: Loaded) -> None:
    """Images that the engine lacks may take minutes: a server keeps the others meanwhile."""
    if session.meanwhile is not nothing:
        aim = aim_of(session, loaded, fetch=True)
        images, clock = session.borders.images, session.clock
        asked = partial(resolve_images, aim.fleet, aim.pinned, images, fetch=True, clock=clock)
        session.beside(asked)
