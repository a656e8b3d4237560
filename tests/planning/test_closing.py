"""Ways that were opened for boxes that never came are closed, and only those."""

from __future__ import annotations

from msgspec.structs import replace

from orchestr8.boxes.network import Door, Element, NetworkState, Out, Pass, Route
from orchestr8.boxes.world import ObservedBox, State, World
from orchestr8.isolation.features import everything
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.plan import Action, ChangeNetwork, Purpose, RemoveBox, StopBox
from orchestr8.planning.release import closing, release_boxes

HERE, THERE, GONE = "10.0.0.1", "10.0.0.2", "10.0.0.9"


def box(number: int, address: str) -> ObservedBox:
    """One that runs at this address, or without one."""
    return ObservedBox(
        BoxId("me", "web", number), State.RUNNING, None, 0, "default", "key", address=address
    )


def world(*elements: Element) -> World:
    """Two boxes that run, one that runs without a network, and one that has ended."""
    boxes = (box(1, HERE), box(2, THERE), box(3, ""), replace(box(9, GONE), state=State.STOPPED))
    return World(
        features=everything(),
        boxes=boxes,
        volumes=(),
        network=NetworkState(prepared=True, elements=frozenset(elements)),
    )


def closed(*elements: Element) -> tuple[Element, ...]:
    """What is taken out of a table with these."""
    actions = closing(world(*elements)).actions
    if not actions:
        return ()
    (action,) = actions
    assert isinstance(action.call, ChangeNetwork)
    assert (action.call.add, action.purpose, action.service) == ((), Purpose.RELEASE, None)
    return action.call.remove


def test_what_leads_between_boxes_that_run_stays() -> None:
    assert closing(world()).empty
    assert closed(Pass(HERE, THERE, 80), Pass(HERE, HERE, 80), Out(HERE, "192.0.2.0/24", 25)) == ()


def test_a_way_between_the_only_two_stays() -> None:
    two = world(Pass(HERE, THERE, 80))
    assert closing(replace(two, boxes=two.boxes[:2])).empty


def test_a_way_goes_when_either_end_is_not_there() -> None:
    from_gone, to_gone, between = Pass(GONE, HERE, 80), Pass(HERE, GONE, 80), Pass(HERE, THERE, 80)
    assert set(closed(from_gone, to_gone, between)) == {from_gone, to_gone}
    out = Out(GONE, "192.0.2.0/24", 25)
    assert closed(out, Out(HERE, "192.0.2.0/24", 25)) == (out,)


def test_what_only_leads_on_is_left_to_the_next_plan() -> None:
    route, door = Route("10.1.0.1", 80, (GONE,)), Door("127.0.0.1", 80, 80, (GONE,))
    assert closed(route, door) == ()


def test_what_goes_is_in_an_order_that_does_not_change() -> None:
    gone = [Pass(GONE, HERE, port) for port in range(1, 9)]
    assert closed(*gone) == closed(*reversed(gone)) == tuple(sorted(gone, key=repr))


def test_a_box_that_did_not_come_up_is_ended_at_once_and_then_removed() -> None:
    one, name = BoxId("me", "web", 7), ServiceName("me", "web")
    why = "it did not come up"
    assert release_boxes((one,), why).actions == (
        Action(StopBox(one, "SIGKILL", 0), Purpose.RELEASE, why, name),
        Action(RemoveBox(one), Purpose.RELEASE, why, name, (0,)),
    )
