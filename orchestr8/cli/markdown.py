"""A plan as Markdown, for the conversation about a change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestr8.cli.paperwork import gap_line, relaxation_lines
from orchestr8.cli.terminal import escaped
from orchestr8.controller.settings import now_ms
from orchestr8.errors import Problem
from orchestr8.planning.show import plan_lines, summary

if TYPE_CHECKING:
    from orchestr8.controller.apply import Prospect

_HEAD = ("", "service", "boxes", "what", "details", "effect")


def plan_as_markdown(prospect: Prospect, title: str) -> list[str]:
    """A heading, a table of what an apply would do, and below it the counts, the walls that are
    lowered, and what is not carried."""
    plan, contracts = prospect.cycle.plan, prospect.cycle.contracts
    notes = (*relaxation_lines(contracts, now_ms()), *gap_line(contracts), *contracts.told)
    lines = [f"### {inline(title)}", ""]
    rows = plan_lines(plan)
    if rows:
        lines += [_row(_HEAD), _row(("---",) * len(_HEAD))]
        lines += [
            _row((row.mark, row.service, row.boxes, row.what, row.details, row.effect))
            for row in rows
        ]
        lines.append("")
    said = summary(plan)
    below = ("", *(f"- {inline(note)}" for note in notes)) if notes else ()
    return [*lines, *([said] if said else []), *below]


def problems_as_markdown(problems: Sequence[Problem], counted: str) -> list[str]:
    """A heading with their count, and each with its place and what to do about it."""
    lines = [f"### {inline(counted)}", ""]
    for problem in problems:
        lines.append(f"- **{inline(str(problem.place))}**: {inline(problem.what)}")
        if problem.remedy:
            lines.append(f"  - {inline(problem.remedy)}")
    return lines


def inline(text: str) -> str:
    """Foreign text that is text: nothing in it is a mark, a link, a mention or a new line."""
    shown = escaped(text)
    for mark in "\\`*_[]|~":
        shown = shown.replace(mark, f"\\{mark}")
    return (
        shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    )


def _row(cells: tuple[str, ...]) -> str:
    shown = (cell if set(cell) == {"-"} and len(cell) == 3 else inline(cell) for cell in cells)
    return f"| {' | '.join(shown)} |"
