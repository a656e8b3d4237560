"""The laws of dedicated cores, over many stories: no core is two boxes', and none lies idle."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestr8.boxes.desired import Dealt, Desired
from orchestr8.boxes.records import Records
from orchestr8.boxes.spec import BoxSpec
from orchestr8.boxes.world import State, World
from orchestr8.names import STANDBY, BoxId, ServiceName
from orchestr8.planning.cores import Deal, wait_for_cores
from orchestr8.planning.moves import Keep, Moves, Provision, StandBy, Wait
from orchestr8.planning.plan import CreateBox, Plan, Reason, SetCores, StopBox
from orchestr8.planning.reconcile import reconcile
from orchestr8.planning.show import plan_text
from orchestr8.units import format_cores, parse_cores
from tests.laws.effort import stories_of, until_broken
from tests.laws.simulation import Planner, Simulation
from tests.laws.stories import some_order
from tests.planning.brief import fleet
from tests.planning.core_stories import (
    STORIES,
    Brief,
    at_odds,
    come_to_rest,
    happen,
    is_dealt_well,
    step_by_step,
    still_owned,
)
from tests.planning.playing import stage

EXAMPLES = 60


def law(
    planner: Planner,
    briefs: tuple[Brief, ...],
    happened: list[tuple[str, int]],
    cut: int,
    picks: tuple[int, ...],
) -> None:
    """From fleet to fleet, with mishaps and an interruption: never two at odds who were not before,
    be it about what was dealt before and not left yet or about what is dealt now; and at rest all
    is dealt well, again and again."""
    simulation = Simulation(planner)
    rest = Plan()
    for brief in briefs:
        wanted = fleet(brief)
        plan = simulation.plan(wanted)
        deals = (still_owned(simulation, rest.dealt), plan.dealt)
        before = [at_odds(simulation, dealt) for dealt in deals]
        order = some_order(plan, picks)
        steps = step_by_step(simulation, plan, picks)
        for _ in zip(steps, range(1 + cut % (len(order) + 1)), strict=False):
            for dealt, were in zip(deals, before, strict=True):
                assert at_odds(simulation, dealt) <= were, plan_text(plan)
        is_dealt_well(simulation, come_to_rest(simulation, wanted))
        for kind, pick in happened:
            happen(simulation, kind, pick)
        rest = come_to_rest(simulation, wanted)
        is_dealt_well(simulation, rest)


def test_cores_are_dealt_out_and_taken_back() -> None:
    @stories_of(EXAMPLES)
    @given(STORIES)
    def holds(story: Any) -> None:
        law(reconcile, *story)

    holds()


def hasty(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Waits for nobody to leave a core."""
    plan = reconcile(desired, world, records, now_ms)
    leave = {n for n, one in enumerate(plan.actions) if isinstance(one.call, SetCores | StopBox)}
    actions = (
        replace(one, needs=tuple(set(one.needs) - leave))
        if isinstance(one.call, SetCores | CreateBox)
        else one
        for one in plan.actions
    )
    return replace(plan, actions=tuple(actions))


def forgetful(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Gives no core back."""
    plan = reconcile(desired, world, records, now_ms)
    kept = (one for one in plan.actions if not isinstance(one.call, SetCores) or one.call.cores)
    return replace(plan, actions=tuple(replace(one, needs=()) for one in kept))


def blind(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
    """Does not see on which cores boxes are."""
    boxes = tuple(replace(box, cores=()) for box in world.boxes)
    return reconcile(desired, replace(world, boxes=boxes), records, now_ms)


@pytest.mark.parametrize("planner", [hasty, forgetful, blind], ids=lambda one: one.__name__)
def test_the_law_finds_planners_that_break_it(planner: Planner) -> None:
    @until_broken(300)
    @given(STORIES)
    def holds(story: Any) -> None:
        law(planner, *story)

    with pytest.raises(AssertionError):
        holds()


def test_a_standby_is_no_slot_with_cores() -> None:
    simulation = Simulation()
    features = simulation.machine.features
    simulation.machine.features = replace(features, present=features.present | {"standby"})
    wanted = fleet(
        {"services": {"a.me": {"standby": 1}, "d.me": {"limits": {"dedicated": 1}}}},
        simulation.machine.features,
    )
    come_to_rest(simulation, wanted)
    waits = [box for box in simulation.world().boxes if box.slot == STANDBY]
    assert [box.cores for box in waits] == [(0, 1, 2)]


@pytest.mark.parametrize(
    ("cores", "asked", "on", "dealt"),
    [
        pytest.param(
            4, {"a": 1, "b": 2, "c": 0}, {"a": (0, 1, 2), "b": (3,), "c": (0, 1, 2)},
            {"a": (1,), "b": (2, 3)}, id="who is alone on one before who shares all",
        ),
        pytest.param(
            4, {"a": 1, "b": 2, "c": 0}, {"a": (0, 1, 2), "b": (3,), "c": (0, 1)},
            {"a": (2,), "b": (1, 3)}, id="each has those on which it is alone",
        ),
        pytest.param(
            5, {"b": 1, "c": 2}, {"b": (4,), "c": (3, 4)},
            {"b": (2,), "c": (1, 3)}, id="who is alone on some only waits its turn",
        ),
        pytest.param(
            8, {"a": 3, "b": 3, "c": 0}, {"a": (7,), "b": (5, 6), "c": tuple(range(5))},
            {"a": (2, 3, 7), "b": (4, 5, 6)}, id="two that grow keep those that they have",
        ),
        pytest.param(
            4, {"a": 3, "b": 2, "c": 0}, {"a": (3,), "b": (2,), "c": (0, 1)},
            {"a": (3,), "b": (1, 2)}, id="who grows takes none from who cannot",
        ),
        pytest.param(
            6, {"a": 3, "z": 3}, {"a": (3,), "z": (4, 5)},
            {"a": (3,), "z": (2, 4, 5)}, id="who lacks one before who lacks two",
        ),
        pytest.param(
            5, {"a": 3, "z": 2}, {"a": (1, 2), "z": (3, 4)},
            {"a": (1, 2), "z": (3, 4)}, id="who lacks none before who lacks one",
        ),
        pytest.param(
            4, {"a": 1, "b": 2}, {"a": (0,), "b": (1, 2, 3)},
            {"a": (0,), "b": (2, 3)}, id="what one has beyond its number is no reason to be short",
        ),
    ],
)  # fmt: skip
def test_who_gets_which(
    cores: int,
    asked: dict[str, int],
    on: dict[str, tuple[int, ...]],
    dealt: dict[str, tuple[int, ...]],
) -> None:
    """Boxes that run, on these cores, shall have so many for themselves from now on."""
    simulation, wanted = stage(
        {
            "machine": {"cpu": cores},
            "before": {"reserve": {"cpu": 0.01}, "services": {f"{one}.me": {} for one in asked}},
            "events": [{"box": f"me--{one}--1", "cores": held} for one, held in on.items()],
            "change": {
                "services": {
                    f"{one}.me": {"limits": {"dedicated": count}}
                    for one, count in asked.items()
                    if count
                }
            },
        }
    )
    plan = simulation.plan(wanted)
    assert {name.service: held for (name, _), held in plan.dealt.items()} == dealt


def test_a_services_own_boxes_do_not_share_what_is_dealt_to_one() -> None:
    simulation = Simulation()
    wanted = fleet({"services": {"d.me": {"replicas": 2, "limits": {"dedicated": 1}}}})
    come_to_rest(simulation, wanted)
    boxes = simulation.machine.boxes
    for box_id in boxes:
        boxes[box_id] = replace(boxes[box_id], cores=(3,))
    assert simulation.plan(wanted).dealt == {(WORKER, 0): (2,), (WORKER, 1): (1,)}


def test_whose_move_to_other_cores_it_is_only_its_own_service_is_told() -> None:
    simulation = Simulation()
    come_to_rest(simulation, fleet({"services": {"a.me": {}, "d.me": {}}}))
    plan = simulation.plan(fleet({"services": {"a.me": {}, "d.me": WITH_CORES}}))
    moved = {
        one.call.id.service_name: one.service
        for one in plan.actions
        if isinstance(one.call, SetCores)
    }
    assert moved == {ServiceName.parse("a.me"): None, WORKER: WORKER}


def beside(dealt: Dealt, *busy: str, left: Collection[int] = ()) -> Planner:
    """A planner within another plan, which deals so and is about these services; `left` are the
    cores that somebody leaves in it."""
    names = frozenset(map(ServiceName.parse, busy))

    def plan(desired: Desired, world: World, records: Records, now_ms: int) -> Plan:
        under_way = replace(desired, busy=names, being_dealt=dealt, being_left=frozenset(left))
        return reconcile(under_way, world, records, now_ms)

    return plan


WITH_CORES, WITH_TWO = {"limits": {"dedicated": 1}}, {"limits": {"dedicated": 2}}
WORKER, OTHER = ServiceName.parse("d.me"), ServiceName.parse("x.me")


def test_nobody_is_moved_while_another_plan_is_carried_out() -> None:
    simulation = Simulation()
    come_to_rest(simulation, fleet({"services": {"a.me": {}}}))
    wanted = fleet({"services": {"a.me": {}, "d.me": WITH_CORES}})
    simulation.planner = beside({}, "z.me")
    plan = simulation.plan(wanted)
    assert plan.empty
    (step,) = plan.steps
    assert (step.service, step.reason) == (WORKER, Reason.CORES)
    assert step.effect == "follows by itself"
    simulation.planner = reconcile
    assert come_to_rest(simulation, wanted).dealt == {(WORKER, 0): (3,)}


def test_what_another_plan_deals_is_not_dealt_again() -> None:
    """Whoever had cores before that plan has the same again, and others wait."""
    simulation = Simulation(beside({(OTHER, 0): (3,), (WORKER, 0): (1,)}, "x.me"))
    services = {"a.me": {}, "d.me": WITH_CORES, "e.me": WITH_CORES, "x.me": WITH_CORES}
    plan = simulation.plan(fleet({"services": services}))
    made = {
        one.call.box.id.service_name: one.call.box.cores
        for one in plan.actions
        if isinstance(one.call, CreateBox)
    }
    assert made == {WORKER: (1,), ServiceName.parse("a.me"): (0, 2)}
    assert plan.dealt == {(OTHER, 0): (3,), (WORKER, 0): (1,)}
    assert [step.service for step in plan.waiting] == [ServiceName.parse("e.me")]


def test_more_cores_come_after_the_other_plan() -> None:
    simulation = Simulation()
    come_to_rest(simulation, fleet({"services": {"a.me": {}, "d.me": WITH_CORES}}))
    more = {"image": "d:2", "limits": {"dedicated": 2}}
    wanted = fleet({"services": {"a.me": {}, "d.me": more}})
    simulation.planner = beside({(WORKER, 0): (3,)}, "z.me")
    plan = simulation.plan(wanted)
    assert not any(isinstance(one.call, CreateBox | SetCores) for one in plan.actions)
    assert [step.reason for step in plan.waiting] == [Reason.CORES]
    simulation.planner = reconcile
    assert come_to_rest(simulation, wanted).dealt == {(WORKER, 0): (2, 3)}


def test_who_drifted_is_set_back_after_the_other_plan() -> None:
    simulation = Simulation()
    wanted = fleet({"services": {"a.me": {}, "d.me": WITH_CORES}})
    come_to_rest(simulation, wanted)
    box_id = BoxId.parse("me--a--1")
    simulation.machine.boxes[box_id] = replace(simulation.machine.boxes[box_id], cores=())
    simulation.planner = beside({(WORKER, 0): (3,)}, "z.me")
    assert simulation.plan(wanted).empty
    simulation.planner = reconcile
    assert not simulation.plan(wanted).empty


@pytest.mark.parametrize(
    ("shall", "left"),
    [
        pytest.param({"a.me": {}}, {2, 3}, id="who goes leaves all"),
        pytest.param({"a.me": {}, "d.me": WITH_CORES}, {2}, id="who shrinks leaves what is more"),
        pytest.param({"a.me": {}, "d.me": WITH_TWO}, (), id="who stays leaves nothing"),
    ],
)
def test_a_plan_tells_which_cores_are_left_by_who_had_them_alone(
    shall: dict[str, Any], left: Collection[int]
) -> None:
    simulation = Simulation()
    come_to_rest(simulation, fleet({"services": {"a.me": {}, "d.me": WITH_TWO}}))
    assert simulation.plan(fleet({"services": shall})).left == frozenset(left)


def test_nobody_comes_to_what_somebody_leaves_in_another_plan() -> None:
    """A fresh box is held to the cores that are everybody's already, and has the others later."""
    simulation = Simulation()
    come_to_rest(simulation, fleet({"services": {"a.me": {}, "d.me": WITH_TWO}}))
    wanted = fleet({"services": {"a.me": {}, "b.me": {}}})
    outer = simulation.plan(wanted)
    simulation.planner = beside(outer.dealt, "d.me", left=outer.left)
    plan = simulation.plan(wanted)
    (made,) = [one.call.box for one in plan.actions if isinstance(one.call, CreateBox)]
    assert made.id.service == "b" and made.cores == (0, 1)
    simulation.carry_out(plan)
    simulation.planner = reconcile
    come_to_rest(simulation, wanted)
    assert {one.cores for one in simulation.machine.boxes.values()} == {()}


def test_who_could_come_to_such_cores_only_waits() -> None:
    simulation = Simulation()
    come_to_rest(simulation, fleet({"services": {"d.me": {"limits": {"dedicated": 3}}}}))
    wanted = fleet({"services": {"a.me": {"standby": 1}, "x.me": WITH_CORES}})
    simulation.planner = beside({(OTHER, 0): (0,)}, "d.me", "x.me", left={1, 2, 3})
    plan = simulation.plan(wanted)
    assert not any(isinstance(one.call, CreateBox) for one in plan.actions)
    (step,) = plan.waiting
    assert (step.service, step.reason) == (ServiceName.parse("a.me"), Reason.CORES)
    box_id = BoxId.parse("me--d--1")
    left = replace(simulation.machine.boxes[box_id], state=State.STOPPED)
    simulation.machine.boxes[box_id] = left
    assert not simulation.plan(wanted).waiting, "the cores are left"


def test_only_who_would_come_to_such_cores_is_put_off() -> None:
    """Who runs there stays, and who has cores of its own comes."""
    simulation = Simulation()
    come_to_rest(simulation, fleet({"services": {"a.me": {}}}))
    (box,) = simulation.world().boxes
    spec = BoxSpec("sha256:1", image="x:1")
    fresh = Provision(1, spec, "replicas", first=False)
    moves = {
        box.id.service_name: Moves((Keep(0, box), fresh), standbys=(StandBy(spec, "none"),)),
        OTHER: Moves((fresh,)),
    }
    put_off = wait_for_cores(moves, Deal((0, 1), {(OTHER, 1): (0,)}, closed=True))
    assert put_off[OTHER] == moves[OTHER]
    kept, late = put_off[box.id.service_name].slots
    assert kept == Keep(0, box)
    assert isinstance(late, Wait) and (late.slot, late.reason) == (1, Reason.CORES)
    assert not put_off[box.id.service_name].standbys
    assert wait_for_cores(moves, Deal((0, 1))) is moves


@given(st.sets(st.integers(0, 99)))
def test_the_kernels_list_of_cores_is_read_and_written(numbers: set[int]) -> None:
    assert parse_cores(format_cores(numbers)) == tuple(sorted(numbers))


def test_it_is_as_the_kernel_writes_it() -> None:
    assert format_cores((5, 0, 1, 2, 7, 8)) == "0-2,5,7-8"
    assert parse_cores("0-2,5,7-8\n") == (0, 1, 2, 5, 7, 8)


@pytest.mark.parametrize("text", ["3-1", "-1", "1-", "0-9999999999", "a", "0 1"])
def test_what_is_no_such_list_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_cores(text)
