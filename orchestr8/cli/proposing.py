"""`plan --source`: what a branch of a source would do, for whoever reviews it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestr8.cli.plan_output import PlanOutput, print_json, print_text
from orchestr8.cli.source_lines import titled
from orchestr8.cli.terminal import escaped, say
from orchestr8.errors import Exit, UsageError

if TYPE_CHECKING:
    from orchestr8.controller.proposal import Proposal

_UNSIGNED_SHOWN = 5


def plan_of_source(
    name: str, branch: str, output: PlanOutput, *, beside: bool, exit_code: bool
) -> int:
    """Prints the plan of a source's branch; returns the exit status.

    `beside` says that something was typed which belongs to a plan of files. Raises UsageError.
    """
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.cli.texts import Texts
    from orchestr8.controller.proposal import propose
    from orchestr8.controller.sources import require_sources

    _check(name, branch, beside=beside)
    with opened_fleet() as session:
        (source,) = require_sources(session, (name,))
        found = propose(session, source, branch)
    merged = not branch or (branch == source.branch and not source.tags)
    words = f"sync {name}" + ("" if merged else "   (once it is merged)")
    if output is PlanOutput.JSON:
        print_json(found.prospect, Texts(), f"sync {name}")
    elif output is PlanOutput.MARKDOWN:
        _print_markdown(found)
    else:
        say(escaped(_title(found)))
        print_text(found.prospect, Texts(), words, simulated=False)
        for line in _unsigned(found):
            say(escaped(line))
    return int(Exit.CHANGES) if exit_code and found.prospect.changes else 0


def _check(name: str, branch: str, *, beside: bool) -> None:
    from orchestr8.manifest.repository import branch as checked

    if not name:
        what = "--revision is a source's" if branch else "nothing is named to be planned"
        raise UsageError(what, "write orchestr8 plan PATH, or plan --source NAME")
    if beside:
        raise UsageError(
            "--source goes with --revision, --exit-code and --output alone", "leave the rest out"
        )
    try:
        checked(branch or "main")
    except ValueError as error:
        what, _, remedy = str(error).partition("; ")
        raise UsageError(f"--revision: {what}", remedy) from error


def _print_markdown(found: Proposal) -> None:
    from orchestr8.cli.markdown import inline, plan_as_markdown

    for line in plan_as_markdown(found.prospect, _title(found)):
        say(line)
    for line in _unsigned(found):
        say(f"- {inline(line)}")


def _title(found: Proposal) -> str:
    source = found.source
    of = f", tag {source.tags}" if source.tags else f", branch {source.branch}"
    return f"source {source.name}{'' if source.folder else of}: {titled(found.commit)}"


def _unsigned(found: Proposal) -> list[str]:
    """What would be refused if this were pushed as it is."""
    problems = found.unsigned
    lines = [f"{one.place}: {one.what}" for one in problems[:_UNSIGNED_SHOWN]]
    if len(problems) > _UNSIGNED_SHOWN:
        lines.append(f"{len(problems) - _UNSIGNED_SHOWN} more commits like these")
    if lines:
        lines.append("as it is this would be refused: a merge commit that a member signs is enough")
    return lines
