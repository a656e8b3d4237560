"""Why a box does not fit, and what would make it fit."""

from __future__ import annotations

from orchestr8.isolation.limits import MIB, Limits, Quota
from orchestr8.planning.admit import Room
from orchestr8.planning.cores import CoreRoom
from orchestr8.planning.plan import Reason

ASKS_128 = Limits(memory_guarantee_bytes=128 * MIB)


def room(quota: Quota, machine: Quota = Quota()) -> Room:  # noqa: B008, a frozen value
    """Room of owner web."""
    return Room({"web": quota}, machine, addresses_free=9, cores=CoreRoom(1, 2))


def test_what_just_fits_is_admitted_and_one_more_waits() -> None:
    one = room(Quota(memory_bytes=256 * MIB))
    one.hold("web", ASKS_128)
    assert one.refusal("web", ASKS_128, 0) is None
    one.hold("web", ASKS_128)
    wait = one.refusal("web", ASKS_128, 3)
    assert wait and (wait.slot, wait.box, wait.reason) == (3, None, Reason.QUOTA)
    assert wait.cause == ("memory: 256MiB guaranteed of owner web + 128MiB asked > quota 256MiB")
    assert wait.remedy == "fits when 128MiB less is held, or with a quota of 384MiB"
    assert wait.whose_move == "owner web, or the platform"


def test_what_asks_for_all_fits_when_the_rest_goes() -> None:
    one = room(Quota(memory_bytes=128 * MIB))
    one.hold("web", Limits(memory_guarantee_bytes=64 * MIB))
    wait = one.refusal("web", ASKS_128, 0)
    assert wait and wait.remedy.startswith("fits when 64MiB less is held")


def test_what_asks_for_more_than_there_is_never_fits() -> None:
    wait = room(Quota(), Quota(memory_bytes=64 * MIB)).refusal("web", ASKS_128, 0)
    assert wait and wait.reason is Reason.CAPACITY
    assert wait.cause == "memory: 128MiB asked > 64MiB"
    assert wait.remedy == "ask for at most 64MiB"
    assert wait.whose_move == "the platform"


def test_without_a_guarantee_only_boxes_count() -> None:
    one = room(Quota(cpu_millicores=0, memory_bytes=0, boxes=1))
    assert one.refusal("web", Limits(), 0) is None
    one.hold("web", Limits())
    wait = one.refusal("web", Limits(), 1)
    assert wait and wait.cause == "boxes: 1 of owner web + 1 asked > quota 1"
