"""A planner, the memory engine and a controller that decides nothing: enough to see plans work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from orchestr8.boxes.desired import Dealt, Desired
from orchestr8.boxes.records import Failures, Records
from orchestr8.boxes.world import Health, ObservedBox, World
from orchestr8.controller.borders import call
from orchestr8.engines.memory.clock import FakeClock
from orchestr8.engines.memory.engine import memory_borders
from orchestr8.engines.memory.machine import Machine
from orchestr8.engines.memory.workload import runs_once
from orchestr8.errors import EngineError
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.allocate import allocate, extend
from orchestr8.planning.backoff import after_failure
from orchestr8.planning.expand import expand
from orchestr8.planning.plan import (
    Action,
    Allocations,
    AwaitBox,
    CreateBox,
    ForgetBox,
    Plan,
    RemoveBox,
)
from orchestr8.planning.reconcile import reconcile
from orchestr8.planning.release import release_boxes
from tests.planning.brief import Fleet

SETTLE_MS = 3_000
JOB_MS = 100

Planner = Callable[[Desired, World, Records, int], Plan]


@dataclass
class Simulation:
    """One machine over time, with the records that a store would keep."""

    planner: Planner = reconcile
    machine: Machine = field(default_factory=lambda: Machine(clock=FakeClock()))
    records: Records = field(default_factory=lambda: Records("test"))
    health: dict[BoxId, Health] = field(default_factory=dict)
    """What probes say, where it is not what the age of a box says."""
    ports_taken: dict[tuple[str, int], str] = field(default_factory=dict)
    addresses_absent: set[str] = field(default_factory=set)
    desired: Desired = field(default_factory=lambda: Desired({}, {}))
    unreadable: set[BoxId] = field(default_factory=set)
    """Boxes whose label cannot be read."""
    silent: set[BoxId] = field(default_factory=set)
    """Boxes that do not say how they are to be asked to end, as those of earlier releases."""
    subnet: str = ""
    unwanted: dict[BoxId, str] = field(default_factory=dict)
    """Boxes that somebody wants replaced."""
    busy: frozenset[ServiceName] = frozenset()
    """Services that another plan is carried out for."""
    being_dealt: Dealt | None = None
    """The cores that the other plan deals out."""
    held: dict[BoxId, int] = field(default_factory=dict)
    """The memory that boxes hold, where somebody looked."""
    held_by_owners: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.borders = memory_borders(self.machine)

    @property
    def clock(self) -> FakeClock:
        """The machine's clock, which only moves when it is told."""
        assert isinstance(self.machine.clock, FakeClock)
        return self.machine.clock

    def plan(self, fleet: Fleet) -> Plan:
        """One walk from contracts to a plan; what is given out is not stored yet."""
        for facts in fleet.images:
            present = self.machine.image_by_id(facts.id) is not None
            self.machine.register(facts, present=present)
        for contract in fleet.contracts.services.values():
            if contract.service.run_once:
                name = str(contract.name)
                self.machine.workloads.setdefault(name, runs_once(JOB_MS))
        records, given = allocate(fleet.contracts, self.records)
        desired = expand(fleet.contracts, records, fleet.digests, fleet.volumes)
        self.desired = replace(
            desired, unwanted=self.unwanted, busy=self.busy, being_dealt=self.being_dealt
        )
        plan = self.planner(self.desired, self.world(), records, self.clock.now_ms())
        return plan.with_services(given)

    def world(self) -> World:
        """The snapshot that a controller would take."""
        borders = self.borders
        boxes = tuple(
            replace(
                box,
                spec=None if box.id in self.unreadable else box.spec,
                stop=None if box.id in self.silent else box.stop,
            )
            for box in borders.boxes.observe().boxes
        )
        network = borders.network.observe()
        return World(
            boxes=boxes,
            volumes=borders.volumes.volumes(),
            network=replace(network, subnet=self.subnet or network.subnet),
            features=borders.boxes.features(),
            health={box.id: self._health(box) for box in boxes if box.state.runs},
            quotas=borders.owners.quotas(),
            images=frozenset(facts.id for facts in self.machine.images.values()),
            ports_taken=dict(self.ports_taken),
            addresses_absent=frozenset(self.addresses_absent),
            held=dict(self.held),
            held_by_owners=dict(self.held_by_owners),
        )

    def store(self, allocations: Allocations) -> None:
        """What comes before the first call."""
        self.records = extend(self.records, allocations)

    def carry_out(self, plan: Plan, order: Sequence[int] | None = None) -> tuple[str, ...]:
        """Makes the calls one by one, skipping what waited for a failure; the failures.

        `order` is another order that respects what actions wait for, or the beginning of one.
        """
        self.store(plan.allocations)
        failed: dict[int, str] = {}
        for number in range(len(plan.actions)) if order is None else order:
            action = plan.actions[number]
            if any(need in failed for need in action.needs):
                failed[number] = ""
                continue
            problem = self.act(action)
            if problem:
                failed[number] = problem
                self._note(plan, action, problem)
        return tuple(problem for problem in failed.values() if problem)

    def act(self, action: Action) -> str:
        """Makes one call; what went wrong, or the empty text."""
        if isinstance(action.call, AwaitBox):
            return self._wait(action.call)
        try:
            call(self.borders, action.call)
        except EngineError as error:
            return error.what
        if isinstance(action.call, RemoveBox | ForgetBox):
            self.forget((action.call.id,))
        return ""

    def forget(self, ids: Iterable[BoxId]) -> None:
        """The records of boxes that are gone."""
        gone = set(ids)
        kept = {one: record for one, record in self.records.boxes.items() if one not in gone}
        self.records = replace(self.records, boxes=kept)

    def box(self, box_id: BoxId) -> ObservedBox | None:
        """One box as it is now."""
        return next(iter(self.borders.boxes.observe((box_id,)).boxes), None)

    def _wait(self, gate: AwaitBox) -> str:
        if gate.done:
            self.clock.advance_ms(2 * JOB_MS)
        elif gate.health is None:
            self.clock.advance_ms(SETTLE_MS)
        box = self.box(gate.id)
        if self.health.get(gate.id) in (Health.SETTLING, Health.UNKNOWN):
            del self.health[gate.id]
        if box is None:
            return "the box is gone"
        if gate.done:
            return "" if box.exit_status == 0 else f"exited with status {box.exit_status}"
        if not box.state.runs:
            return f"exited with status {box.exit_status}"
        return "" if self._health(box).good else "not healthy in time"

    def _health(self, box: ObservedBox) -> Health:
        if box.id in self.health:
            return self.health[box.id]
        service = self.desired.services.get(box.id.service_name)
        age_ms = self.clock.now_ms() - box.started_ms
        if service is None or service.health is None:
            return Health.HEALTHY if age_ms >= SETTLE_MS else Health.SETTLING
        if self.machine.boxes[box.id].workload.healthy(age_ms):
            return Health.HEALTHY
        return Health.UNKNOWN if age_ms < service.health.within_ms else Health.UNHEALTHY

    def _note(self, plan: Plan, action: Action, problem: str) -> None:
        """What the controller does about a box that did not come up."""
        made = [a.call.box for a in plan.actions if isinstance(a.call, CreateBox)]
        about = getattr(action.call, "id", None) or getattr(
            getattr(action.call, "box", None), "id", None
        )
        box = next((one for one in made if one.id == about), None)
        if box is None or action.service is None:
            return
        key = (action.service, box.slot)
        noted = after_failure(self.records.failures.get(key), 0, self.clock.now_ms(), problem)
        self.records = replace(self.records, failures={**self.records.failures, key: noted})
        for cleanup in release_boxes((box.id,), "it did not come up").actions:
            self.act(cleanup)
        self.forget((box.id,))


def failures_of(count: int, last_ms: int, cause: str) -> Failures:
    """A restart history."""
    return Failures(count, last_ms, cause)
