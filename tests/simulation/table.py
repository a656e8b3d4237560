"""What can go wrong at which call: every cell of this table is told in some story.

A story is ordered a few of the cells beside what chance brings, and its storm lasts until they came
about, so that a fixed number of stories tells all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple


class Cell(NamedTuple):
    """One thing that goes wrong at one call."""

    call: str
    fault: str


Met = Counter[Cell]
ACTS = (
    "boxes.create", "boxes.start", "boxes.update", "boxes.set_cores", "boxes.stop",
    "boxes.remove", "boxes.write_names", "images.fetch", "network.prepare", "network.change",
    "owners.ensure", "volumes.ensure",
)  # fmt: skip
ASKS = (
    "boxes.observe", "images.resolve", "network.observe", "owners.quotas", "volumes.volumes",
    "probes.check", "witness.read",
)  # fmt: skip
STORE = "store.write"
EVENT = "event"
CALLS = (*ACTS, *ASKS, STORE, EVENT)
CALL_FAULTS = ("unavailable", "answer lost", "slow")
REJECTED, REPEATED, DELAYED = "rejected", "repeated", "delayed"
KILLED_BEFORE, KILLED_AFTER = "killed before", "killed after"
SURROUNDINGS = ("engine away", "engine restarts", "clock jumps", "disk full")
EVENT_FAULTS = ("lost", "delayed", "repeated", "reordered")
FAULTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(CALL_FAULTS, (*ACTS, *ASKS)),
    REJECTED: ACTS,
    REPEATED: (*ACTS, EVENT),
    DELAYED: (*(act for act in ACTS if act != "boxes.create"), EVENT),
    **dict.fromkeys((KILLED_BEFORE, KILLED_AFTER), (*ACTS, *ASKS, STORE)),
    **dict.fromkeys(SURROUNDINGS, (*ACTS, *ASKS, STORE)),
    "lost": (EVENT,),
    "reordered": (EVENT,),
}
"""Each fault, and the calls that it can meet."""
WHY_NOT = (
    "rejected, repeated, delayed: what only asks is asked again, and answers what is so by then",
    "delayed boxes.create: an engine that makes a box without its caller is a lost answer",
    "store.write: it is a file, so it fails as a disk does and not as an engine",
    "event: nobody waits for one, so it has no answer to lose",
)
CELLS = tuple(Cell(call, fault) for fault in FAULTS for call in CALLS if call in FAULTS[fault])
STORIES = 44
"""So many stories in a row are ordered every cell once."""


def ordered(seed: int) -> tuple[Cell, ...]:
    """The cells that a story is ordered to tell."""
    return CELLS[seed % STORIES :: STORIES]


def empty(met: Met) -> list[Cell]:
    """The cells that no story has told."""
    return [cell for cell in CELLS if not met[cell]]


def shown(met: Met) -> str:
    """The table with its counts: `-` where something cannot be, and why."""
    lines = [" " * 18 + " ".join(f"{fault[:9]:>9}" for fault in FAULTS)]
    for call in CALLS:
        counts = [str(met[Cell(call, fault)]) if call in FAULTS[fault] else "-" for fault in FAULTS]
        lines.append(f"{call:<18}" + " ".join(f"{count:>9}" for count in counts))
    return "\n".join((*lines, *WHY_NOT))
