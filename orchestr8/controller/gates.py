"""The gates of one command: those that it left come back, and what it learned there it knows.

Whoever keeps a machine leaves a gate as soon as something else is needed, and asks its boxes in
rhythms of their own. A command that waits for a box is told the same of it nevertheless: until its
gate has opened or shut, nobody knows whether the box works, whatever was heard of it meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.world import Health, World
from orchestr8.controller.execute import Outcome, Result
from orchestr8.names import BoxId
from orchestr8.planning.plan import Action, AwaitBox, Plan, RemoveBox, StopBox


class Gates(Struct):
    """What became of the gates of one command so far."""

    known: dict[BoxId, Health] = field(default_factory=dict)
    """What is known of boxes from their gates; UNKNOWN where one was left."""
    _left: dict[BoxId, Action] = field(default_factory=dict)

    def note(self, plan: Plan, outcomes: Iterable[Outcome]) -> None:
        """Remembers the gates that were left, and how the others ended. A box that the plan has
        ended is waited for no more: it did not fail."""
        for action, outcome in zip(plan.actions, outcomes, strict=True):
            if isinstance(action.call, StopBox | RemoveBox) and outcome.result is Result.DONE:
                self._left.pop(action.call.id, None)
            if not isinstance(action.call, AwaitBox) or outcome.result is Result.SKIPPED:
                continue
            box_id = action.call.id
            if outcome.result is Result.OPEN:
                self._left[box_id] = replace(action, needs=())
                self.known[box_id] = Health.UNKNOWN
            else:
                self._left.pop(box_id, None)
                passed = outcome.result is Result.DONE
                self.known[box_id] = Health.HEALTHY if passed else Health.UNHEALTHY

    def ended(self, world: World) -> Plan:
        """The gates at which there is nobody to wait for: their boxes ended, or went, meanwhile."""
        running = {box.id for box in world.boxes if box.state.runs}
        left = self._left.items()
        return Plan(actions=tuple(gate for box_id, gate in left if box_id not in running))

    def resume(self, plan: Plan) -> Plan:
        """The plan with the gates that were left, each as it was; a box that the plan ends is not
        waited for."""
        actions = [self._as_left(action) for action in plan.actions]
        met = {
            action.call.id
            for action in actions
            if isinstance(action.call, AwaitBox | StopBox | RemoveBox)
        }
        actions += [one for box_id, one in self._left.items() if box_id not in met]
        return replace(plan, actions=tuple(actions))

    def _as_left(self, action: Action) -> Action:
        call = action.call
        if not isinstance(call, AwaitBox) or call.id not in self._left:
            return action
        return replace(action, call=self._left[call.id].call)


def with_known(world: World, known: Mapping[BoxId, Health]) -> World:
    """The world as whoever waited at its gates sees it: what they say counts where nobody else can
    say anything, as of a job that was not done in time, and always while a gate is open."""
    if not known:
        return world
    jobs = {box.id for box in world.boxes if box.state.runs and box.spec and box.spec.run_once}
    told = {
        box_id: one
        for box_id, one in known.items()
        if box_id in world.health
        and (one is Health.UNKNOWN or world.health[box_id].open or box_id in jobs)
    }
    return replace(world, health={**world.health, **told}) if told else world
