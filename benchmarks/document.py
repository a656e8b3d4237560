"""Rows as people read them: a line on the terminal, and docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.rows import Row, Verdict

FILE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
_NAME_WIDTH = 46
_HEAD = """\
# Benchmarks

Written by `make bench` from [results.json](../benchmarks/results.json): do not edit it by hand.

Ours and its peer run in turn on the same machine in the same run; the figures are medians, and a
ratio is ours for one of the peer's. A goal that is missed says MISSED, a peer that the machine
lacks PEER MISSING. Nothing is asserted, so that a slow machine breaks no build.
"""


def line(row: Row) -> str:
    """One row on a terminal."""
    name = row.name.ljust(_NAME_WIDTH)
    if row.failure:
        return f"  {name} FAILED  {row.failure}"
    words = [f"  {name} {_amount(row.ours).rjust(8)} {row.unit.ljust(6)}"]
    if row.peer_name:
        words.append(f"{row.peer_name} {_amount(row.peer)}")
    words += [_goal(row), row.verdict.value]
    return "  ".join(word for word in words if word)


def text(rows: Sequence[dict[str, Any]]) -> str:
    """The whole document, from the rows as they are written."""
    parts = [_HEAD]
    for group in dict.fromkeys(row["group"] for row in rows):
        parts.append(_section(group, [row for row in rows if row["group"] == group]))
    return "\n".join(parts)


def write() -> None:
    """Writes docs/benchmarks.md."""
    FILE.write_text(text(results.read()), "utf-8")


def _section(group: str, rows: list[dict[str, Any]]) -> str:
    lines = [
        f"## {import_module(f'benchmarks.{group}').TITLE}\n",
        "| what | ours | peer | ratio | goal | runs |",
        "|---|---|---|---|---|---|",
    ]
    notes = []
    for written in rows:
        row = results.row_of(written)
        lines.append(f"| {' | '.join(_cells(row))} |")
        if row.note:
            notes.append(f"- {row.name}: {row.note}.")
    machine = rows[0]["machine"]
    return "\n".join([*lines, *(["", *notes] if notes else []), "", f"Measured on: {machine}.\n"])


def _cells(row: Row) -> tuple[str, ...]:
    if row.failure:
        return row.name, f"FAILED: {row.failure.replace('|', '/')}", "", "", "", ""
    peer = f"{row.peer_name} {_amount(row.peer)}".strip() if row.peer_name else ""
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    verdict = row.verdict
    if verdict is Verdict.PEER_MISSING:
        return (
            row.name,
            f"{_amount(row.ours)} {row.unit}",
            f"PEER MISSING: {row.peer_name}",
            "",
            "",
            "",
        )
    goal = "" if row.most is None else f"at most {row.most:g}: {verdict.value}"
    return row.name, f"{_amount(row.ours)} {row.unit}", peer, ratio, goal, str(row.runs)


def _goal(row: Row) -> str:
    ratio = "" if row.ratio is None else f"ratio {row.ratio:.2f}"
    if row.most is None:
        return ratio
    most = f"at most {row.most:g}"
    return f"{ratio}, {most}" if ratio else most


def _amount(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
