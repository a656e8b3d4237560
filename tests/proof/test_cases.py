"""Every claim has a case in which it holds, one in which it is broken, and one unread."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestr8.isolation.features import ALL as ALL_FEATURES
from orchestr8.isolation.relaxations import RELAXATIONS
from orchestr8.proof.claims import CLAIMS
from orchestr8.proof.model import Reading, Verdict
from orchestr8.proof.prove import prove, prove_all
from tests.proof.cases import Case, cases, pair_of, recorded

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_gets_its_verdict(case: Case) -> None:
    finding = case.finding()
    assert finding.verdict is case.verdict, finding
    assert case.document.get("says", "") in finding.observed


def test_no_case_is_missing_or_surplus() -> None:
    wanted = {(claim.id, verdict) for claim in CLAIMS for verdict in Verdict}
    found = {(case.claim, case.verdict) for case in CASES}
    assert wanted - found == set(), "these cases are missing"
    assert found - wanted == set(), "these cases are of no claim"


def test_a_broken_case_breaks_a_box_that_held() -> None:
    """The recorded boxes hold in everything, so what a case says comes from its edits."""
    for proof in prove_all([pair_of(document) for document in recorded().values()]):
        assert [f for f in proof.findings if f.verdict is not Verdict.HELD] == []


def test_every_dimension_of_a_relaxation_has_a_claim() -> None:
    answered = {name for claim in CLAIMS for name in claim.dimensions}
    for relaxation in RELAXATIONS.values():
        assert set(relaxation.changes) <= answered, relaxation.id


def test_claims_have_names_of_their_own() -> None:
    for names in ([claim.id for claim in CLAIMS], [claim.sentence for claim in CLAIMS]):
        assert sorted(set(names)) == sorted(names)


def test_what_is_not_read_is_never_held() -> None:
    expectation, _ = pair_of(recorded()["base"])
    every = replace(expectation, features=replace(expectation.features, present=ALL_FEATURES))
    proof = prove(every, Reading("", (), {}))
    assert len(proof.findings) == len(CLAIMS)
    assert {finding.verdict for finding in proof.findings} == {Verdict.UNPROVEN}
