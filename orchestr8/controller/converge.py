"""Cycles until the fleet is as it shall be, or until nothing more can be done.

A first provisioning that fails is tried three times. An update that fails takes its service back
to the last revision with which it worked, and leaves the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from orchestr8.boxes.world import ObservedBox
from orchestr8.controller import advice
from orchestr8.controller.applied import Applied, Failure
from orchestr8.controller.borders import makes_or_ends, subject
from orchestr8.controller.cycle import Aim, Cycle, walk
from orchestr8.controller.execute import Outcome, Result, execute
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.proving import prove_boxes
from orchestr8.controller.request import aim_in_force
from orchestr8.controller.session import Session
from orchestr8.controller.settings import now_ms
from orchestr8.engines.protocol import Logs
from orchestr8.errors import EngineError
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.backoff import after_failure
from orchestr8.planning.plan import Action, CreateBox, Plan, RemoveBox, StartBox
from orchestr8.planning.release import release_boxes
from orchestr8.planning.settle import settle
from orchestr8.proof.model import Proof

ATTEMPTS = 3
LINES_KEPT = 20
CYCLES_MOST = 50


@dataclass
class Convergence:
    """The state of one apply while it runs."""

    session: Session
    set_name: str
    revision: int
    narrator: Narrator
    deadline: float
    changed: bool = False
    started: list[BoxId] = field(default_factory=list)
    failures: dict[tuple[ServiceName, int], Failure] = field(default_factory=dict)
    rolled_back: dict[ServiceName, int] = field(default_factory=dict)

    def run(self, first: Cycle | None = None) -> Applied:
        """Cycles; the first may have been walked already, for the plan that was shown."""
        cycle = first or self._walk()
        for _ in range(CYCLES_MOST):
            if time.monotonic() > self.deadline or self._given_up(cycle):
                break
            if not cycle.plan.empty:
                self._carry_out(cycle)
            elif not self._settle(cycle):
                break
            cycle = self._walk()
        return self._conclude(cycle)

    def _settle(self, cycle: Cycle) -> bool:
        """Waits for boxes of which nobody can say yet whether they work; False if there is none."""
        gates = settle(cycle.desired, cycle.world)
        if gates.empty:
            return False
        outcomes = self._execute(gates)
        failed = [one for one in outcomes if one.result is Result.FAILED and not one.late]
        if failed:
            self._note_failures(replace(cycle, plan=gates), failed)
        return True

    def _walk(self) -> Cycle:
        self.session.forget_stored()
        return walk(self.session, self._aim())

    def _aim(self) -> Aim:
        return aim_in_force(self.session)

    def _carry_out(self, cycle: Cycle) -> None:
        """Allocations first, then intents, then the calls; failures are noted and cleaned up."""
        ledger = self.session.store.ledger
        ledger.allocate(cycle.plan.allocations)
        self.narrator.know(cycle.world.boxes)
        outcomes = self._execute(cycle.plan)
        self.changed = True
        self.started += (
            action.call.id
            for action, outcome in zip(cycle.plan.actions, outcomes, strict=True)
            if isinstance(action.call, StartBox) and outcome.result is Result.DONE
        )
        failed = [one for one in outcomes if one.result is Result.FAILED and not one.late]
        if failed:
            self._note_failures(cycle, failed)

    def _execute(self, plan: Plan) -> tuple[Outcome, ...]:
        ledger = self.session.store.ledger
        calls = [action for action in plan.actions if makes_or_ends(action.call)]
        numbers = ledger.intend(
            self.session.settings.actor,
            now_ms(),
            [(type(a.call).__name__, subject(a.call)[1], a.cause) for a in calls],
        )
        outcomes = execute(plan, self.session.borders, self.narrator.watch, self.deadline)
        by_action = dict(zip(map(id, plan.actions), outcomes, strict=True))
        ledger.conclude(
            (number, now_ms(), by_action[id(action)].result.value)
            for number, action in zip(numbers, calls, strict=True)
        )
        ledger.forget_boxes(
            action.call.id
            for action in calls
            if isinstance(action.call, RemoveBox) and by_action[id(action)].result is Result.DONE
        )
        return outcomes

    def _note_failures(self, cycle: Cycle, failed: Iterable[Outcome]) -> None:
        """Keeps the last lines, counts the failure, and leaves nothing of the box behind."""
        slots = {
            action.call.box.id: action.call.box.slot
            for action in cycle.plan.actions
            if isinstance(action.call, CreateBox)
        }
        gone: list[BoxId] = []
        for outcome in failed:
            action = cycle.plan.actions[outcome.number]
            box_id = subject(action.call)[0]
            if action.service is None:
                raise outcome.error or EngineError(outcome.why)
            slot = slots.get(box_id, 0) if box_id else 0
            failure = self._failure(cycle, action, outcome, slot)
            if box_id and box_id in slots:
                gone.append(box_id)
                self._remember(cycle, failure, outcome.ended)
                self._roll_back_if_update(action.service)
            self.failures[action.service, slot] = failure
            self.narrator.failed(box_id, slot, failure)
        if gone:
            self._execute(release_boxes(gone, "it did not come up"))

    def _remember(self, cycle: Cycle, failure: Failure, ended: ObservedBox | None) -> None:
        ran_ms = max(ended.stopped_ms - ended.started_ms, 0) if ended else 0
        before = cycle.records.failures.get((failure.service, failure.slot))
        history = after_failure(before, ran_ms, now_ms(), failure.why)
        self.session.store.ledger.note_failure(
            failure.service, failure.slot, history, failure.lines
        )

    def _failure(self, cycle: Cycle, action: Action, outcome: Outcome, slot: int) -> Failure:
        assert action.service is not None
        box_id = subject(action.call)[0]
        lines = self._last_lines(box_id) if box_id else ()
        desired = cycle.desired.services.get(action.service)
        spec = desired.slots[slot] if desired and slot < len(desired.slots) else None
        ending = advice.Ending(
            action.service,
            outcome.why,
            lines,
            bool(outcome.ended and outcome.ended.out_of_memory),
            desired.limits.memory_max_bytes if desired else 0,
        )
        before = self.failures.get((action.service, slot))
        return Failure(
            service=action.service,
            slot=slot,
            why=outcome.why,
            attempts=1 + (before.attempts if before else 0),
            lines=lines,
            advice=advice.advise(ending, spec),
            remedy=outcome.error.remedy if outcome.error else "",
        )

    def _last_lines(self, box_id: BoxId) -> tuple[str, ...]:
        boxes = self.session.borders.boxes
        if not isinstance(boxes, Logs):
            return ()
        try:
            return boxes.logs(box_id, LINES_KEPT)
        except EngineError:
            return ()

    def _roll_back_if_update(self, service: ServiceName) -> None:
        """A service that worked with an older revision goes back to it."""
        ledger, stored = self.session.store.ledger, self.session.stored
        healthy = ledger.healthy_revision(service)
        now = stored.revisions.get(service)
        definition = stored.fleet.services().get(service)
        if not healthy or not now or healthy == now or healthy[0] != now[0] or not definition:
            return
        if definition.update.on_failure == "rollback":
            ledger.hold_back(service, healthy[1])
            ledger.forgive(service)
            self.rolled_back[service] = healthy[1]
            self.narrator.note(f"{service} goes back to revision {healthy[1]}, which worked")

    def _given_up(self, cycle: Cycle) -> bool:
        """Whether all that is left to do has failed often enough."""
        spent = {service for (service, _), one in self.failures.items() if one.attempts >= ATTEMPTS}
        services = {action.service for action in cycle.plan.actions if action.service}
        return bool(services) and services <= spent

    def _conclude(self, cycle: Cycle) -> Applied:
        settled_ms = self.narrator.elapsed_ms
        proofs = self._prove(cycle) if self.changed else ()
        open_failures = self._open_failures(cycle)
        applied = Applied(
            set_name=self.set_name,
            revision=self.revision,
            changed=self.changed,
            started=tuple(self.started),
            started_ms=self.narrator.last_start_ms,
            settled_ms=settled_ms,
            failures=open_failures,
            rolled_back=dict(self.rolled_back),
            waiting=tuple(step for step in cycle.plan.waiting if self._is_own(step.service)),
            proofs=proofs,
            timed_out=time.monotonic() > self.deadline,
        )
        self._write_down(cycle, applied)
        return applied

    def _open_failures(self, cycle: Cycle) -> tuple[Failure, ...]:
        """Failures that a later attempt mended are not worth a word; a rollback is."""
        unmended = {step.service for step in (*cycle.plan.steps, *cycle.plan.waiting)}
        return tuple(
            failure
            for (service, _), failure in sorted(self.failures.items())
            if self._is_own(service) and (service in unmended or service in self.rolled_back)
        )

    def _is_own(self, service: ServiceName) -> bool:
        """Whether a service is of the set that is applied; what ails others is said by `why`."""
        of_set = self.session.stored.revisions.get(service)
        return of_set is None or of_set[0] == self.set_name

    def _prove(self, cycle: Cycle) -> tuple[Proof, ...]:
        fresh = set(self.started)
        boxes = [box for box in cycle.world.boxes if box.id in fresh and box.state.runs]
        proofs = prove_boxes(self.session, boxes, cycle)
        for proof in proofs:
            self.narrator.proved(proof)
        return proofs

    def _write_down(self, cycle: Cycle, applied: Applied) -> None:
        """Which revision each service works with, and what became of this one."""
        ledger, documents = self.session.store.ledger, self.session.store.documents
        troubled = {step.service for step in cycle.plan.steps} | set(self.rolled_back)
        troubled |= {
            box_id.service_name for box_id, health in cycle.world.health.items() if not health.good
        }
        failed_before = {name for name, _ in cycle.records.failures}
        for service, (set_name, number) in self.session.stored.revisions.items():
            if service in troubled:
                continue
            if ledger.healthy_revision(service) != (set_name, number):
                ledger.note_healthy(service, set_name, number)
            if service in failed_before and service not in self.session.held_back:
                ledger.clear_failures(service)
        if self.revision:
            status = "converged"
            if applied.rolled_back:
                status = "partly applied"
            elif applied.exit:
                status = "failed"
            documents.set_status(self.set_name, self.revision, status)
