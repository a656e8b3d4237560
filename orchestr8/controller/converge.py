"""Cycles until the fleet is as it shall be, or until nothing more can be done.

A first provisioning that fails is tried three times. An update that fails takes its service back
to the last revision with which it worked, and leaves the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.controller.aim import Aim
from orchestr8.controller.applied import Applied, Failure
from orchestr8.controller.borders import tend
from orchestr8.controller.carrying import Outcomes, carry_out, failed, started
from orchestr8.controller.clock import Patience
from orchestr8.controller.cycle import Cycle, walk
from orchestr8.controller.execute import Result, execute
from orchestr8.controller.failing import ATTEMPTS, DID_NOT_COME, Failing
from orchestr8.controller.gates import Gates
from orchestr8.controller.narrate import Narrator
from orchestr8.controller.recording import close_cut_short
from orchestr8.controller.request import aim_in_force
from orchestr8.controller.seen import seen_of
from orchestr8.controller.session import Session
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.plan import Action, Plan
from orchestr8.planning.release import closing, release_boxes
from orchestr8.planning.settle import settle
from orchestr8.proof.model import Proof, Verdict
from orchestr8.store.documents import CONVERGED, PARTLY_APPLIED

CYCLES_MOST = 50


class Convergence(Struct, dict=True):
    """The state of one apply while it runs."""

    session: Session
    set_name: str
    revision: int
    narrator: Narrator
    patience: Patience
    unwanted: Mapping[BoxId, str] = field(default_factory=dict)
    """Boxes that somebody wants replaced, and why."""
    changed: bool = False
    started: list[BoxId] = field(default_factory=list)
    gates: Gates = field(default_factory=Gates)
    cycles: int = 0
    """Those that nothing else cut short."""

    @cached_property
    def failing(self) -> Failing:
        """What did not come up or stay up."""
        return Failing(self.session, self.narrator)

    def run(self, first: Cycle | None = None) -> Applied:
        """Cycles; the first may have been walked already, for the plan that was shown."""
        close_cut_short(self.session)
        tend(self.session.borders)
        cycle = first or self._walk()
        while self.cycles < CYCLES_MOST:
            if self.patience.over or not self._step(cycle):
                break
            cycle = self._walk()
        if self.patience.over or self._given_up(cycle):
            self._close(cycle)
        return self._conclude(cycle)

    def _step(self, cycle: Cycle) -> bool:
        """Does what there is to do now; False where that is nothing, or where enough was tried."""
        if self._wait(cycle, self.gates.ended(cycle.world)):
            return True
        if self._given_up(cycle):
            return self._wait(cycle, self.gates.resume(Plan()))
        if not cycle.plan.empty:
            self._carry_out(cycle)
            return True
        return self._settle(cycle)

    def _close(self, cycle: Cycle) -> None:
        """Closes what was opened for boxes that do not come now; the next apply opens it again."""
        left_open = closing(cycle.world)
        if not left_open.empty:
            patience = replace(self.patience, deadline=math.inf)
            execute(left_open, self.session.borders, self.narrator.watch, patience)

    def _settle(self, cycle: Cycle) -> bool:
        """Stores what changes in the store alone, and waits for boxes of which nobody can say yet
        whether they work; False if there is none."""
        self.session.store.ledger.allocate(cycle.plan.allocations)
        return self._wait(cycle, self.gates.resume(settle(cycle.desired, cycle.world)))

    def _wait(self, cycle: Cycle, gates: Plan) -> bool:
        """Waits at gates; False if there is none."""
        if gates.empty:
            return False
        self._note_failures(replace(cycle, plan=gates), self._execute(gates))
        return True

    def _walk(self) -> Cycle:
        self.session.forget_stored()
        return walk(self.session, self._aim())

    def _aim(self) -> Aim:
        aim = aim_in_force(self.session)
        return replace(aim, unwanted=self.unwanted, known=self.gates.known)

    def _carry_out(self, cycle: Cycle) -> None:
        """The calls; failures are noted and cleaned up."""
        self.narrator.know(cycle.world.boxes)
        cycle = replace(cycle, plan=self.gates.resume(cycle.plan))
        outcomes = self._execute(cycle.plan)
        self.changed = True
        self.started += started(cycle.plan, outcomes)
        self._note_failures(cycle, outcomes)

    def _execute(self, plan: Plan) -> Outcomes:
        outcomes = carry_out(self.session, plan, self.narrator.watch, self.patience)
        self.cycles += all(one.result is not Result.OPEN for one in outcomes)
        self.gates.note(plan, outcomes)
        return outcomes

    def _note_failures(self, cycle: Cycle, outcomes: Outcomes) -> None:
        """Counts the failures, and leaves nothing of the boxes behind."""
        gone = self.failing.note(cycle, failed(outcomes))
        if gone:
            self._execute(release_boxes(gone, DID_NOT_COME))
        if self.failing.shortage:
            raise self.failing.shortage

    def _given_up(self, cycle: Cycle) -> bool:
        """Whether all that is left to do has failed often enough."""
        failures = self.failing.failures
        spent = {service for (service, _), one in failures.items() if one.attempts >= ATTEMPTS}
        awaited = filter(self._is_awaited, cycle.plan.actions)
        services = {action.service for action in awaited if action.service}
        return bool(services) and services <= spent

    def _is_awaited(self, action: Action) -> bool:
        """Whether it matters to this command what becomes of an action."""
        return True

    def _conclude(self, cycle: Cycle) -> Applied:
        settled_ms, timed_out = self.narrator.elapsed_ms, self.patience.over
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
            rolled_back=dict(self.failing.rolled_back),
            waiting=tuple(step for step in cycle.plan.waiting if self._is_own(step.service)),
            proofs=proofs,
            timed_out=timed_out,
            ended=self.patience.ending(),
        )
        with self.session.store.together():  # the disk is waited for once, not for each service
            self._write_down(cycle, applied)
        return seen_of(self.session.authority, applied)

    def _open_failures(self, cycle: Cycle) -> tuple[Failure, ...]:
        """Failures that a later attempt mended are not worth a word; a rollback is."""
        unmended = {step.service for step in (*cycle.plan.steps, *cycle.plan.waiting)}
        return tuple(
            failure
            for (service, _), failure in sorted(self.failing.failures.items())
            if self._is_own(service)
            and (service in unmended or service in self.failing.rolled_back)
        )

    def _is_own(self, service: ServiceName) -> bool:
        """Whether a service is of the set that is applied; what ails others is said by `why`."""
        of_set = self.session.stored.revisions.get(service)
        return of_set is None or self.set_name in ("", of_set[0])

    def _prove(self, cycle: Cycle) -> tuple[Proof, ...]:
        fresh = set(self.started)
        boxes = [box for box in cycle.world.boxes if box.id in fresh and box.state.runs]
        if not boxes:
            return ()
        from orchestr8.controller.proving import prove_boxes  # most applies prove nothing anew

        proofs = prove_boxes(self.session, boxes, cycle)
        for proof in proofs:
            self.narrator.proved(proof)
            if proof.verdict is not Verdict.BROKEN:
                self.session.proved[proof.id] = self.session.clock.monotonic()
        return proofs

    def _write_down(self, cycle: Cycle, applied: Applied) -> None:
        """Which revision each service works with, and what became of this one."""
        ledger, documents = self.session.store.ledger, self.session.store.documents
        troubled = {step.service for step in cycle.plan.steps} | set(self.failing.rolled_back)
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
            status = CONVERGED
            if applied.rolled_back:
                status = PARTLY_APPLIED
            elif applied.exit:
                status = "failed"
            documents.set_status(self.set_name, self.revision, status)
