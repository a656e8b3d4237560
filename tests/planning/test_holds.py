"""Whoever holds a service is named where something waits for that."""

from __future__ import annotations

import pytest

from orchestr8.boxes.records import Hold
from orchestr8.boxes.spec import BoxSpec
from orchestr8.names import ServiceName
from orchestr8.planning.holds import end_of, leave_alone
from orchestr8.planning.moves import Moves, Provision, Wait
from orchestr8.planning.plan import Reason


@pytest.mark.parametrize(("actor", "who"), [("ann", "ann"), ("", "owner me")])
def test_whose_move_it_is(actor: str, who: str) -> None:
    asked = Moves((Provision(0, BoxSpec("sha256:1", image="x:1"), "no box yet", True),))
    (wait,) = leave_alone(ServiceName("me", "web"), asked, Hold(60_000, "disks", actor)).slots
    assert isinstance(wait, Wait)
    assert (wait.reason, wait.whose_move, wait.try_again_ms) == (
        Reason.HELD,
        f"{who}, who holds it",
        60_000,
    )


def test_the_end_of_a_hold_of_seconds_is_told_with_them() -> None:
    assert end_of(Hold(1_800_000_000_000, "x")) == "2027-01-15 08:00 UTC"
    assert end_of(Hold(1_800_000_030_000, "x")) == "2027-01-15 08:00:30 UTC"
