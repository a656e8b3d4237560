"""What boxes and owners use at one moment, and what the loop holds a box to."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from orchestr8.names import BoxId


class Use(Struct, frozen=True):
    """What one control group uses: a box's, or an owner's with all of its boxes.

    `held_bytes` is the memory that the kernel cannot take back: all but the file cache. `cpu_us`
    and `out_of_memory` (tasks ended for want of memory) count up from the group's making.
    `pressure` is by resource the percentage of the last ten seconds in which some task waited for
    it; empty where the kernel does not count that by group.
    """

    memory_bytes: int = 0
    held_bytes: int = 0
    cpu_us: int = 0
    pids: int = 0
    out_of_memory: int = 0
    pressure: Mapping[str, float] = field(default_factory=dict)


class Traffic(Struct, frozen=True):
    """What went through a box's interfaces since it has them, loopback aside, in bytes."""

    received_bytes: int = 0
    sent_bytes: int = 0


class BoxUse(Struct, frozen=True):
    """One look at a box: its own use, its owner's at the same moment, its traffic (None where it
    could not be read)."""

    box: Use
    owner: Use
    traffic: Traffic | None = None


class Ceiling(Struct, frozen=True):
    """The memory that a box may have for now, less than its maximum: why, and since when in
    milliseconds since the epoch."""

    memory_bytes: int
    cause: str
    since_ms: int


Ceilings = Mapping[BoxId, Ceiling]
