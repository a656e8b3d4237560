"""How two versions of manifests differ, as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import unified_diff

from orchestr8.cli.terminal import escaped, paint
from orchestr8.manifest.model import Source


def difference_lines(older: Sequence[Source], newer: Sequence[Source]) -> Iterator[str]:
    """The difference of two revisions' texts; what is new stands there as a whole."""
    before = {source.name: source.text for source in older}
    after = {source.name: source.text for source in newer}
    told = False
    for name in dict.fromkeys([*before, *after]):
        lines = unified_diff(
            before.get(name, "").splitlines(), after.get(name, "").splitlines(),
            name if name in before else "(nothing)", name if name in after else "(nothing)",
            lineterm="",
        )  # fmt: skip
        for line in lines:
            told = True
            yield _coloured(escaped(line))
    if not told:
        yield "the manifests are those of the revision before, to the letter."


def _coloured(line: str) -> str:
    if line.startswith(("---", "+++", "@@")):
        return paint().dim(line)
    if line.startswith("+"):
        return paint().green(line)
    return paint().red(line) if line.startswith("-") else line
