"""The end of a set: over once it is gone.

What others need meanwhile is begun with it, and nobody waits for what becomes of that: some of them
may not work without the one that goes, and the command is not theirs.
"""

from __future__ import annotations

from msgspec.structs import replace

from orchestr8.controller.clock import yes
from orchestr8.controller.converge import Convergence
from orchestr8.controller.cycle import Cycle
from orchestr8.names import ServiceName
from orchestr8.planning.plan import Action


class Departure(Convergence):
    """The state of one `down` or `remove` while it runs."""

    leaving: frozenset[ServiceName] = frozenset()
    _is_last: bool = False
    """Whether what is done now is all for others: what there is room for at last."""

    def __post_init__(self) -> None:
        self.patience = replace(self.patience, needed=yes)  # so that no gate is waited at

    def _step(self, cycle: Cycle) -> bool:
        if cycle.plan.empty:
            self.session.store.ledger.allocate(cycle.plan.allocations)
        if cycle.plan.empty or self._is_last or self._given_up(cycle):
            return False
        self._is_last = not any(map(self._is_awaited, cycle.plan.actions))
        self._carry_out(cycle)
        return True

    def _is_awaited(self, action: Action) -> bool:
        """Whether an action is about the set, or about what all share, such as the packet
        filter."""
        return action.service is None or action.service in self.leaving
