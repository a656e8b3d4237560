"""Whom the kernel ends first when an owner's memory is gone.

It looks for the process with the most memory, whosever box that is, and so a box within its
guarantee may end for a neighbour of many small processes. What a process is worth is written beside
it, and its children inherit it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from orchestr8.host import hierarchies
from orchestr8.host.hierarchies import put, read

USUAL, FIRST = 500, 1000
"""In thousandths of the memory that is gone: as every box has it, and the most that there is."""


def bias(pid: int, *, first: bool) -> None:
    """Sets it for all processes of the box that has this one; what ended meanwhile is no error.

    A process that may be spared more than boxes are is left alone: it is none, or was granted that.
    """
    wanted = FIRST if first else USUAL
    for member in _beside(pid):
        file = Path(f"/proc/{member}/oom_score_adj")
        text = read(file)
        if text.isdigit() and int(text) >= USUAL and int(text) != wanted:
            with contextlib.suppress(OSError):
                put(file, str(wanted))


def _beside(pid: int) -> list[str]:
    """The processes in the control group of this one that counts memory."""
    tree = hierarchies.by_controller().get("memory")
    if tree is None:
        return []
    for line in read(Path(f"/proc/{pid}/cgroup")).splitlines():
        _, names, path = line.split(":", 2)
        counts = "memory" in names.split(",") if tree.version == 1 else not names
        if counts and path != "/":
            return read(tree.path / path.lstrip("/") / "cgroup.procs").split()
    return []
