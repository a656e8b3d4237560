"""The laws, each a function of a story and a planner that raises AssertionError where it is broken.

They know nothing of how the planner works: they look at plans, and at the machine while a plan is
carried out, action by action.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import TypeVar

from msgspec.structs import replace

from orchestr8.boxes.desired import Desired, DesiredService
from orchestr8.boxes.records import Records
from orchestr8.boxes.world import ObservedBox, State, World
from orchestr8.manifest.model import Stop
from orchestr8.names import STANDBY, BoxId, ServiceName
from orchestr8.planning.allocate import allocate
from orchestr8.planning.links import standing_elements
from orchestr8.planning.moves import joined
from orchestr8.planning.plan import Call, CreateBox, Plan, Reason, StopBox
from orchestr8.planning.reconcile import reconcile
from orchestr8.planning.show import action_lines, plan_text
from tests.laws.simulation import Planner, Simulation
from tests.laws.stories import Brief, Story, befall, some_order
from tests.planning.brief import Fleet, fleet

T = TypeVar("T")
CYCLES_MOST = 12
PAUSE_MS = 2_000

Law = Callable[[Story, Planner], None]


def converge(simulation: Simulation, wanted: Fleet) -> set[ServiceName]:
    """Cycles until nothing is left to do; every cycle's calls succeed on a healthy machine.

    The services that still wait, which on such a machine only happens for others' sake.
    """
    for _cycle in range(CYCLES_MOST):
        plan = simulation.plan(wanted)
        if plan.empty:
            simulation.store(plan.allocations)
            assert plan.steps == plan.waiting, plan_text(plan)
            assert all(step.reason is Reason.DEPENDENCY for step in plan.waiting), plan_text(plan)
            return {step.service for step in plan.waiting}
        failed = simulation.carry_out(plan)
        assert not failed, f"{failed}\n{shown(plan)}"
        simulation.clock.advance_ms(PAUSE_MS)
    raise AssertionError(f"no end in sight:\n{shown(simulation.plan(wanted))}")


def shown(plan: Plan) -> str:
    """A plan for whoever reads why a law is broken."""
    return "\n".join((plan_text(plan), *action_lines(plan)))


def begin(story: Story) -> tuple[Simulation, Fleet]:
    """The machine as the real planner left it, after interruption and mishaps, and what is wanted
    now."""
    simulation = Simulation(reconcile)
    converge(simulation, fleet(story.before))
    if story.begun:
        plan = simulation.plan(fleet(story.between))
        simulation.carry_out(plan, some_order(plan, story.picks)[: story.begun])
    for mishap in story.mishaps:
        befall(simulation, mishap)
    return simulation, fleet(story.after)


def converges(story: Story, planner: Planner) -> None:
    """After the cycles everything is as declared, and the next plan is empty."""
    simulation, wanted = begin(story)
    simulation.planner = planner
    _is_as_declared(simulation, but=converge(simulation, wanted))
    assert simulation.plan(wanted).empty


def _is_as_declared(simulation: Simulation, but: Set[ServiceName]) -> None:
    """One box in every slot, with the declared spec, limits and hosts file; and no other box."""
    world, desired = simulation.world(), simulation.desired
    boxes = [box for box in world.boxes if box.id.service_name not in but]
    _stand_by([box for box in boxes if box.slot == STANDBY], desired, but)
    boxes = [box for box in boxes if box.slot != STANDBY]
    slots = Counter((box.id.service_name, box.slot) for box in boxes)
    declared = {
        (name, slot): spec
        for name, service in desired.services.items()
        for slot, spec in enumerate(service.slots)
        if name not in but
    }
    assert slots == dict.fromkeys(declared, 1)
    for box in boxes:
        service = desired.services[box.id.service_name]
        spec = declared[box.id.service_name, box.slot]
        carried = replace(box.spec, networked=spec.networked) if box.spec else None
        assert carried == spec
        assert box.state.runs or (service.run_once and box.state is State.STOPPED)
        assert service.run_once or box.limits == service.limits
        assert box.names == service.names or not spec.networked
    assert but or world.network.elements == standing_elements(desired, world)


def _stand_by(boxes: Iterable[ObservedBox], desired: Desired, but: Set[ServiceName]) -> None:
    """As many boxes wait as shall, each as the service's first box is declared."""
    wanted = {
        name: service.standby
        for name, service in desired.services.items()
        if service.standby and service.slots and name not in but
    }
    wanted = {
        name: n for name, n in wanted.items() if not joined(desired.services[name].slots[0].profile)
    }
    assert Counter(box.id.service_name for box in boxes) == wanted
    for box in boxes:
        service = desired.services[box.id.service_name]
        assert box.state is State.CREATED
        assert box.spec
        assert replace(box.spec, networked=service.slots[0].networked) == service.slots[0]
        assert box.limits == service.limits
        assert box.names == service.names or not service.slots[0].networked


def survives_interruption(story: Story, planner: Planner) -> None:
    """Killed after any action, the next cycles converge all the same."""
    simulation, wanted = begin(story)
    simulation.planner = planner
    plan = simulation.plan(wanted)
    order = some_order(plan, story.picks)
    simulation.carry_out(plan, order[: story.cut % (len(order) + 1)])
    _is_as_declared(simulation, but=converge(simulation, wanted))


def asked(simulation: Simulation, wanted: Fleet) -> tuple[Desired, World, Records, int]:
    """What a planner is asked."""
    simulation.plan(wanted)
    records, given = allocate(wanted.contracts, simulation.records)
    simulation.store(given)
    return simulation.desired, simulation.world(), records, simulation.clock.now_ms()


def step_by_step(simulation: Simulation, plan: Plan, picks: tuple[int, ...]) -> Iterator[set[int]]:
    """Carries a plan out in some order that it allows; after each action, which are done."""
    simulation.store(plan.allocations)
    done: set[int] = set()
    for number in some_order(plan, picks):
        problem = simulation.act(plan.actions[number])
        assert not problem, f"{problem}\n{shown(plan)}"
        done.add(number)
        yield done


def keeps_slots(story: Story, planner: Planner) -> None:
    """At no moment do more boxes run in a slot than its order of replacement allows, nor two that
    alone write to one volume; what an interruption left does not get worse."""
    simulation, wanted = begin(story)
    plan = planner(*asked(simulation, wanted))
    slots_before, writers_before = _slots(simulation), _writers(simulation)
    for _done in step_by_step(simulation, plan, story.picks):
        for (name, slot), count in _slots(simulation).items():
            service = simulation.desired.services.get(name)
            most = 1 if service is None or one_at_a_time(service) else 2
            most = max(most, slots_before[name, slot])
            assert count <= most, f"{count} boxes in slot {slot} of {name}\n{shown(plan)}"
        for volume, count in _writers(simulation).items():
            assert count <= max(1, writers_before[volume]), f"{volume}\n{shown(plan)}"


def _slots(simulation: Simulation) -> Counter[tuple[ServiceName, int]]:
    """How many boxes run in each slot."""
    boxes = simulation.world().boxes
    return Counter((box.id.service_name, box.slot) for box in boxes if box.state.runs)


def _writers(simulation: Simulation) -> Counter[str]:
    """How many running boxes write to each volume."""
    specs = [box.spec for box in simulation.world().boxes if box.spec and box.state.runs]
    return Counter(one.volume for spec in specs for one in spec.volumes if not one.read_only)


def one_at_a_time(service: DesiredService) -> bool:
    """Whether a service's boxes may not overlap."""
    return bool(service.stop_first_why) or service.update.order == "stop-first"


def is_deterministic(story: Story, planner: Planner) -> None:
    """Equal input gives an equal plan and equal text, in whatever order its parts come."""
    simulation, wanted = begin(story)
    desired, world, records, now_ms = asked(simulation, wanted)
    plain = planner(desired, world, records, now_ms)
    turned = planner(
        replace(
            desired,
            services=dict(_turned(tuple(desired.services.items()), story.picks)),
            volumes=_turned(desired.volumes, story.picks),
        ),
        replace(
            world,
            boxes=_turned(world.boxes, story.picks),
            volumes=_turned(world.volumes, story.picks),
            health=dict(_turned(tuple(world.health.items()), story.picks)),
        ),
        replace(records, boxes=dict(_turned(tuple(records.boxes.items()), story.picks))),
        now_ms,
    )
    assert plain == turned
    assert shown(plain) == shown(turned)


def _turned(parts: tuple[T, ...], picks: tuple[int, ...]) -> tuple[T, ...]:
    left, turned = list(parts), []
    while left:
        pick = picks[len(turned) % len(picks)] if picks else len(left) - 1
        turned.append(left.pop(pick % len(left)))
    return tuple(turned)


def stays_with_its_owner(story: Story, planner: Planner) -> None:
    """What one owner changes touches no box of another, and every action says whose it is."""
    before = _accepting(story.before["services"])
    changed = _accepting(story.after["services"])
    mine = {name: words for name, words in changed.items() if name.endswith(".one")}
    theirs = {name: words for name, words in before.items() if name.endswith(".two")}
    simulation = Simulation(reconcile)
    converge(simulation, fleet({"services": before}))
    after = {
        name: without_dangling(words, mine | theirs) for name, words in (mine | theirs).items()
    }
    plan = planner(*asked(simulation, fleet({"services": after})))
    untouched = all(after[name] == words for name, words in theirs.items())
    for action in plan.actions:
        box_id = _subject(action.call)
        if box_id is not None:
            assert action.service == box_id.service_name, shown(plan)
            assert box_id.owner == "one" or not untouched, shown(plan)


def _accepting(services: Mapping[str, Brief]) -> dict[str, Brief]:
    """Services that others were let into from the beginning: a link to them forces nothing."""
    return {
        name: words if "share" in words else words | {"accepts": ["web.one:1"]}
        for name, words in services.items()
    }


def without_dangling(words: Brief, known: Mapping[str, Brief]) -> Brief:
    """A service without what it says of services that are gone."""
    kept = dict(words)
    for word in ("connects", "after"):
        if word in kept:
            kept[word] = [peer for peer in kept[word] if peer.partition(":")[0] in known]
    if "share" in kept and kept["share"]["pid"] not in known:
        del kept["share"]
    return kept


def _subject(call: Call) -> BoxId | None:
    if isinstance(call, CreateBox):
        return call.box.id
    found = getattr(call, "id", None)
    return found if isinstance(found, BoxId) else None


def explains_itself(story: Story, planner: Planner) -> None:
    """A plan that does something says so in a line, numbers run forward, and what waits has a
    reason and a remedy."""
    simulation, wanted = begin(story)
    plan = planner(*asked(simulation, wanted))
    assert plan.steps or plan.upkeep or not plan.actions, shown(plan)
    for number, action in enumerate(plan.actions):
        assert all(need < number for need in action.needs), shown(plan)
        assert action.cause, shown(plan)
    for step in plan.steps:
        assert step.effect, shown(plan)
    for step in plan.waiting:
        assert step.reason and step.cause and step.whose_move, shown(plan)


def gives_nothing_twice(story: Story, planner: Planner) -> None:
    """Serials never come back; addresses and uid ranges belong to one at a time."""
    simulation, wanted = begin(story)
    simulation.planner = planner
    seen = {box.id for box in simulation.world().boxes}
    for _cycle in range(CYCLES_MOST):
        plan = simulation.plan(wanted)
        if plan.empty:
            break
        made = [one.call.box for one in plan.actions if isinstance(one.call, CreateBox)]
        assert not seen & {box.id for box in made}, shown(plan)
        assert len({box.id for box in made}) == len(made), shown(plan)
        seen |= {box.id for box in made}
        there = [box.address for box in simulation.world().boxes if box.address]
        there += [box.address for box in made if box.address]
        assert len(set(there)) == len(there), shown(plan)
        simulation.carry_out(plan)
    records = simulation.records.services.values()
    assert len({one.uid_base for one in records}) == len(records)
    assert len({one.address for one in records}) == len(records)


def ends_as_promised(story: Story, planner: Planner) -> None:
    """A box is asked to end as is declared now if it is as declared now, else as was declared when
    it was made or looked at."""
    simulation, wanted = begin(story)
    plan = planner(*asked(simulation, wanted))
    earlier = [fleet(story.before), *([fleet(story.between)] if story.begun else [])]
    boxes = {box.id: box for box in simulation.world().boxes}
    for call in (action.call for action in plan.actions):
        if isinstance(call, StopBox):
            name = call.id.service_name
            service = simulation.desired.services.get(name)
            stays = service and _is_as_now(boxes[call.id], service)
            promised = {
                one.contracts.services[name].service.stop
                for one in ([wanted] if stays else earlier)
                if name in one.contracts.services
            }
            assert Stop(call.signal, call.grace_ms) in promised, shown(plan)


def _is_as_now(box: ObservedBox, service: DesiredService) -> bool:
    if box.spec is None or box.slot >= len(service.slots):
        return False
    spec = service.slots[box.slot]
    return replace(box.spec, networked=spec.networked) == spec


LAWS: tuple[Law, ...] = (
    converges,
    survives_interruption,
    keeps_slots,
    is_deterministic,
    stays_with_its_owner,
    explains_itself,
    gives_nothing_twice,
    ends_as_promised,
)
