"""Every claim has a case in which it holds, one in which it is broken, and one unread."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.isolation.features import ALL as ALL_FEATURES
from orchestr8.isolation.limits import Quota
from orchestr8.isolation.relaxations import RELAXATIONS
from orchestr8.names import BoxId
from orchestr8.proof.claims import CLAIMS
from orchestr8.proof.model import Expectation, Reading, Verdict
from orchestr8.proof.prove import prove, prove_all
from tests.proof.cases import Case, cases, pair_of, recorded

CASES = cases()
QUOTA = ("cpu", "memory", "pids", "weight")


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


def test_who_is_asked_for_is_proved_as_among_all() -> None:
    pairs = [pair_of(document) for document in recorded().values()]
    expectation, reading = pairs[0]
    double = replace(expectation, id=BoxId("another", "service", 1)), reading
    among_all = {proof.id: proof for proof in prove_all((*pairs, double))}
    assert among_all[expectation.id].verdict is Verdict.BROKEN, "nothing of it is its own"
    for box_id, proof in among_all.items():
        assert prove_all((*pairs, double), {box_id}) == (proof,)


def test_every_dimension_of_a_relaxation_has_a_claim() -> None:
    answered = {name for claim in CLAIMS for name in claim.dimensions}
    for relaxation in RELAXATIONS.values():
        assert set(relaxation.changes) <= answered, relaxation.id


def test_claims_have_names_of_their_own() -> None:
    for names in ([claim.id for claim in CLAIMS], [claim.sentence for claim in CLAIMS]):
        assert sorted(set(names)) == sorted(names)


def test_what_is_not_read_is_never_held() -> None:
    expectation, _ = pair_of(recorded()["base"])
    every = replace(
        expectation,
        features=replace(expectation.features, present=ALL_FEATURES),
        volume_sizes={"/data": 1},
        limits=replace(expectation.limits, dedicated_cores=1),
    )
    proof = prove(every, Reading("", (), {}))
    assert len(proof.findings) == len(CLAIMS)
    assert {finding.verdict for finding in proof.findings} == {Verdict.UNPROVEN}


def test_what_does_not_apply_is_not_counted() -> None:
    box, _ = pair_of(recorded()["base"])
    joined = replace(box, spec=replace(box.spec, profile=replace(box.spec.profile, net="b.a")))
    alone = replace(box, spec=replace(box.spec, networked=False))
    nameless = replace(box, spec=replace(box.spec, hostname=""))
    dedicated = replace(box, limits=replace(box.limits, dedicated_cores=1))
    everything = replace(box, features=replace(box.features, present=ALL_FEATURES))
    for changed, more, fewer in (
        (replace(box, volume_sizes={"/data": 1}), {"volume-sizes"}, set()),
        (dedicated, {"limits.cores", "alone.cores"}, set()),
        (everything, {"alone.label", "lsm", "ns.time", "ns.user", "ns.user.map"}, set()),
        (joined, set(), {"hostname"}),
        (nameless, set(), {"hostname"}),
        (alone, set(), {"default-deny", "egress", "links", "publish"}),
        (replace(box, quota=Quota()), set(), {f"quota.{one}" for one in QUOTA}),
    ):
        assert _counted(changed) == (_counted(box) | more) - fewer
    assert {claim.id for claim in CLAIMS} - _counted(box) == {
        "alone.cores", "alone.label", "limits.cores", "lsm", "ns.time", "ns.user", "ns.user.map",
        "volume-sizes",
    }  # fmt: skip


def _counted(box: Expectation) -> set[str]:
    return {claim.id for claim in CLAIMS if claim.applies(box)}
