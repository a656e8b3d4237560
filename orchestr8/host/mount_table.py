"""What this process's mount namespace holds, as far as the hand needs it for its own mounts."""

from __future__ import annotations

import os
import re
from pathlib import Path

from msgspec import Struct


class Mounted(Struct, frozen=True):
    """One line of the table."""

    point: Path
    kind: str
    options: frozenset[str]
    shared: bool


def holding(path: Path) -> Mounted:
    """The uppermost mount that a path lies on.

    The kernel tells its number, so that of the table, which is long on a host with many boxes, one
    line is read.
    """
    opened = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        told = Path(f"/proc/self/fdinfo/{opened}").read_text()
    finally:
        os.close(opened)
    number = next(line.split()[1] for line in told.splitlines() if line.startswith("mnt_id:"))
    with Path("/proc/self/mountinfo").open() as table:
        return next(_line(line) for line in table if line.startswith(f"{number} "))


def at(path: Path) -> Mounted | None:
    """The uppermost mount whose place is exactly this path; its last part is not followed."""
    try:
        found = holding(path)
    except FileNotFoundError:
        return None
    return found if found.point == path.parent.resolve() / path.name else None


def _line(line: str) -> Mounted:
    left, _, right = line.partition(" - ")
    fields = left.split(" ")
    point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
    shared = any(field.startswith("shared:") for field in fields[6:])
    return Mounted(Path(point), right.split(" ")[0], frozenset(fields[5].split(",")), shared)
