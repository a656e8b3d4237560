"""What a box is held against others by is looked up, however many others there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from orchestr8.isolation.features import ALL
from orchestr8.names import BoxId
from orchestr8.proof.across import ACROSS_CLAIMS, neighbours
from orchestr8.proof.claim import AcrossClaim, Answer, Entry, Pair
from orchestr8.proof.model import Verdict
from orchestr8.proof.namespaces import RANGE
from tests.proof.cases import pair_of, recorded

BASE = 1 << 20
LOOKS_AT_ALL = ("alone.cores",)
"""Of a box with dedicated cores, of which there are no more than cores."""


class LookedUp(dict[BoxId, Pair]):
    """Boxes that nobody goes through."""

    def __iter__(self) -> Iterator[BoxId]:
        raise AssertionError("each other box was looked at")

    def values(self) -> Any:
        return iter(self)

    def items(self) -> Any:
        return iter(self)


class Unread(list[Entry]):
    """Mounts that nobody goes through."""

    def __iter__(self) -> Iterator[Entry]:
        raise AssertionError("each other box was looked at")


@pytest.mark.parametrize("claim", ACROSS_CLAIMS, ids=lambda claim: claim.id)
def test_no_claim_goes_through_all_boxes(claim: Any) -> None:
    pairs = [with_base(pair_of(document), BASE) for document in recorded().values()]
    index = neighbours(pairs)
    looked_up = replace(index, boxes=LookedUp(index.boxes))
    if claim.id not in LOOKS_AT_ALL:
        for pair in pairs:
            assert claim.check(*pair, looked_up) == claim.check(*pair, index)


@pytest.mark.parametrize(
    ("distance", "verdict"),
    [(0, Verdict.BROKEN), (1, Verdict.BROKEN), (RANGE - 1, Verdict.BROKEN), (RANGE, Verdict.HELD)],
)
@pytest.mark.parametrize("side", [1, -1])
def test_ranges_that_meet_in_one_id_are_seen(side: int, distance: int, verdict: Verdict) -> None:
    one, other = (pair_of(document) for document in recorded().values())
    pairs = [with_base(one, BASE), with_base(other, BASE + side * distance)]
    assert alone_user(pairs, 0).verdict is alone_user(pairs, 1).verdict is verdict


def test_boxes_of_one_service_have_one_range() -> None:
    one = with_base(pair_of(recorded()["base"]), BASE)
    second = replace(one[0], id=one[0].id._replace(serial=9)), one[1]
    assert alone_user([one, second], 0).verdict is Verdict.HELD


def test_boxes_of_one_image_are_not_held_against_each_other() -> None:
    one, other = (pair_of(document) for document in recorded().values())
    (root,) = (mount for mount in one[1].mounts if mount.target == "/")
    theirs = [root if mount.target == "/" else mount for mount in other[1].mounts]
    index = neighbours([one, (other[0], replace(other[1], mounts=tuple(theirs)))])
    trees = {place: found for place, found in index.storage.items() if place[2]}
    assert [len(found) for found in trees.values()] == [2]
    looked_up = replace(index, storage={**index.storage, **dict.fromkeys(trees, Unread())})
    assert claim_of("alone.storage").check(*one, looked_up).verdict is Verdict.HELD


def with_base(pair: Pair, base: int) -> Pair:
    """The same box with a range of ids of its own that begins there."""
    expectation, reading = pair
    features = replace(expectation.features, present=ALL)
    mapped = tuple(replace(task, uid_map=f"0 {base} {RANGE}") for task in reading.tasks)
    return replace(expectation, features=features), replace(reading, tasks=mapped)


def alone_user(pairs: list[Pair], asked: int) -> Answer:
    index = neighbours(pairs, {pairs[asked][0].id})
    return claim_of("alone.user").check(*pairs[asked], index)


def claim_of(name: str) -> AcrossClaim:
    return next(one for one in ACROSS_CLAIMS if one.id == name)
