"""The boxes of one command as rows: what was heard of each, kept for whoever shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from msgspec import Struct, field

from orchestr8.controller.progress import Phase
from orchestr8.names import BoxId, ServiceName, slot_name

READY = ("healthy", "settled", "done")
ORDER = ("image", "net", "limits", "create", "start", *READY, "stop", "remove")
PARTS = {"create": ("root", "cgroup", "create", "network"), "start": ("gate", "first")}
"""What an engine may measure itself of a phase; then these are shown, and not the whole."""


class Row(Struct):
    """One box on its way. `phases` has the milliseconds of each, None while it is under way;
    `parts` those that the engine measured itself, see PARTS."""

    label: str
    service: ServiceName | None
    phases: dict[str, float | None] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    proof: str = ""
    proof_broken: bool = False
    failure: str = ""
    stuck_in: str = ""
    """The phase that did not end well, until the reason is heard."""
    printed: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come but perhaps a proof."""
        if self.failure or self.phases.get("remove") is not None:
            return True
        if self.stuck_in:
            return False
        if "stop" in self.phases or "remove" in self.phases:
            return False
        if "create" in self.phases:
            return any(self.phases.get(phase) is not None for phase in READY)
        return all(spent is not None for spent in self.phases.values())

    @property
    def is_finished(self) -> bool:
        """Whether its line can be printed for good."""
        fresh = "create" in self.phases and "done" not in self.phases
        return self.is_over and (not fresh or bool(self.proof or self.failure))

    def cells(self) -> list[str]:
        """Its phases in order; one under way shows how long it has taken so far."""
        now = time.monotonic()
        shown = []
        for phase in ORDER:
            if phase in self.phases:
                known = [part for part in PARTS.get(phase, ()) if part in self.parts]
                if known and phase != self.stuck_in:
                    shown += [f"{part} {_brief(self.parts[part])}" for part in known]
                    continue
                spent = self.phases[phase]
                running = (now - self.began.get(phase, now)) * 1000
                word = f"not {phase}" if phase == self.stuck_in else phase
                shown.append(f"{word} {_brief(spent)}" if spent is not None else
                             f"{phase} {_brief(running)}…")  # fmt: skip
        return shown

    def line(self, label_width: int, most: int | None = None) -> str:
        """The row as one line of text; a unit stands once, behind its last number.

        With `most` columns its first phases give way to what is under way and to what came of it.
        """
        cells = self.cells()
        line = self._line(label_width, cells)
        while most and len(line) > most and len(cells) > 1:
            cells = cells[1:]
            line = self._line(label_width, ["…", *cells])
        return line

    def _line(self, label_width: int, cells: list[str]) -> str:
        parts = [self.label.ljust(label_width), *cells[:-1], *(f"{cell} ms" for cell in cells[-1:])]
        if self.proof:
            word = "proof broken" if self.proof_broken else "proved"
            parts.append(f" {word} {self.proof}")
        if self.failure:
            parts.append(f" failed: {self.failure}")
        return "  ".join(parts)


def _brief(spent_ms: float) -> str:
    shown = f"{spent_ms:.0f}" if spent_ms >= 1 or spent_ms < 0.05 else f"{spent_ms:.1f}"
    return shown.rjust(3)


class Board:
    """All rows in the order in which they were first heard of, and the sentences beside them."""

    def __init__(self) -> None:
        self.rows: dict[BoxId, Row] = {}
        self._images: dict[ServiceName, Phase] = {}
        self._lock = threading.Lock()

    def hear(self, phase: Phase) -> Row | None:
        """Takes one phase in; the row that it belongs to, if it is a box's."""
        with self._lock:
            if phase.box is None:
                if phase.phase == "image" and phase.service and phase.milliseconds is not None:
                    self._images[phase.service] = phase
                return None
            row = self.rows.get(phase.box) or self._new(phase.box, phase)
            if phase.phase == "proved":
                row.proof, row.proof_broken = phase.detail, phase.failed
            elif phase.phase == "failed":
                row.failure = phase.detail
            else:
                row.phases[phase.phase] = phase.milliseconds
                row.parts.update(phase.parts)
                row.stuck_in = phase.phase if phase.failed else row.stuck_in
                if phase.milliseconds is None:
                    row.began[phase.phase] = time.monotonic()
            return row

    def _new(self, box: BoxId, phase: Phase) -> Row:
        row = Row(slot_name(phase.slot, box.service_name), box.service_name)
        image = self._images.pop(box.service_name, None)
        if image:
            row.phases["image"] = image.milliseconds
        self.rows[box] = row
        return row

    def snapshot(self) -> list[Row]:
        """The rows as they are now."""
        with self._lock:
            return list(self.rows.values())

    @property
    def label_width(self) -> int:
        """How wide the first column is."""
        return max((len(row.label) for row in self.snapshot()), default=0) + 1

    @property
    def started(self) -> int:
        """How many boxes started and did not fail."""
        rows = self.snapshot()
        return sum(r.phases.get("start") is not None and not r.failure for r in rows)

    @property
    def released(self) -> int:
        """How many boxes went that this command did not make."""
        rows = self.snapshot()
        return sum("create" not in r.phases and r.phases.get("remove") is not None for r in rows)

    @property
    def adjusted(self) -> int:
        """How many boxes had their limits changed in place."""
        rows = self.snapshot()
        return sum(r.phases.get("limits") is not None and r.stuck_in != "limits" for r in rows)

    @property
    def ready_words(self) -> set[str]:
        """How boxes became ready: healthy, settled, done."""
        return {
            phase for row in self.snapshot() for phase in READY if row.phases.get(phase) is not None
        }

    def unprinted(self) -> Iterator[Row]:
        """Rows that no line was printed of yet."""
        return (row for row in self.snapshot() if not row.printed)
