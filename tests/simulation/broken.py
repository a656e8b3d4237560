"""Controllers that are wrong on purpose, so that an invariant that cannot fail is found out."""

from __future__ import annotations

import math

from msgspec.structs import replace

from orchestr8.boxes.desired import Desired
from orchestr8.boxes.world import State
from orchestr8.controller.borders import subject
from orchestr8.controller.carrying import Begun, Outcomes, failed
from orchestr8.controller.clock import Patience
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.execute import Executor, Outcome, Result
from orchestr8.controller.keeping import Keeper
from orchestr8.controller.loop import Loop
from orchestr8.controller.progress import Listener
from orchestr8.controller.recording import conclude
from orchestr8.controller.session import Session
from orchestr8.controller.sight import Sight
from orchestr8.errors import Orchestr8Error
from orchestr8.planning.plan import Plan, StopBox


class Forgetful(Loop):
    """Looks when it hears something, and never by itself: an event that got lost is lost."""

    def _turn(self) -> float:
        super()._turn()
        return math.inf


class Brittle(Loop):
    """What went wrong once is not tried again."""

    def _tell_trouble(self, error: Orchestr8Error) -> None:
        super()._tell_trouble(error)
        self._turn = lambda: math.inf  # type: ignore[method-assign]


class Stale(Loop):
    """Goes on with the fleet that it knew at its start."""

    def __init__(self, session: Session, listener: Listener) -> None:
        super().__init__(session, listener)
        session.stored  # noqa: B018 - it is read once, and kept
        session.forget_stored = lambda: None  # type: ignore[method-assign]


class _Hasty(Executor):
    """Takes a gate that nobody waits at any more for one that was passed."""

    def _end(self, outcome: Outcome) -> None:
        passed = outcome.result is Result.OPEN
        super()._end(replace(outcome, result=Result.DONE) if passed else outcome)


class _HastyKeeper(Keeper):
    def _execute(self, cycle: Cycle, begun: Begun | None = None) -> Outcomes:
        session, plan = self.session, cycle.plan
        begun = begun or self._begin(cycle)
        patience = Patience(math.inf, session.clock, lambda: True)
        outcomes = _Hasty(plan, session.borders, self.narrator.watch, patience).run()
        conclude(session, plan, begun.actor, begun.intents, outcomes)
        return outcomes


class Hasty(Loop):
    """Ends a box before another one is known to work in its place."""

    def __init__(self, session: Session, listener: Listener) -> None:
        super().__init__(session, listener)
        self._keeper = _HastyKeeper(session, listener)


class _CarelessKeeper(Keeper):
    def _begin(self, cycle: Cycle) -> Begun:
        return Begun("law", {})

    def _execute(self, cycle: Cycle, begun: Begun | None = None) -> Outcomes:
        borders, patience = self.session.borders, self.session.patience(10**9)
        return Executor(cycle.plan, borders, self.narrator.watch, patience).run()


class Careless(Loop):
    """Writes nothing down before it calls."""

    def __init__(self, session: Session, listener: Listener) -> None:
        super().__init__(session, listener)
        self._keeper = _CarelessKeeper(session, listener)


class _TidyKeeper(Keeper):
    def turn(self) -> tuple[Cycle, int]:
        """One turn, and nothing on the machine that the store does not know."""
        cycle, next_ms = super().turn()
        boxes = self.session.borders.boxes
        for box in cycle.world.boxes:
            if box.id not in cycle.records.boxes and box.state is State.CREATED:
                boxes.remove(box.id)
        return cycle, next_ms


class Tidy(Loop):
    """Takes every box for its own."""

    def __init__(self, session: Session, listener: Listener) -> None:
        super().__init__(session, listener)
        self._keeper = _TidyKeeper(session, listener)


class _BluntKeeper(Keeper):
    """Ends what runs before it makes what shall run instead."""

    def _execute(self, cycle: Cycle, begun: Begun | None = None) -> Outcomes:
        for action in cycle.plan.actions:
            if isinstance(action.call, StopBox):
                self.session.borders.boxes.stop(action.call.id, "SIGKILL", 0)
        return super()._execute(cycle, begun)


class Blunt(Loop):
    """Every update is a restart."""

    def __init__(self, session: Session, listener: Listener) -> None:
        super().__init__(session, listener)
        self._keeper = _BluntKeeper(session, listener)


class Overlapping(Loop):
    """While a plan's calls take their time it makes another one for the same services."""

    def _meanwhile(self) -> None:
        under_way, self._session.under_way = self._session.under_way, []
        try:
            super()._meanwhile()
        finally:
            self._session.under_way = under_way


class _Credulous(Sight):
    def doubt_plan(self, plan: Plan) -> None:
        """What was true once is good enough."""

    def covers(self, plan: Plan) -> bool:
        return True


class Credulous(Loop):
    """Acts upon what it remembers."""

    def __init__(self, session: Session, listener: Listener) -> None:
        super().__init__(session, listener)
        self._keeper.sight = _Credulous()


class _LeakyKeeper(Keeper):
    """What went wrong is not there, it believes."""

    def _execute(self, cycle: Cycle, begun: Begun | None = None) -> Outcomes:
        outcomes = super()._execute(cycle, begun)
        spoilt = (subject(cycle.plan.actions[one.number].call)[0] for one in failed(outcomes))
        self.session.store.ledger.forget_boxes([box_id for box_id in spoilt if box_id])
        return outcomes


class Leaky(Loop):
    """Forgets the box of every call that failed."""

    def __init__(self, session: Session, listener: Listener) -> None:
        super().__init__(session, listener)
        self._keeper = _LeakyKeeper(session, listener)


class Crowded(Loop):
    """Serves whoever asks while it is still at what another one asked for."""

    def _meanwhile(self) -> None:
        super()._meanwhile()
        self._hear(0)


class Lavish(Loop):
    """While a plan is carried out it deals cores as if that one had dealt none."""

    def __init__(self, session: Session, listener: Listener) -> None:
        super().__init__(session, listener)
        with_what_goes_on = session.with_what_goes_on

        def dealt_anew(desired: Desired) -> Desired:
            return replace(with_what_goes_on(desired), being_dealt=None)

        session.with_what_goes_on = dealt_anew  # type: ignore[method-assign]


LOOPS: tuple[type[Loop], ...] = (
    Forgetful,
    Brittle,
    Stale,
    Hasty,
    Careless,
    Tidy,
    Blunt,
    Overlapping,
    Credulous,
    Leaky,
    Crowded,
    Lavish,
)
