"""Cases of the proof: what a file changes in the recorded boxes, and what must come of it.

A file is called CLAIM.VERDICT.yaml, or CLAIM.VERDICT.WORD.yaml for a further case. `base` and
`neighbour` are edits of the two recorded boxes, in order:

    set: PATH, to: VALUE       the value at the path
    same: PATH                 the other box's value at the same path (in `neighbour` only)
    copy: PATH, onto: PATH     a value of the same box
    add: PATH, value: VALUE    one more entry of a list
    drop: PATH                 the entry or key is gone

A path starts at `expectation` or `reading`; a list is entered by number, or by the target of a
mount. `says` is part of what is then observed, `alone` leaves the neighbour out.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from orchestr8.proof.across import as_neighbour, neighbours
from orchestr8.proof.claim import Claim, Pair
from orchestr8.proof.claims import CLAIMS
from orchestr8.proof.model import Expectation, Finding, Reading, Verdict
from tests.proof.documents import from_document

FOLDER = Path(__file__).parents[1] / "cases" / "proof"
_RECORDED = ("base", "neighbour")


@dataclass(frozen=True)
class Case:
    """One file."""

    name: str
    claim: str
    verdict: Verdict
    document: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Case:
        claim, verdict = _split(path.name.removesuffix(".yaml"))
        return cls(path.stem, claim, Verdict(verdict), yaml.safe_load(path.read_text()) or {})

    def finding(self) -> Finding:
        """What the claim says of the changed base box; raises if it does not apply."""
        documents = recorded()
        for edit in self.document.get("base", ()):
            _apply(documents["base"], edit, documents["neighbour"])
        for edit in self.document.get("neighbour", ()):
            _apply(documents["neighbour"], edit, documents["base"])
        base, neighbour = (pair_of(documents[name]) for name in _RECORDED)
        claim = next(one for one in CLAIMS if one.id == self.claim)
        assert claim.applies(base[0]), f"{self.claim} does not apply"
        if isinstance(claim, Claim):  # no other claim is asked: a case that fails is this one's
            answer = claim.check(*base)
        else:
            other = neighbour[0], as_neighbour(neighbour[1])  # all that is kept of others
            pairs = (base,) if self.document.get("alone") else (other, base)
            answer = claim.check(*base, neighbours(pairs))
            alone = claim.check(*base, neighbours(pairs, {base[0].id}))
            assert alone == answer, "a box is judged otherwise where no other one is asked for"
        return Finding(claim.id, claim.sentence, *answer)


def _split(stem: str) -> tuple[str, str]:
    words = stem.split(".")
    verdicts = {verdict.value for verdict in Verdict}
    place = next(index for index, word in enumerate(words) if word in verdicts)
    return ".".join(words[:place]), words[place]


def cases() -> list[Case]:
    """All of them, sorted by name."""
    files = sorted(path for path in FOLDER.glob("*.yaml") if path.stem not in _RECORDED)
    return [Case.read(path) for path in files]


@cache
def _recorded() -> dict[str, Any]:
    return {name: yaml.safe_load((FOLDER / f"{name}.yaml").read_text()) for name in _RECORDED}


def recorded() -> dict[str, Any]:
    """The two recorded boxes as documents of the caller's own."""
    return copy.deepcopy(_recorded())


def pair_of(document: dict[str, Any]) -> Pair:
    """Expectation and reading of a document."""
    expectation: Expectation = from_document(Expectation, document["expectation"])
    reading: Reading = from_document(Reading, document["reading"])
    return expectation, reading


def _apply(document: Any, edit: dict[str, Any], other: Any) -> None:
    match edit:
        case {"set": path, "to": value}:
            holder, key = _walk(document, path)
            holder[key] = value
        case {"same": path}:
            holder, key = _walk(document, path)
            theirs, their_key = _walk(other, path)
            holder[key] = copy.deepcopy(theirs[their_key])
        case {"copy": source, "onto": path}:
            theirs, their_key = _walk(document, source)
            holder, key = _walk(document, path)
            holder[key] = copy.deepcopy(theirs[their_key])
        case {"add": path, "value": value}:
            holder, key = _walk(document, path)
            holder.setdefault(key, []) if isinstance(holder, dict) else None
            holder[key] = [*holder[key], value]
        case {"drop": path}:
            holder, key = _walk(document, path)
            del holder[key]
        case _:
            raise ValueError(f"not an edit: {edit}")


def _walk(document: Any, path: list[Any]) -> tuple[Any, Any]:
    """The holder of what the path leads to, and its key there."""
    *way, last = path
    for step in way:
        if isinstance(document, dict) and step not in document:
            document[step] = {}
        document = document[_key(document, step)]
    return document, _key(document, last)


def _key(document: Any, step: Any) -> Any:
    """A number for a list: as given, a mount's target, or a plain entry."""
    if not isinstance(document, list) or isinstance(step, int):
        return step
    for index, entry in enumerate(document):
        if entry == step or (isinstance(entry, dict) and entry.get("target") == step):
            return index
    raise KeyError(step)
