"""What the journal hears of a plan: intents before the calls, results after them.

What makes or ends something is written down before it is called, one row a call. What is harmless
to repeat is written after the fact, one row for all calls of a kind on one service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from orchestr8.controller.borders import makes_or_ends, subject
from orchestr8.controller.deeds import AT_A_DEED, EXECUTE
from orchestr8.controller.execute import Outcome, Result
from orchestr8.controller.session import Session
from orchestr8.planning import plan
from orchestr8.planning.plan import Action, Plan
from orchestr8.store.chain import Entry

KINDS: dict[type[plan.Call], str] = {
    plan.PrepareNetwork: "prepare network",
    plan.ChangeNetwork: "change network",
    plan.EnsureOwner: "set quota",
    plan.FetchImage: "fetch image",
    plan.EnsureVolume: "make volume",
    plan.CreateBox: "create",
    plan.StartBox: "start",
    plan.AwaitBox: "await",
    plan.UpdateLimits: "set limits",
    plan.SetCores: "set cores",
    plan.WriteNames: "write names",
    plan.StopBox: "stop",
    plan.RemoveBox: "remove",
    plan.ForgetBox: "forget",
}
"""The journal's word for each call."""
UNDER_WAY = "under way"
"""Remembered while a plan is carried out, so that nobody searches the journal without need."""
CUT_SHORT = "cut short: what came of it is seen by looking"


def intend(session: Session, asked: Plan, actor: str) -> dict[int, int]:
    """Writes the intents of whoever acts; the journal's number of each, by the action's place in
    the plan."""
    calls = [n for n, action in enumerate(asked.actions) if makes_or_ends(action.call)]
    with session.store.together():
        words = [_words(asked.actions[n]) for n in calls]
        at_ms = session.clock.now_ms()
        numbers = session.store.journal.intend(actor, at_ms, words)
        if numbers:
            session.store.ledger.remember(UNDER_WAY, "yes")
    return dict(zip(calls, numbers, strict=True))


def close_cut_short(session: Session) -> None:
    """Gives a result to what an earlier command began and was killed at; call it under the lock.

    Whoever runs a command in a box does not hold that, and may be at it still.
    """
    ledger = session.store.ledger
    if not ledger.meta(UNDER_WAY) and not ledger.meta(AT_A_DEED):
        return
    journal, at_ms = session.store.journal, session.clock.now_ms()
    with session.store.together():
        begun = [row for row in journal.under_way() if row.kind != EXECUTE]
        cut_short = [(row.number, at_ms, CUT_SHORT) for row in begun]
        journal.conclude(session.settings.actor, cut_short)
        ledger.remember(UNDER_WAY, "")
        ledger.remember(AT_A_DEED, "")


def conclude(
    session: Session,
    asked: Plan,
    actor: str,
    intents: Mapping[int, int],
    outcomes: Sequence[Outcome],
) -> None:
    """Writes what became of the intents, and in groups what needed none."""
    journal, at_ms = session.store.journal, session.clock.now_ms()
    with session.store.together():
        journal.conclude(
            actor, [(intents[n], at_ms, _result(outcomes[n])) for n in sorted(intents)]
        )
        groups = Counter(
            (*_group(action), _result(outcome))
            for action, outcome in zip(asked.actions, outcomes, strict=True)
            if not makes_or_ends(action.call)
            and not isinstance(action.call, plan.AwaitBox)
            and outcome.result is not Result.SKIPPED
        )
        if not session.under_way:
            session.store.ledger.remember(UNDER_WAY, "")
        journal.append(
            Entry(at_ms, actor, kind, about, cause, _often(result, often))
            for (kind, about, cause, result), often in sorted(groups.items())
        )


def _words(action: Action) -> tuple[str, str, str]:
    return KINDS[type(action.call)], subject(action.call)[1], action.cause


def _group(action: Action) -> tuple[str, str, str]:
    kind, about, cause = _words(action)
    return kind, str(action.service) if action.service else about, cause


def _result(outcome: Outcome) -> str:
    return f"{outcome.result.value}: {outcome.why}" if outcome.why else outcome.result.value


def _often(result: str, times: int) -> str:
    return f"{result}, {times} calls" if times > 1 else result
