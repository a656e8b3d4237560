"""What is known of the mutants: `judged.yaml`, and the document made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.mutants.sample import LEFT_OUT, ONE_OF

FOLDER = Path(__file__).parent
JUDGED = FOLDER / "judged.yaml"
DOCUMENT = FOLDER.parents[1] / "docs" / "mutants.md"
KILLED_LEAST = {"contract": 0.90, "planning": 0.90, "proof": 0.90}
"""Nine of ten everywhere."""
EQUAL = "Equal: "
"""How the sentence of a survivor begins that does the very same as what was there."""
HEAD = """\
# Mutants

`make mutants` puts small wrongs into the pure stages, one at a time: a comparison or an arithmetic
sign turned, `and` for `or`, a condition turned round, a number one higher, a truth value flipped, a
statement or a `case` left out, `min` for `max` and `any` for `all`. A mutant is killed when a test
of its own stage fails: `tests/contract`, `tests/planning`, `tests/proof`; nothing that walks the
whole road or needs an engine. Texts are left as they are, since the cases hold messages to the
letter.

A survivor is equal where it does the very same as what was there, so that no test could tell; the
part that is killed is of the others. What is called a hole is one: a test that nobody wrote yet.

This page is made from `tests/mutants/judged.yaml`, where each survivor has a sentence. Its figures
are those of the last whole run: code that was written since that file changed is not among them.
"""


@dataclass
class Judged:
    """One package: how many mutants were tried, how many killed, and what is said of the others."""

    tried: int = 0
    killed: int = 0
    untried: int = 0
    survivors: dict[str, str] = field(default_factory=dict)

    @property
    def equal(self) -> int:
        """How many survivors no test can tell from what was there."""
        return sum(why.startswith(EQUAL) for why in self.survivors.values())

    @property
    def part_killed(self) -> float:
        """Of those that a test could tell apart; 1 is all."""
        could = self.tried - self.equal
        return self.killed / could if could else 0.0


def load() -> dict[str, Judged]:
    """All packages."""
    if not JUDGED.exists():
        return {}
    document: Mapping[str, Any] = yaml.safe_load(JUDGED.read_text("utf-8"))
    return {name: Judged(**words) for name, words in document.items()}


def save(judged: Mapping[str, Judged]) -> None:
    """Writes the sentences, and the document that they make."""
    document = {
        name: {
            "tried": one.tried,
            "killed": one.killed,
            "untried": one.untried,
            "survivors": dict(one.survivors),
        }
        for name, one in sorted(judged.items())
    }
    text = yaml.safe_dump(document, sort_keys=False, width=100, allow_unicode=True)
    JUDGED.write_text(f"# Written by make mutants; the sentences are ours.\n{text}", "utf-8")
    DOCUMENT.write_text(render(judged), "utf-8")


def renewed(before: Judged, results: Mapping[str, str], untried: int = 0) -> Judged:
    """What a run came to, with the sentences that are known."""
    tried = {name: result for name, result in results.items() if result != "no change"}
    alive = [name for name, result in tried.items() if not result.startswith("killed")]
    sentences = {name: before.survivors.get(name, "") for name in alive}
    return Judged(len(tried), len(tried) - len(alive), untried, sentences)


def render(judged: Mapping[str, Judged]) -> str:
    """The document."""
    lines = [HEAD, "| package | tried | killed | equal | of the others | not tried yet |"]
    lines += ["|---|---|---|---|---|---|"]
    lines += [
        f"| `{name}/` | {one.tried} | {one.killed} | {one.equal} | {one.part_killed:.1%} | "
        f"{one.untried} |"
        for name, one in sorted(judged.items())
    ]
    for name, most in ONE_OF.items():
        if most > 1:
            part = f"one mutant in {most} is tried, and the first of every function"
            lines += ["", f"Of `{name}/`, whose tests take longer, {part}."]
    lines += ["", "Left out:", ""]
    lines += [f"- `{file}`: {why}" for file, why in sorted(LEFT_OUT.items())]
    for name, one in sorted(judged.items()):
        lines += ["", f"## Survivors in `{name}/`", ""]
        lines += [
            f"- `{mutant.partition('/')[2]}`  \n  {why}" for mutant, why in one.survivors.items()
        ]
    return "\n".join(lines) + "\n"
