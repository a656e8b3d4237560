"""`plan`: what an apply would do, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestr8.cli import completions
from orchestr8.cli.arguments import (
    EngineName,
    PathsOrNone,
    Pull,
    SetOrNone,
    checked_set,
)
from orchestr8.cli.plan_output import PlanOutput, print_json, print_markdown, print_text
from orchestr8.errors import Exit

ExitCode = Annotated[
    bool, typer.Option("--exit-code", help="Exit 10 if an apply would change anything.")
]


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
            from orchestr8.controller.planfile import written_down

            stored = session.settings.state == settings_for(engine).state
            plan = written_down(session, prospect.loaded, prospect.cycle, stored=stored)
            reach().write_plan(out, plan.text())
    reach().tell_revision(prospect.revision)
    words = shlex.quote(out) if out else typed(paths, set_name)
    if output is PlanOutput.JSON:
        print_json(prospect, texts, f"apply {words}")
    elif output is PlanOutput.MARKDOWN:
        print_markdown(prospect, f"plan of {words}")
    else:
        print_text(prospect, texts, f"apply {words}", simulated=simulated)
    return int(Exit.CHANGES) if exit_code and prospect.changes else 0
