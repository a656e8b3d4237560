"""When a broken claim is one box's trouble, and when it is everybody's.

Replacing a box mends what happened to that box. Where the same claim is broken all over, the cause
is the host, the engine or ourselves: fresh boxes would be no better, and replacing them one after
the other would turn a finding into an outage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestr8.names import BoxId
from orchestr8.proof.model import Proof, Verdict


def broken_claims(proofs: Iterable[Proof]) -> dict[BoxId, frozenset[str]]:
    """The broken claims of each box that has any."""
    found = {
        proof.id: frozenset(one.claim for one in proof.findings if one.verdict is Verdict.BROKEN)
        for proof in proofs
    }
    return {box_id: claims for box_id, claims in found.items() if claims}


def fleet_wide(broken: Mapping[BoxId, frozenset[str]], boxes: int) -> frozenset[str]:
    """The claims that are broken beyond one service, or in every one of several boxes; `boxes` is
    how many were proved."""
    holders: dict[str, list[BoxId]] = {}
    for box_id, claims in broken.items():
        for claim in claims:
            holders.setdefault(claim, []).append(box_id)
    return frozenset(
        claim
        for claim, ids in holders.items()
        if len({one.service_name for one in ids}) > 1 or 1 < len(ids) == boxes
    )
