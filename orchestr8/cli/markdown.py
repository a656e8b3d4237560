"""A plan as Markdown, for the conversation about a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestr8.cli.terminal import escaped
from orchestr8.planning.show import plan_lines, summary

if TYPE_CHECKING:
    from orchestr8.controller.apply import Prospect

_HEAD = ("", "service", "boxes", "what", "details", "effect")


def plan_as_markdown(prospect: Prospect, title: str) -> list[str]:
    """A heading, a table of what an apply would do, and the counts below it."""
    plan, notes = prospect.cycle.plan, prospect.cycle.contracts.told
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
    return [*lines, *([said] if said else []), *(f"- {inline(note)}" for note in notes)]


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
