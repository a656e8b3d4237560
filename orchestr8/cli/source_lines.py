"""Sources as they are shown: a table, and below it what keeps a commit from being in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestr8.cli.terminal import count, escaped, table, when
from orchestr8.names import PLATFORM

if TYPE_CHECKING:
    from orchestr8.controller.source_status import SourceStatus
    from orchestr8.errors import Problem
    from orchestr8.store.sources import CommitRecord

SHORT = 12
_PROBLEMS_SHOWN = 3


def source_lines(sources: Sequence[SourceStatus]) -> list[str]:
    """The table of sources, and what is wrong with each."""
    if not sources:
        return []
    rows = [["SOURCE", "OWNER", "IN FORCE", "STATE", "ASKED (UTC)"]]
    rows += [
        [
            one.name,
            one.owner or PLATFORM,
            _in_force(one),
            state_of(one),
            when(one.record.looked_ms) if one.record.looked_ms else "never",
        ]
        for one in sources
    ]
    lines = ["", *table(rows)]
    for one in sources:
        problems = one.record.problems
        lines += [f"{one.name}: {_said(problem)}" for problem in problems[:_PROBLEMS_SHOWN]]
        if len(problems) > _PROBLEMS_SHOWN:
            more = count(len(problems) - _PROBLEMS_SHOWN, "problem")
            lines.append(f"{one.name}: {more} more; `orchestr8 sync {one.name}` says all")
    return lines


def titled(commit: CommitRecord) -> str:
    """Which commit it is, and whose; or the content of which folder."""
    if commit.is_content:
        return f"content {commit.id[:SHORT]} of {commit.subject}"
    return f'{commit.id[:SHORT]} "{commit.subject}" by {commit.author}'


def _in_force(source: SourceStatus) -> str:
    short = source.in_force[:SHORT]
    if not short:
        return f"revision {source.by_hand}" if source.by_hand else "-"
    return f"content {short} of {source.folder}" if source.folder else short


def state_of(source: SourceStatus) -> str:
    """What came of asking it last, in a few words."""
    record = source.record
    if not record.state:
        return "not asked yet"
    words = record.state
    if record.seen != record.good and record.state not in ("converged", "unreachable"):
        words += f": {record.seen[:SHORT]}"
    if source.pinned_at:
        words += f", taken back to revision {source.pinned_at} until it moves"
    elif source.by_hand and record.good:
        words += f", revision {source.by_hand} was applied by hand and holds until it moves"
    return words


def _said(problem: Problem) -> str:
    """A problem in one line; that it is of a source is said in front of it."""
    remedy = f" ({problem.remedy})" if problem.remedy else ""
    where = "" if problem.place.file.startswith("source ") else f"{problem.place}: "
    return escaped(f"{where}{problem.what}{remedy}")


def as_json(sources: Sequence[SourceStatus]) -> list[dict[str, object]]:
    """Sources as facts."""
    return [
        {
            "source": one.name,
            "owner": one.owner or PLATFORM,
            "git": one.git or None,
            "folder": one.folder or None,
            "state": one.record.state or None,
            "in_force": one.in_force or None,
            "in_force_since_ms": one.in_force_ms or None,
            "seen": one.record.seen or None,
            "asked_ms": one.record.looked_ms or None,
            "taken_back_to": one.pinned_at or None,
            "by_hand": one.by_hand or None,
            "problems": [
                {"place": str(problem.place), "what": problem.what, "remedy": problem.remedy}
                for problem in one.record.problems
            ],
        }
        for one in sources
    ]
