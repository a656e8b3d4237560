"""What an apply came to: values for whoever shows it."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from orchestr8.contract.losses import Loss
from orchestr8.errors import Exit
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.plan import Reason, Step
from orchestr8.proof.model import Proof

if TYPE_CHECKING:
    from orchestr8.controller.advice import Advice


class Failure(Struct, frozen=True):
    """One slot that did not come up: why, its last lines, and what would mend it."""

    service: ServiceName
    slot: int
    why: str
    attempts: int
    lines: tuple[str, ...] = ()
    advice: Advice | None = None
    remedy: str = ""


class Applied(Struct, frozen=True):
    """The whole apply. Times are milliseconds from its begin.

    `rolled_back` leads from a service to the revision that it runs again.
    """

    set_name: str
    revision: int
    changed: bool
    started: tuple[BoxId, ...] = ()
    started_ms: float = 0.0
    settled_ms: float = 0.0
    failures: tuple[Failure, ...] = ()
    rolled_back: Mapping[ServiceName, int] = field(default_factory=dict)
    waiting: tuple[Step, ...] = ()
    proofs: tuple[Proof, ...] = ()
    timed_out: bool = False
    ended: bool = False
    """Whether its time was over since whoever makes the changes was told to end."""
    anew: bool = False
    """Whether the revision is in force since this apply."""
    losses: tuple[Loss, ...] = ()
    """The lines of other sets that are untrue now."""

    def succeeded_for(self, services: Container[ServiceName]) -> bool:
        """Whether all was done in time that concerns these services."""
        return not self.timed_out and not any(one.service in services for one in self.failures)

    @property
    def exit(self) -> Exit:
        """One table: what went wrong worst."""
        if self.rolled_back:
            return Exit.ROLLED_BACK
        if self.timed_out and not self.failures:
            return Exit.TIMED_OUT
        if self.failures or any(step.reason is not Reason.HELD for step in self.waiting):
            return Exit.FAILED
        if any(proof.verdict.value == "broken" for proof in self.proofs):
            return Exit.BROKEN
        return Exit.DONE
