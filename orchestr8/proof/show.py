"""A proof as people read it: one row a claim, the count, and the gaps apart. Plain text."""

from __future__ import annotations

from collections.abc import Sequence

from orchestr8.contract.model import Gap
from orchestr8.names import slot_name
from orchestr8.proof.model import Finding, Proof, Verdict

_HEADINGS = ("claim", "expected", "observed", "verdict")
_WIDTHS_MOST = (56, 30, 44)
_SPACE = 2


def rows(findings: Sequence[Finding]) -> tuple[tuple[str, str, str, str], ...]:
    """Sentence, expected, observed and verdict of each."""
    return tuple((f.sentence, f.expected, f.observed, f.verdict.value) for f in findings)


def table(proof: Proof) -> tuple[str, ...]:
    """The lines of one box: its name, the headings and the claims."""
    lines = (_HEADINGS, *rows(proof.findings))
    widths = [
        min(most, max(len(line[column]) for line in lines))
        for column, most in enumerate(_WIDTHS_MOST)
    ]
    name = slot_name(proof.slot, proof.id.service_name)
    return (name, *(_line(line, widths) for line in lines))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Cells in columns; one that is wider pushes the rest to the right, and is never cut.

    What was observed is text of a workload's choice: nothing of it may steer a terminal.
    """
    text = ""
    for cell, end in zip(cells, _ends(widths), strict=False):
        text += plain(cell)
        text = text.ljust(end - _SPACE) + " " * _SPACE
    return text + cells[-1]


def _ends(widths: Sequence[int]) -> list[int]:
    ends, position = [], 0
    for width in widths:
        position += width + _SPACE
        ends.append(position)
    return ends


def plain(text: str) -> str:
    """Text without anything that a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def summary(proofs: Sequence[Proof], gaps: Sequence[Gap] = ()) -> str:
    """`26 held, 0 broken, 1 unproven. Gaps of this host: no ns.user.`"""
    counts = ", ".join(
        f"{sum(proof.count(verdict) for proof in proofs)} {verdict.value}" for verdict in Verdict
    )
    named = ", ".join(f"no {gap.feature}" for gap in sorted(gaps))
    return f"{counts}." + (f" Gaps of this host: {named}." if named else "")


def brief(proof: Proof) -> str:
    """`proved 27 of 27`, for a line about a box."""
    return f"proved {proof.count(Verdict.HELD)} of {len(proof.findings)}"
