"""The cores on which the tasks of a box may run, in the tree that has the controller for that.

On v2 a box's group gets a file more. On v1 the controller has a tree of its own, in which a box has
a group only once it was held to some cores: a group there holds nobody before it has cores and
memory nodes, and whoever lives in a box by then is moved.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from orchestr8.errors import RejectedError
from orchestr8.host import hierarchies
from orchestr8.host.hierarchies import Hierarchy, put, read, write

CONTROLLER = "cpuset"
_CORES, _NODES = "cpuset.cpus", "cpuset.mems"
_MOVE_SECONDS = 10.0
"""How long a box may go on beginning processes while they are moved."""


def folder_of(tree: Hierarchy | None, group: str) -> Path | None:
    """Where a box is held to cores on v1, if it is; on v2 that is its own group."""
    if tree is None or tree.version != 1:
        return None
    folder = tree.path / group.lstrip("/")
    return folder if folder.is_dir() else None


def hold(tree: Hierarchy, group: str, cores: str) -> None:
    """Hold a box's group to these cores, in the kernel's words; empty lets it have every one, which
    are all named: while somebody lives in a group, not every kernel takes back what it was given.
    """
    folder = tree.path / group.lstrip("/")
    if tree.version == 2:
        if cores or (folder / _CORES).exists():
            hierarchies.make(tree, group, (CONTROLLER,))
            write(folder / _CORES, cores or read(folder.parent / f"{_CORES}.effective"))
        return
    if cores or folder.is_dir():
        _make(tree, group)
        write(folder / _CORES, cores or read(folder.parent / _CORES))


def gather(folder: Path, members: frozenset[int]) -> bool:
    """Move these processes to a group (v1); whether all of them are there. Each waits for a grace
    period of the kernel. One that has ended is no error."""
    strangers = members - {int(word) for word in read(folder / "cgroup.procs").split()}
    for pid in sorted(strangers):
        with contextlib.suppress(ProcessLookupError):
            put(folder / "cgroup.procs", str(pid))
    return not strangers


def deadline() -> float:
    """Until when a box's processes are moved."""
    return time.monotonic() + _MOVE_SECONDS


def too_lively(folder: Path) -> RejectedError:
    """A box that begins processes faster than they can be moved."""
    return RejectedError(
        f"the processes of a box cannot be moved to {folder}: it begins new ones all the time",
        "restart the box",
    )


def _make(tree: Hierarchy, group: str) -> None:
    """The group and those above it, with all that the one above each may use."""
    folder = tree.path
    for part in Path(group.lstrip("/")).parts:
        above, folder = folder, folder / part
        try:
            folder.mkdir(mode=0o755, exist_ok=True)
        except OSError as error:
            raise hierarchies.refused(f"cannot make the control group {folder}", error) from error
        for name in (_NODES, _CORES):
            if not read(folder / name):
                write(folder / name, read(above / name))
