"""The table of a plan on a terminal: marks in colour, columns that give way to its width."""

from __future__ import annotations

from msgspec.structs import replace

from orchestr8.cli.columns import wrapped
from orchestr8.cli.terminal import Paint, escaped, paint, width
from orchestr8.planning.plan import Mark, Plan
from orchestr8.planning.show import Row, details_width, plan_lines

HEAD = Row(" ", "SERVICE", "BOXES", "WHAT")
_GAP = "  "
_DETAILS_LEAST = 24


def table_lines(plan: Plan) -> list[str]:
    """The rows under their head; nothing for a plan without rows."""
    rows = [replace(row, details=escaped(row.details)) for row in plan_lines(plan)]
    if not rows:
        return []
    whole = [HEAD, *rows]
    fixed = [max(len(cell) for cell in column) for column in zip(*map(_fixed, whole), strict=True)]
    details = details_width(whole)
    effect = max(len(row.effect) for row in whole)
    longest = max(details + len(_GAP) + effect, *(len(row.details) for row in whole))
    taken = 2 + sum(fixed) + len(_GAP) * 3
    most = width()
    beside = not most or taken + longest <= most
    room = max(most - taken, _DETAILS_LEAST) if most else 0
    colours = paint()
    lines: list[str] = []
    for row in whole:
        head = f"{row.mark} " + _GAP.join(
            cell.ljust(length) for cell, length in zip(_fixed(row), fixed, strict=True)
        )
        if beside:
            told = row.details.ljust(details) + _GAP if details else ""
            tail = [told + row.effect if row.effect else row.details]
        else:
            tail = wrapped(row.details, room) + wrapped(row.effect, room)
        lines += _joined(head, tail or [""], row, colours)
    return lines


def _fixed(row: Row) -> tuple[str, str, str]:
    return row.service, row.boxes, row.what


def _joined(head: str, tail: list[str], row: Row, colours: Paint) -> list[str]:
    first, *more = tail
    indent = " " * (len(head) + len(_GAP))
    line = (head + _GAP + first).rstrip()
    if row is HEAD:
        return [colours.dim(line)]
    return [_coloured(line, row.mark, colours), *(indent + part for part in more)]


def _coloured(line: str, mark: str, colours: Paint) -> str:
    match mark:
        case Mark.PROVISION.value:
            return colours.green(line[:1]) + line[1:]
        case Mark.RELEASE.value:
            return colours.red(line[:1]) + line[1:]
        case Mark.REBALANCE.value | Mark.REPLACE.value | Mark.WAITS.value:
            return colours.yellow(line[:1]) + line[1:]
        case _:
            return line
