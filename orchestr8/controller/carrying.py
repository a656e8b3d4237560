"""A plan is carried out with the journal told before and after, and what is gone forgotten."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from orchestr8.controller.clock import Patience
from orchestr8.controller.execute import Executor, Outcome, Result, Watch
from orchestr8.controller.recording import conclude, intend
from orchestr8.controller.session import Session
from orchestr8.names import BoxId
from orchestr8.planning.plan import AwaitBox, ForgetBox, Plan, RemoveBox, StartBox

Outcomes = tuple[Outcome, ...]


class Begun(Struct, frozen=True):
    """What stands on the disk of a plan before its first call: whom the journal names, and its
    number of each intent."""

    actor: str
    intents: Mapping[int, int]


def begin(session: Session, plan: Plan, actor: str = "") -> Begun:
    """Allocations first, then intents; nothing but the calls may come next.

    The journal names the `actor`, or whoever the session is of.
    """
    actor = actor or session.settings.actor
    with session.store.together():  # the disk is waited for once
        session.store.ledger.allocate(plan.allocations)
        return Begun(actor, intend(session, plan, actor))


def carry_out(
    session: Session, plan: Plan, watch: Watch, patience: Patience, begun: Begun | None = None
) -> Outcomes:
    """The calls of a plan that was `begun`, or is now; what became of each."""
    begun = begun or begin(session, plan)
    outer = session.under_way[-1] if session.under_way else None
    executor = Executor(plan, session.borders, watch, patience, outer)
    session.under_way.append(executor)
    try:
        outcomes = executor.run()
    finally:
        session.under_way.pop()
    _tell_pulses(session, plan, outcomes)
    with session.store.together():
        conclude(session, plan, begun.actor, begun.intents, outcomes)
        session.store.ledger.forget_boxes(
            action.call.id
            for action, outcome in zip(plan.actions, outcomes, strict=True)
            if isinstance(action.call, RemoveBox | ForgetBox) and outcome.result is Result.DONE
        )
    return outcomes


def _tell_pulses(session: Session, plan: Plan, outcomes: Outcomes) -> None:
    if session.pulses:
        for action, outcome in zip(plan.actions, outcomes, strict=True):
            if isinstance(action.call, AwaitBox) and outcome.result is Result.DONE:
                session.pulses.passed(action.call.id)


def started(plan: Plan, outcomes: Outcomes) -> list[BoxId]:
    """The boxes that started."""
    return [
        action.call.id
        for action, outcome in zip(plan.actions, outcomes, strict=True)
        if isinstance(action.call, StartBox) and outcome.result is Result.DONE
    ]


def failed(outcomes: Outcomes) -> list[Outcome]:
    """What failed by itself, and not since the time was over."""
    return [one for one in outcomes if one.result is Result.FAILED and not one.late]
