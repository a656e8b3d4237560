"""The witness for whoever may ask it: what reads is loaded when something is read.

Most commands prove nothing, and none of them waits for the readers.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from orchestr8.boxes.use import BoxUse
from orchestr8.names import BoxId
from orchestr8.proof.model import Reading

if TYPE_CHECKING:
    from orchestr8.kernel.reader import KernelWitness


class LateWitness:
    """Reads what the kernel says of a box."""

    def read(self, box_id: BoxId, pid: int) -> Reading:
        """The kernel's view of the box whose first task is `pid` (of this pid namespace)."""
        return self._witness.read(box_id, pid)

    def use(self, box_id: BoxId, pid: int) -> BoxUse | None:
        """What the box uses, its owner's group above it, and its interfaces' counters."""
        return self._witness.use(box_id, pid)

    @cached_property
    def _witness(self) -> KernelWitness:
        from orchestr8.kernel.reader import KernelWitness

        return KernelWitness()
