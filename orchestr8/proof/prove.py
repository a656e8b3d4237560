"""Hold readings against expectations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from orchestr8.names import BoxId
from orchestr8.proof.across import neighbours
from orchestr8.proof.claim import Claim, Neighbours, Pair
from orchestr8.proof.claims import CLAIMS
from orchestr8.proof.model import Expectation, Finding, Proof, Reading


def prove(expectation: Expectation, reading: Reading, others: Iterable[Pair] = ()) -> Proof:
    """What is shown of one box, held against all other running ones of this machine."""
    return _prove(expectation, reading, neighbours((*others, (expectation, reading))))


def prove_all(pairs: Sequence[Pair], asked: Collection[BoxId] | None = None) -> tuple[Proof, ...]:
    """The same for many boxes at once, or for those that are asked for; costs what each costs
    alone."""
    index = neighbours(pairs, asked)
    return tuple(
        _prove(expectation, reading, index)
        for expectation, reading in pairs
        if asked is None or expectation.id in asked
    )


def _prove(expectation: Expectation, reading: Reading, index: Neighbours) -> Proof:
    findings = []
    for claim in CLAIMS:
        if not claim.applies(expectation):
            continue
        if isinstance(claim, Claim):
            answer = claim.check(expectation, reading)
            sentence = claim.sentence + _of(reading) * claim.of_tasks
        else:
            answer = claim.check(expectation, reading, index)
            sentence = claim.sentence
        findings.append(Finding(claim.id, sentence, *answer))
    return Proof(expectation.id, expectation.slot, tuple(findings), reading.boot_id)


def _of(reading: Reading) -> str:
    count = len(reading.tasks)
    return f" ({count} task{'s' * (count != 1)})"
