"""The laws of the ways between boxes, and into the machine, while plans are carried out."""

from __future__ import annotations

from collections.abc import Iterator, Set

from msgspec.structs import replace

from orchestr8.boxes.network import Door, Pass, Route
from orchestr8.boxes.records import Hold
from orchestr8.boxes.world import Health, World
from orchestr8.engines.memory.workload import SIGKILL_STATUS
from orchestr8.manifest.model import Link
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.plan import ChangeNetwork, Plan, StopBox
from tests.laws.laws import Law, asked, begin, one_at_a_time, shown
from tests.laws.simulation import Planner, Simulation
from tests.laws.stories import Story, some_order
from tests.planning.brief import Fleet

HOLD_MS = 3_600_000

Ways = frozenset[tuple[BoxId, Link]]
"""Boxes that run, each with a link that is declared of its service."""


def keeps_traffic(story: Story, planner: Planner) -> None:
    """A service that worked before a plan is reached at every moment of it, by every port at which
    it is published or called, unless its boxes may not overlap."""
    simulation, wanted = _begin_with_hold(story)
    desired, world, records, now_ms = asked(simulation, wanted)
    plan = planner(desired, world, records, now_ms)
    worked = {
        name: service
        for name, service in desired.services.items()
        if not one_at_a_time(service) and _works(world, name, len(service.slots))
    }
    called = {link for service in desired.services.values() for link in service.connects}
    expected = {
        *((worked[link.peer].address, link.port) for link in called if link.peer in worked),
        *((line.address, line.host_port) for one in worked.values() for line in one.publish),
    }
    for done in _moments(simulation, plan, story.picks):
        if not _is_opened(plan, done):
            continue
        now = simulation.world()
        alive = {box.address for box in now.boxes if box.state.runs}
        led = {
            (one.address, one.port if isinstance(one, Route) else one.host_port): one.backends
            for one in now.network.elements
            if isinstance(one, Route | Door)
        }
        for place in expected:
            assert alive & set(led.get(place, ())), f"{place} is cut off\n{shown(plan)}"


def keeps_links(story: Story, planner: Planner) -> None:
    """At every moment of a plan whoever is declared to call a service is let through to all of its
    boxes that are called, whatever becomes of either; what was open before stays so from the first
    action on."""
    simulation, wanted = _begin_with_hold(story)
    plan = planner(*asked(simulation, wanted))
    cut_before = _cut(simulation)
    for done in _moments(simulation, plan, story.picks):
        allowed = frozenset() if _is_opened(plan, done) else cut_before
        assert _cut(simulation) <= allowed, f"{_cut(simulation) - allowed}\n{shown(plan)}"


def keeps_links_beside_another_plan(story: Story, planner: Planner) -> None:
    """The same while a box ends that a plan is not about and is healed before that plan is over."""
    simulation, wanted = _begin_with_hold(story)
    plan = planner(*asked(simulation, wanted))
    within: Plan | None = None
    for done in _moments(simulation, plan, story.picks):
        if not _is_opened(plan, done):
            continue
        assert not _cut(simulation), f"{shown(plan)}\n{shown(within or Plan())}"
        if within is None and len(done) > story.cut % len(plan.actions):
            within = _heal_within(simulation, wanted, plan, story, planner)


def keeps_links_of_who_goes(story: Story, planner: Planner) -> None:
    """Whoever goes reaches until its end whom it reached before, declared or not, where that one
    works on, unless its boxes may not overlap."""
    simulation, wanted = _begin_with_hold(story)
    reached = _reached(simulation)
    desired, world, records, now_ms = asked(simulation, wanted)
    plan = planner(desired, world, records, now_ms)
    going = {action.call.id for action in plan.actions if isinstance(action.call, StopBox)}
    there = {
        service.address
        for name, service in desired.services.items()
        if not one_at_a_time(service)
        and all(spec.networked for spec in service.slots)
        and _works(world, name, len(service.slots))
    }
    for _done in _moments(simulation, plan, story.picks):
        running = {box.id for box in simulation.world().boxes if box.state.runs}
        for way in reached - _reached(simulation):
            box_id, address, _port = way
            cut = box_id in going & running and address in there
            assert not cut, f"{way}\n{shown(plan)}"


def _heal_within(
    simulation: Simulation, wanted: Fleet, plan: Plan, story: Story, planner: Planner
) -> Plan:
    """Some box ends that a plan is not about; the plan that was carried out to heal it."""
    services = frozenset(action.service for action in plan.actions if action.service)
    boxes = simulation.world().boxes
    others = [box.id for box in boxes if box.state.runs and box.id.service_name not in services]
    if not others:
        return Plan()
    simulation.machine.crash(others[story.cut % len(others)], SIGKILL_STATUS)
    simulation.busy = services
    within = planner(*asked(simulation, wanted))
    for done in _moments(simulation, within, story.picks):
        cut = _is_opened(within, done) and _cut(simulation)
        assert not cut, f"{cut}\n{shown(plan)}\n{shown(within)}"
    return within


def _begin_with_hold(story: Story) -> tuple[Simulation, Fleet]:
    """The beginning of a story, and somebody holds a service in the middle of it."""
    simulation, wanted = begin(story)
    names = sorted(simulation.desired.services)
    if story.held is not None and names:
        hold = Hold(simulation.clock.now_ms() + HOLD_MS, "somebody looks at it")
        name = names[story.held % len(names)]
        simulation.records = replace(simulation.records, holds={name: hold})
    return simulation, wanted


def _moments(simulation: Simulation, plan: Plan, picks: tuple[int, ...]) -> Iterator[set[int]]:
    """Carries a plan out in some order that it allows; after each action, which are done. What
    waited for one that failed is left out."""
    simulation.store(plan.allocations)
    done: set[int] = set()
    for number in some_order(plan, picks):
        action = plan.actions[number]
        if done.issuperset(action.needs) and not simulation.act(action):
            done.add(number)
            yield done


def _is_opened(plan: Plan, done: Set[int]) -> bool:
    """Whether the first change of the table was made, if there is any."""
    changes = (n for n, one in enumerate(plan.actions) if isinstance(one.call, ChangeNetwork))
    first = next(changes, None)
    return first is None or first in done


def _works(world: World, name: ServiceName, slots: int) -> bool:
    return any(
        box.id.service_name == name
        and box.slot < slots
        and box.state.runs
        and box.address
        and world.health.get(box.id) is not Health.UNHEALTHY
        for box in world.boxes
    )


def _cut(simulation: Simulation) -> Ways:
    """Where a box that runs is led to one that runs and not let through."""
    world, services = simulation.world(), simulation.desired.services
    elements = world.network.elements
    led = {(one.address, one.port): one.backends for one in elements if isinstance(one, Route)}
    alive = {box.address for box in world.boxes if box.state.runs and box.address}
    return frozenset(
        (box.id, link)
        for box in world.boxes
        if box.address in alive and box.id.service_name in services
        for link in services[box.id.service_name].connects
        if link.peer in services
        for backend in led.get((services[link.peer].address, link.port), ())
        if backend in alive and Pass(box.address, backend, link.port) not in elements
    )


def _reached(simulation: Simulation) -> set[tuple[BoxId, str, int]]:
    """Which boxes that run reach a box by which virtual address and port."""
    world = simulation.world()
    elements = world.network.elements
    running = {box.address: box.id for box in world.boxes if box.state.runs and box.address}
    return {
        (box_id, route.address, route.port)
        for route in elements
        if isinstance(route, Route)
        for backend in route.backends
        if backend in running
        for address, box_id in running.items()
        if Pass(address, backend, route.port) in elements
    }


WAY_LAWS: tuple[Law, ...] = (
    keeps_traffic,
    keeps_links,
    keeps_links_of_who_goes,
    keeps_links_beside_another_plan,
)
