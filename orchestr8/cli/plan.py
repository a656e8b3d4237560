"""`plan`: what an apply would do, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import (
    DEFAULT_SET,
    EngineName,
    Output,
    OutputAs,
    Paths,
    Pull,
    SetName,
    checked_set,
)
from orchestr8.errors import Exit

if TYPE_CHECKING:
    from orchestr8.cli.texts import Texts
    from orchestr8.controller.apply import Prospect

ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="Exit 10 if an apply would change anything.")
]


def run(
    paths: Paths,
    set_name: SetName = DEFAULT_SET,
    exit_code: ExitCode = False,
    pull: Pull = False,
    engine: EngineName = "",
    output: OutputAs = Output.TEXT,
) -> int:
    """Show what an apply would do, service by service, why, and with what effect.

    Nothing is changed and nothing is fetched. Marks: + provision, ~ change in place, ± replace,
    - release, ! waits. With `--engine memory` a plan is made without any host, for a first look.
    """
    from orchestr8.cli.opening import (
        lines_shown,
        make_up_secrets,
        opened_to_look,
        request_of,
    )
    from orchestr8.controller.apply import plan_request

    request, texts = request_of(paths, checked_set(set_name), pull=pull)
    with opened_to_look(engine) as session, lines_shown(texts):
        make_up_secrets(session, request)
        prospect = plan_request(session, request)
        simulated = session.choice.engine == "memory"
    if output is Output.JSON:
        _print_json(prospect, texts, paths, set_name)
    else:
        _print_text(prospect, texts, paths, set_name, simulated=simulated)
    return int(Exit.CHANGES) if exit_code and not prospect.cycle.plan.empty else 0


def _print_text(
    prospect: Prospect, texts: Texts, paths: list[str], set_name: str, *, simulated: bool
) -> None:
    from orchestr8.cli.paperwork import gap_line, relaxation_lines
    from orchestr8.cli.plan_table import table_lines
    from orchestr8.cli.terminal import escaped, say
    from orchestr8.cli.texts import typed
    from orchestr8.controller.settings import now_ms
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
    for reference in prospect.cycle.resolved.absent:
        say(f"not on the engine yet: {escaped(reference)}; an apply fetches it, and then checks it")
    for name in texts.passed_over:
        say(f"passed over: {escaped(name)} (it has none of a manifest's keys)")
    if plan.unknown:
        ids = ", ".join(map(str, plan.unknown))
        say(f"left alone, since the store knows nothing of them: {ids}")
    if simulated:
        say("simulated: the machine of this plan is made up, and so is what its images say.")
    if not plan.empty:
        say(f"Apply this:  orchestr8 apply {typed(paths, set_name)}")


def _print_json(prospect: Prospect, texts: Texts, paths: list[str], set_name: str) -> None:
    from orchestr8.cli.conclusion import steps_as_json
    from orchestr8.cli.document import print_document
    from orchestr8.cli.paperwork import as_json
    from orchestr8.cli.texts import typed
    from orchestr8.controller.borders import subject
    from orchestr8.planning.show import summary

    cycle = prospect.cycle
    print_document(
        "plan",
        set=prospect.loaded.request.set_name,
        engine=cycle.contracts.features.engine,
        changes=not cycle.plan.empty,
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
        left_alone=cycle.plan.unknown,
        passed_over=texts.passed_over,
        notes=cycle.contracts.notes,
        apply=f"orchestr8 apply {typed(paths, set_name)}",
    )
