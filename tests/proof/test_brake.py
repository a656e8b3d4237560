"""Whose trouble a broken claim is: one box's, one service's, or everybody's."""

from __future__ import annotations

import pytest

from orchestr8.names import BoxId
from orchestr8.proof.brake import broken_claims, fleet_wide
from orchestr8.proof.model import Finding, Proof, Verdict

API_1, API_2, DB_1 = BoxId("me", "api", 1), BoxId("me", "api", 2), BoxId("me", "db", 1)


def proof_of(box_id: BoxId, **verdicts: Verdict) -> Proof:
    """A proof with these claims and their verdicts."""
    findings = (Finding(claim, "", "", "", verdict) for claim, verdict in verdicts.items())
    return Proof(box_id, 0, tuple(findings))


def test_only_what_is_broken_counts_and_only_boxes_that_have_it() -> None:
    proofs = (
        proof_of(API_1, mounts=Verdict.HELD, seccomp=Verdict.BROKEN, oom=Verdict.UNPROVEN),
        proof_of(API_2, mounts=Verdict.UNPROVEN, seccomp=Verdict.HELD),
    )
    assert broken_claims(proofs) == {API_1: frozenset({"seccomp"})}


@pytest.mark.parametrize(
    ("broken", "boxes", "everywhere"),
    [
        pytest.param({API_1: "a"}, 1, "", id="the only box there is"),
        pytest.param({API_1: "a"}, 2, "", id="one of two"),
        pytest.param({API_1: "a", API_2: "a"}, 3, "", id="one service of two"),
        pytest.param({API_1: "a", API_2: "a"}, 2, "a", id="every box there is"),
        pytest.param({API_1: "a", DB_1: "a"}, 9, "a", id="two services"),
        pytest.param({API_1: "a", DB_1: "b"}, 2, "", id="two services, each its own"),
        pytest.param({API_1: "ab", DB_1: "b"}, 9, "b", id="of two claims the one of both"),
    ],
)
def test_what_two_services_or_all_boxes_share_is_nobody_s_own(
    broken: dict[BoxId, str], boxes: int, everywhere: str
) -> None:
    assert fleet_wide({one: frozenset(text) for one, text in broken.items()}, boxes) == frozenset(
        everywhere
    )
