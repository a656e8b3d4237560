"""What this process's mount namespace holds, as far as the hand needs it for its own mounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mounted:
    """One line of the table."""

    point: Path
    kind: str
    options: frozenset[str]
    shared: bool


def holding(path: Path) -> Mounted:
    """The uppermost mount that a path lies on."""
    real = path.resolve()
    found = [mounted for mounted in _table() if real.is_relative_to(mounted.point)]
    longest = max(len(mounted.point.parts) for mounted in found)
    return [mounted for mounted in found if len(mounted.point.parts) == longest][-1]


def at(path: Path) -> Mounted | None:
    """The uppermost mount whose place is exactly this path; its last part is not followed."""
    place = path.parent.resolve() / path.name
    found = [mounted for mounted in _table() if mounted.point == place]
    return found[-1] if found else None


def _table() -> list[Mounted]:
    return [_line(line) for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def _line(line: str) -> Mounted:
    left, _, right = line.partition(" - ")
    fields = left.split(" ")
    point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
    shared = any(field.startswith("shared:") for field in fields[6:])
    return Mounted(Path(point), right.split(" ")[0], frozenset(fields[5].split(",")), shared)
