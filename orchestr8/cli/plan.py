"""`plan`: what an apply would do, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli import completions
from orchestr8.cli.arguments import (
    EngineName,
    PathsOrNone,
    Pull,
    SetOrNone,
    checked_set,
)
from orchestr8.errors import Exit

if TYPE_CHECKING:
    from orchestr8.cli.texts import Texts
    from orchestr8.controller.apply import Prospect

ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="Exit 10 if an apply would change anything.")
]


class PlanOutput(StrEnum):
    """How a plan is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


PlanOutputAs = Annotated[
    PlanOutput,
    typer.Option(
        "--output", help="Text for people, JSON with a versioned schema, or Markdown for a review."
    ),
]
SourceName = Annotated[
    str,
    typer.Option(
        "--source",
        metavar="NAME",
        help="Plan what this source has, in place of PATH.",
        show_default=False,
        autocompletion=completions.sources,
    ),
]
Revision = Annotated[
    str,
    typer.Option(
        "--revision",
        metavar="BRANCH",
        help="With --source: another branch of it, as of a pull request.",
        show_default=False,
    ),
]
Out = Annotated[
    str,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write the plan down, to be applied exactly so (mode 0600).",
        show_default=False,
    ),
]


def run(
    paths: PathsOrNone = None,
    set_name: SetOrNone = None,
    exit_code: ExitCode = False,
    out: Out = "",
    pull: Pull = False,
    engine: EngineName = "",
    source: SourceName = "",
    revision: Revision = "",
    output: PlanOutputAs = PlanOutput.TEXT,
) -> int:
    """Show what an apply would do, service by service, why, and with what effect.

    Nothing is changed and nothing is fetched. Marks: + provision, ~ change in place, ± replace,
    - release, ! waits. With `--engine memory` a plan is made without any host, for a first look.
    With `--out FILE` the plan is written down, and `orchestr8 apply FILE` does exactly that, or
    nothing if what the plan touches has moved. With `--source NAME --revision BRANCH` it is the
    plan of a branch that is not merged yet, `--output markdown` for its review.
    """
    import shlex

    from orchestr8.cli.asking import settings_for
    from orchestr8.cli.opening import (
        lines_shown,
        make_up_secrets,
        opened_to_look,
        request_of,
        require_not_lost,
    )
    from orchestr8.cli.reach import reach
    from orchestr8.cli.texts import typed
    from orchestr8.controller.apply import plan_request
    from orchestr8.controller.planfile import written_down

    if source or revision or not paths:
        from orchestr8.cli.proposing import plan_of_source

        beside = bool(paths or set_name or out or pull or engine)
        return plan_of_source(source, revision, output, beside=beside, exit_code=exit_code)
    request, texts = request_of(paths, set_name and checked_set(set_name), pull=pull)
    if out:
        reach().check_out(out)
    require_not_lost(engine)
    with opened_to_look(engine) as session, lines_shown(texts):
        make_up_secrets(session, request)
        prospect = plan_request(session, request)
        simulated = session.choice.engine == "memory"
        if out:
            stored = session.settings.state == settings_for(engine).state
            plan = written_down(session, prospect.loaded, prospect.cycle, stored=stored)
            reach().write_plan(out, plan.text())
    reach().tell_revision(prospect.revision)
    words = shlex.quote(out) if out else typed(paths, set_name)
    if output is PlanOutput.JSON:
        print_json(prospect, texts, f"apply {words}")
    elif output is PlanOutput.MARKDOWN:
        _print_markdown(prospect, f"plan of {words}")
    else:
        print_text(prospect, texts, f"apply {words}", simulated=simulated)
    return int(Exit.CHANGES) if exit_code and prospect.changes else 0


def _print_markdown(prospect: Prospect, title: str) -> None:
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
    for line in (*gap_line(contracts), *contracts.notes):
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
        notes=cycle.contracts.notes,
        apply=f"orchestr8 {words}",
    )
