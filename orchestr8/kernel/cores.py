"""Which cores there are, and on which of them a process may run: the control groups' own word."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from orchestr8 import units
from orchestr8.kernel import cgroups, files
from orchestr8.kernel.cgroups import UNIFIED, Hierarchy

CONTROLLER = "cpuset"
_FILES = {CONTROLLER: "cpuset.effective_cpus", UNIFIED: "cpuset.cpus.effective"}


def available(group: str) -> tuple[int, ...]:
    """The cores that are there for a group of this path, or for the nearest one above it that there
    is; empty where the kernel has no say in it."""
    trees = cgroups.hierarchies()
    name = CONTROLLER if CONTROLLER in trees else UNIFIED
    return _numbers(_effective(trees.get(name), _FILES[name], group))


def of_groups(membership: Mapping[str, str]) -> tuple[int, ...]:
    """The cores on which a process may run that is in these groups; empty where nobody says."""
    try:
        return _numbers(effective(membership))
    except OSError:
        return ()


def effective(membership: Mapping[str, str]) -> str:
    """The same in the kernel's words."""
    trees = cgroups.trees_for(membership)
    name = CONTROLLER if CONTROLLER in membership else UNIFIED
    if name not in membership:
        return ""
    return _effective(trees.get(name), _FILES[name], membership[name])


def _effective(tree: Hierarchy | None, name: str, group: str) -> str:
    """Of a group to which the controller was not handed down, what holds for the one above."""
    while tree is not None:
        folder = tree.folder(group)
        if folder is None:
            return ""
        try:
            return files.read_text(f"{folder}/{name}").strip()
        except FileNotFoundError:
            if group in ("", "/"):
                return ""
            group = group.rpartition("/")[0] or "/"
    return ""


@lru_cache(maxsize=64)
def _numbers(text: str) -> tuple[int, ...]:
    try:
        return units.parse_cores(text)
    except ValueError:
        return ()
