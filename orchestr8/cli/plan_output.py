"""How a plan is printed: for people, as facts, for a review."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestr8.cli.texts import Texts
    from orchestr8.controller.apply import Prospect


class PlanOutput(StrEnum):
    """How a plan is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def print_markdown(prospect: Prospect, title: str) -> None:
    """A plan for a review."""
    from orchestr8.cli.markdown import plan_as_markdown
    from orchestr8.cli.terminal import say

    for line in plan_as_markdown(prospect, title):
        say(line)


def print_text(prospect: Prospect, texts: Texts, words: str, *, simulated: bool) -> None:
    """A plan for people; `words` are what makes it so, after `orchestr8`."""
    from orchestr8.cli.paperwork import gap_line, relaxation_lines
    from orchestr8.cli.plan_table import table_lines
    from orchestr8.cli.terminal import escaped, say
    from orchestr8.controller.overrides import told
    from orchestr8.controller.settings import now_ms
    from orchestr8.planning.holds import in_force, said
    from orchestr8.planning.show import summary

    plan, contracts = prospect.cycle.plan, prospect.cycle.contracts
    for line in table_lines(plan):
        say(line)
    if plan.steps or plan.upkeep:
        say()
    counted = summary(plan)
    if counted:
        say(counted)
    for line in relaxation_lines(contracts, now_ms()):
        say(line)
    for line in (*gap_line(contracts), *contracts.told):
        say(line)
    waiting = {step.service for step in plan.waiting}
    for held, hold in in_force(prospect.cycle.records.holds, now_ms()).items():
        if held not in waiting:
            say(f"{held} is {escaped(said(hold))}; nothing of it waits")
    for one in prospect.overrides:
        say(f"set by hand: {one.service} {told(one)}; it counts until that line is edited")
    for reference in prospect.cycle.resolved.absent:
        say(f"not on the engine yet: {escaped(reference)}; an apply fetches it, and then checks it")
    for name in texts.passed_over:
        say(f"passed over: {escaped(name)} (it has none of a manifest's keys)")
    if plan.unknown:
        ids = ", ".join(map(str, plan.unknown))
        say(f"left alone, since the store knows nothing of them: {ids}")
    if plan.adopted:
        ids = ", ".join(map(str, plan.adopted))
        say(f"adopted, and left alone until their own manifests are applied: {ids}")
    if simulated:
        say("simulated: the machine of this plan is made up, and so is what its images say.")
    if prospect.changes:
        say(f"Apply this:  orchestr8 {words}")


def print_json(prospect: Prospect, texts: Texts, words: str) -> None:
    """A plan as facts."""
    from orchestr8.cli.conclusion import steps_as_json
    from orchestr8.cli.document import print_document
    from orchestr8.cli.paperwork import as_json
    from orchestr8.cli.status import overrides_as_json
    from orchestr8.controller.borders import subject
    from orchestr8.controller.settings import now_ms
    from orchestr8.planning.holds import in_force
    from orchestr8.planning.show import summary

    cycle = prospect.cycle
    print_document(
        "plan",
        set=prospect.loaded.request.set_name,
        revision=prospect.revision,
        engine=cycle.contracts.features.engine,
        changes=prospect.changes,
        summary=summary(cycle.plan),
        steps=steps_as_json(cycle.plan.steps),
        upkeep=[
            {
                "subject": line.subject,
                "cause": line.cause,
                "changes": [
                    {"field": one.field, "before": one.before, "after": one.after}
                    for one in line.changes
                ],
                "effect": line.effect,
            }
            for line in cycle.plan.upkeep
        ],
        actions=[
            {
                "number": number,
                "call": type(action.call).__name__,
                "subject": subject(action.call)[1],
                "purpose": action.purpose,
                "cause": action.cause,
                "service": action.service,
                "needs": action.needs,
            }
            for number, action in enumerate(cycle.plan.actions)
        ],
        **as_json(cycle.contracts),
        images_absent=cycle.resolved.absent,
        overrides=overrides_as_json(prospect.overrides),
        holds={str(n): hold for n, hold in in_force(cycle.records.holds, now_ms()).items()},
        left_alone=cycle.plan.unknown,
        adopted=cycle.plan.adopted,
        passed_over=texts.passed_over,
        notes=cycle.contracts.told,
        apply=f"orchestr8 {words}",
    )
