"""Stories of services with dedicated cores, and what is looked up after each action of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from orchestr8.boxes.desired import Dealt
from orchestr8.boxes.world import ObservedBox
from orchestr8.names import BoxId
from orchestr8.planning.plan import Plan
from orchestr8.planning.show import action_lines, plan_text
from tests.laws.simulation import Simulation
from tests.laws.stories import some_order
from tests.planning.brief import Fleet

EVERY = frozenset(range(4))
NAMES = ("a.me", "b.me", "c.you", "d.you", "job.you")
Brief = dict[str, Any]
CYCLES_MOST = 8
PAUSE_MS = 4_000


@st.composite
def services(draw: st.DrawFn, name: str) -> Brief:
    """A service that has cores for itself, or shares them; or a short job."""
    words: Brief = {"image": draw(st.sampled_from(("x:1", "x:2")))}
    cores = draw(st.sampled_from((0, 0, 1, 1, 2)))
    if cores:
        words["limits"] = {"dedicated": cores}
    if name.startswith("job"):
        return words | {"run": "once"}
    words["replicas"] = draw(st.sampled_from((1, 1, 2)))
    return words


@st.composite
def fleets(draw: st.DrawFn) -> Brief:
    """Some services, which may ask for more cores together than there are."""
    names = draw(st.sets(st.sampled_from(NAMES), max_size=4))
    return {
        "reserve": {"cpu": "0.01"},
        "services": {name: draw(services(name)) for name in sorted(names)},
    }


HAPPENINGS = st.lists(st.tuples(st.sampled_from(("moved", "crash", "gone")), st.integers(0, 99)))


def happen(simulation: Simulation, kind: str, pick: int) -> None:
    """Somebody puts a box on other cores, ends it, or takes it away."""
    boxes = simulation.machine.boxes
    if not boxes:
        return
    box_id = sorted(boxes)[pick % len(boxes)]
    match kind:
        case "moved" if boxes[box_id].state.runs:
            first, last = sorted((pick % 4, pick // 4 % 4))
            boxes[box_id] = replace(boxes[box_id], cores=tuple(range(first, last + 1)))
        case "crash" if boxes[box_id].state.runs:
            simulation.machine.crash(box_id, 1)
        case "gone":
            del boxes[box_id]
        case _:
            pass


def running(simulation: Simulation) -> list[ObservedBox]:
    return [box for box in simulation.world().boxes if box.state.runs]


def held_to(box: ObservedBox) -> frozenset[int]:
    return frozenset(box.cores) or EVERY


def at_odds(simulation: Simulation, dealt: Dealt) -> set[tuple[BoxId, BoxId]]:
    """Boxes on cores that are dealt to them, with each box of another slot that runs there too."""
    boxes = running(simulation)
    slots = {box.id: (box.id.service_name, box.slot) for box in boxes}
    return {
        (box.id, other.id)
        for box in boxes
        for other in boxes
        if slots[box.id] != slots[other.id]
        and held_to(box) & held_to(other) & set(dealt.get(slots[box.id], ()))
    }


def still_owned(simulation: Simulation, dealt: Dealt) -> Dealt:
    """Of what was dealt, what slots have that shall have some or go: until they leave it."""
    services = simulation.desired.services
    return {
        (name, slot): cores
        for (name, slot), cores in dealt.items()
        if name not in services or services[name].limits.dedicated_cores
    }


def step_by_step(simulation: Simulation, plan: Plan, picks: tuple[int, ...]) -> Iterator[None]:
    """Carries a plan out in some order that it allows, and looks after each action."""
    simulation.store(plan.allocations)
    for number in some_order(plan, picks):
        problem = simulation.act(plan.actions[number])
        assert not problem, problem
        yield


def come_to_rest(simulation: Simulation, wanted: Fleet) -> Plan:
    """Cycles until nothing is left to do; the last plan."""
    for _cycle in range(CYCLES_MOST):
        plan = simulation.plan(wanted)
        if plan.empty:
            return plan
        assert not simulation.carry_out(plan)
        simulation.clock.advance_ms(PAUSE_MS)
    raise AssertionError(f"no end in sight:\n{plan_text(plan)}\n" + "\n".join(action_lines(plan)))


def is_dealt_well(simulation: Simulation, plan: Plan) -> None:
    """At rest: who shall have cores has as many for itself, everybody else all others, and there
    is one of those at least."""
    services = simulation.desired.services
    dealt = [core for cores in plan.dealt.values() for core in cores]
    assert len(dealt) == len(set(dealt)), plan.dealt
    shared = EVERY - set(dealt)
    assert shared
    waits = {step.service for step in plan.waiting}
    for box in running(simulation):
        key = (box.id.service_name, box.slot)
        assert held_to(box) == frozenset(plan.dealt.get(key, shared)), box
        count = services[key[0]].limits.dedicated_cores
        assert len(plan.dealt.get(key, ())) == (count or 0) or key[0] in waits
    places = {(box.id.service_name, box.slot) for box in running(simulation)}
    assert plan.dealt.keys() <= places
    assert not at_odds(simulation, plan.dealt)


STORIES = st.tuples(
    st.tuples(fleets(), fleets(), fleets()),
    HAPPENINGS,
    st.integers(0, 40),
    st.lists(st.integers(0, 10), max_size=12).map(tuple),
)
