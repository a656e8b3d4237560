"""What of a plan can begin, as what it stands on ends."""

from __future__ import annotations

from orchestr8.controller.forerunners import Forerunners
from orchestr8.planning.plan import (
    Action,
    AwaitBox,
    Call,
    ChangeNetwork,
    Purpose,
    StartBox,
    StopBox,
)
from tests.controller.plans import box_id

STOP = StopBox(box_id(9), "SIGKILL", 0)


def call(*needs: int) -> Action:
    """A call that stands on these."""
    return action(StartBox(box_id(1)), needs)


def gate(*needs: int) -> Action:
    """A gate that stands on these."""
    return action(AwaitBox(box_id(1), None, False, 1_000), needs)


def action(one: Call, needs: tuple[int, ...]) -> Action:
    """One action of a plan."""
    return Action(one, Purpose.PROVISION, "none of it runs", box_id(1).service_name, needs)


def calls(plan: Forerunners) -> list[int]:
    """All calls that can be made now, in order."""
    found = []
    while (number := plan.call()) is not None:
        found.append(number)
    return found


def test_what_stands_on_nothing_can_begin_in_the_plans_order() -> None:
    plan = Forerunners([call(), gate(), call(0), call()])
    assert calls(plan) == [0, 3]
    assert list(plan.gates()) == [1]
    assert not list(plan.skipped())


def test_what_stands_on_several_waits_for_the_last_and_begins_once() -> None:
    plan = Forerunners([call(), call(), call(0, 1, 0)])
    assert calls(plan) == [0, 1]
    plan.ended(1, well=True)
    assert calls(plan) == []
    plan.ended(0, well=True)
    assert calls(plan) == [2]
    assert calls(plan) == []


def test_what_became_ready_later_comes_first_where_the_plan_has_it_first() -> None:
    plan = Forerunners([call(), call(0), call()])
    assert plan.call() == 0
    plan.ended(0, well=True)
    assert calls(plan) == [1, 2]


def test_what_stands_on_a_failure_is_skipped_once_and_never_begins() -> None:
    plan = Forerunners([call(), call(), call(), call(0, 1, 2)])
    assert calls(plan) == [0, 1, 2]
    plan.ended(0, well=False)
    plan.ended(1, well=False)
    plan.ended(2, well=True)
    assert list(plan.skipped()) == [3]
    assert calls(plan) == []


def test_a_skip_is_passed_on_while_it_is_heard() -> None:
    plan = Forerunners([call(), *(gate(n) for n in range(5_000))])
    plan.ended(0, well=False)
    skipped = []
    for number in plan.skipped():
        skipped.append(number)
        plan.ended(number, well=False)
    assert skipped == list(range(1, 5_001))


def test_an_action_is_needed_while_others_stand_on_it() -> None:
    plan = Forerunners([call(), gate(0)])
    assert plan.is_needed(0)
    assert not plan.is_needed(1)


def test_who_took_over_is_known_behind_the_traffic_and_no_further() -> None:
    def awaited(number: int, *needs: int, done: bool = False) -> Action:
        return action(AwaitBox(box_id(number), None, done, 1_000), needs)

    led = action(ChangeNetwork(), (1, 2))
    plan = Forerunners(
        [
            awaited(1),
            awaited(2, 0),
            awaited(3, done=True),
            led,
            action(STOP, (3,)),
            action(STOP, ()),
        ]
    )
    assert plan.successors(4) == (box_id(2),), "the first batch took over from others"
    assert plan.successors(5) == ()
