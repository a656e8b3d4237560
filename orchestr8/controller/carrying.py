"""A plan is carried out with the journal told before and after, and what is gone forgotten."""

from __future__ import annotations

from orchestr8.controller.clock import Patience
from orchestr8.controller.execute import Executor, Outcome, Result, Watch
from orchestr8.controller.recording import conclude, intend
from orchestr8.controller.session import Session
from orchestr8.names import BoxId
from orchestr8.planning.plan import AwaitBox, ForgetBox, Plan, RemoveBox, StartBox

Outcomes = tuple[Outcome, ...]


def carry_out(
    session: Session, plan: Plan, watch: Watch, patience: Patience, actor: str = ""
) -> Outcomes:
    """Allocations first, then intents, then the calls; what became of each.

    The journal names the `actor`, or whoever the session is of.
    """
    actor = actor or session.settings.actor
    with session.store.together():  # the disk is waited for once
        session.store.ledger.allocate(plan.allocations)
        intents = intend(session, plan, actor)
    outer = session.under_way[-1] if session.under_way else None
    executor = Executor(plan, session.borders, watch, patience, outer)
    session.under_way.append(executor)
    try:
        outcomes = executor.run()
    finally:
        session.under_way.pop()
    _tell_pulses(session, plan, outcomes)
    with session.store.together():
        conclude(session, plan, actor, intents, outcomes)
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
