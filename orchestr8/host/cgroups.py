"""The owners' control groups: every box of an owner lives below one, and it carries the quota.

So idle headroom moves between an owner's boxes by itself, and running out of memory stays inside
the owner; where cores are contended, owners get them in proportion to their quotas. An owner
without a quota has a group as well, and the weight of one core: a quota given later then needs no
new box.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from orchestr8.errors import RejectedError
from orchestr8.host import cpu_weights, delegation, hierarchies, memory, oom, programs
from orchestr8.host.hierarchies import Hierarchy, read, write
from orchestr8.isolation.limits import Quota
from orchestr8.names import BoxId

CGROUPFS = "cgroupfs"
SYSTEMD = "systemd"
DELEGATED = "delegated"
MONITORS = "monitors"
"""The group below an owner's in which those live who watch its boxes (v2); no box has that name."""

_QUOTED = hierarchies.Standing(("cpu", "memory", "pids"))
_PERIOD_US = 100_000
_UNLIMITED_FROM = 1 << 62
"""v1 says "no limit" as a huge number that depends on the page size."""


def owner_cgroup(installation: str, owner: str, driver: str) -> str:
    """What an engine with this driver is told as the parent of an owner's boxes.

    A slice's name is its place: `a-b.slice` lies in `a.slice`. So hyphens of a name are escaped, or
    the boxes of an owner `a-b` would count against the owner `a`.
    """
    if driver == SYSTEMD:
        return f"orchestr8-{_escaped(installation)}-{_escaped(owner)}.slice"
    top = delegation.top(installation) if driver == DELEGATED else f"/orchestr8-{installation}"
    return f"{top}/{owner}"


def own_place() -> str:
    """Where groups lie of an engine that leaves them to us."""
    return DELEGATED if delegation.delegated() else CGROUPFS


class OwnerCgroups(Struct, frozen=True):
    """The owners' groups of one installation, made the way that the engine's driver expects.

    With systemd the slices are its own: it is asked to set them, since it would write over what is
    written past it. They are set until the next reboot, as the boxes live.
    """

    installation: str
    driver: str = CGROUPFS

    def quotas(self) -> dict[str, Quota]:
        """What each owner's group carries; what no control file holds is None."""
        trees, found = _QUOTED.trees(), {}
        for owner in self._owners(set(trees.values()) or hierarchies.everywhere()):
            group = self._path(owner)
            found[owner] = Quota(
                cpu_millicores=_cpu_of(trees.get("cpu"), group),
                memory_bytes=_memory_of(trees.get("memory"), group),
                pids=_number(_file(trees.get("pids"), group, "pids.max", "pids.max")),
            )
        return found

    def ensure(self, owner: str, quota: Quota) -> None:
        """Make the owner's group with this quota; a part that is not written is no limit."""
        if self.driver == SYSTEMD:
            self._ensure_slice(owner, quota)
            return
        if self.driver == DELEGATED:
            delegation.keep(self.installation)
        group = self._path(owner)
        parts = (
            ("memory", quota.memory_bytes),
            ("cpu", quota.cpu_millicores),
            ("pids", quota.pids),
        )
        trees = hierarchies.by_controller()
        for controller, asked in parts:
            if controller not in trees:
                if asked is not None:
                    hierarchies.require(controller)
                continue
            tree = trees[controller]
            here = tuple(name for name, _ in parts if trees.get(name) == tree)
            folder = hierarchies.make(tree, group, here)
            _SETTERS[controller](tree, folder, asked)

    def remove(self, owner: str) -> None:
        """Remove the owner's group where no box is in it; the absent is success."""
        if self.driver == SYSTEMD:
            self._remove_slice(owner)
            return
        for tree in hierarchies.everywhere():
            folder = tree.path / self._path(owner).lstrip("/")
            # Not empty means that a box lives there; then the owner is still needed.
            with contextlib.suppress(OSError):
                (folder / MONITORS).rmdir()
            with contextlib.suppress(OSError):
                folder.rmdir()
                folder.parent.rmdir()

    def bias(self, box_id: BoxId, pid: int, *, first: bool) -> None:
        """Whether this box shall end before its owner's others when their memory is gone."""
        oom.bias(pid, first=first)

    def _path(self, owner: str) -> str:
        parent = owner_cgroup(self.installation, owner, self.driver)
        if self.driver != SYSTEMD:
            return parent
        return f"/orchestr8.slice/orchestr8-{_escaped(self.installation)}.slice/{parent}"

    def _owners(self, trees: Iterable[Hierarchy]) -> list[str]:
        found: set[str] = set()
        above = Path(self._path("x").lstrip("/")).parent
        for tree in trees:
            with contextlib.suppress(OSError), os.scandir(tree.path / above) as listed:
                found.update(self._owner_of(one.name) for one in listed if one.is_dir())
        return sorted(found - {""})

    def _owner_of(self, folder_name: str) -> str:
        if self.driver != SYSTEMD:
            return "" if folder_name == delegation.KEEPER else folder_name
        prefix = f"orchestr8-{_escaped(self.installation)}-"
        if not folder_name.startswith(prefix) or not folder_name.endswith(".slice"):
            return ""
        return folder_name.removeprefix(prefix).removesuffix(".slice").replace(r"\x2d", "-")

    def _remove_slice(self, owner: str) -> None:
        folders = [tree.path / self._path(owner).lstrip("/") for tree in hierarchies.everywhere()]
        if any(
            below.is_dir() for folder in folders if folder.is_dir() for below in folder.iterdir()
        ):
            return
        for verb in ("stop", "revert"):
            name = owner_cgroup(self.installation, owner, SYSTEMD)
            programs.run(["systemctl", verb, "--", name], "systemd")

    def _ensure_slice(self, owner: str, quota: Quota) -> None:
        name = owner_cgroup(self.installation, owner, SYSTEMD)
        properties = slice_properties(quota)
        for command in (
            ["systemctl", "start", "--", name],
            ["systemctl", "set-property", "--runtime", "--", name, *properties],
        ):
            answer = programs.run(command, "systemd")
            if answer.status != 0:
                raise RejectedError(f"systemctl: {answer.first_error}", f"systemctl status {name}")


def slice_properties(quota: Quota) -> tuple[str, ...]:
    """A quota in systemd's words; an empty CPUQuota is no limit."""
    cpu = "" if quota.cpu_millicores is None else f"{quota.cpu_millicores / 10:g}%"
    return (
        f"MemoryMax={_or(quota.memory_bytes, 'infinity')}",
        f"MemorySwapMax={'infinity' if quota.memory_bytes is None else 0}",
        f"CPUQuota={cpu}",
        f"CPUWeight={cpu_weights.weight(quota.cpu_millicores)}",
        f"TasksMax={_or(quota.pids, 'infinity')}",
    )


def _set_memory(tree: Hierarchy, folder: Path, asked: int | None) -> None:
    if tree.version == 2:
        _set_memory_v2(folder, asked)
        return
    if read(folder / "memory.use_hierarchy") == "0":
        write(folder / "memory.use_hierarchy", "1")
    limit, both = folder / "memory.limit_in_bytes", folder / "memory.memsw.limit_in_bytes"
    wanted = str(_or(asked, "-1"))
    # The kernel refuses memory above memory with swap at every moment, so the order is the
    # direction's. Without swap accounting there is only the first file.
    raised = asked is None or asked > int(read(limit) or 0)
    files = [file for file in ((both, limit) if raised else (limit, both)) if file.exists()]
    for file in files:
        # What reads back is rounded to pages, so an equal text is no sign of an equal limit.
        if asked is None and int(read(file)) >= _UNLIMITED_FROM:
            continue
        write(file, wanted)


def _set_memory_v2(folder: Path, asked: int | None) -> None:
    """Lowering the limit below what is used would kill boxes at once: reclaim, or refuse."""
    wanted = str(_or(asked, "max"))
    used = 0 if asked is None else memory.reclaim(folder, asked)
    if asked is not None and used > asked:
        raise RejectedError(
            f"the boxes below {folder} use {used} bytes, more than the quota of {asked}",
            "stop some boxes of this owner, or leave its quota higher",
        )
    write(folder / "memory.max", wanted)
    if (folder / "memory.swap.max").exists():
        write(folder / "memory.swap.max", "max" if asked is None else "0")


def _set_cpu(tree: Hierarchy, folder: Path, asked: int | None) -> None:
    cpu_weights.set_weight(tree, folder, asked)
    quota_us = None if asked is None else asked * _PERIOD_US // 1000
    if tree.version == 2:
        write(folder / "cpu.max", f"{_or(quota_us, 'max')} {_PERIOD_US}")
        return
    if asked is not None:
        write(folder / "cpu.cfs_period_us", str(_PERIOD_US))
    write(folder / "cpu.cfs_quota_us", str(_or(quota_us, "-1")))


def _set_pids(tree: Hierarchy, folder: Path, asked: int | None) -> None:
    write(folder / "pids.max", str(_or(asked, "max")))


_SETTERS = {"memory": _set_memory, "cpu": _set_cpu, "pids": _set_pids}


def _cpu_of(tree: Hierarchy | None, group: str) -> int | None:
    """The quota that holds; nothing, or one of no core, where the weight is another quota's."""
    quota = _cpu_quota(tree, group)
    if tree is None or cpu_weights.has_weight(tree, tree.path / group.lstrip("/"), quota):
        return quota
    return 0 if quota is None else None


def _cpu_quota(tree: Hierarchy | None, group: str) -> int | None:
    if tree and tree.version == 2:
        quota, _, period = _file(tree, group, "", "cpu.max").partition(" ")
    else:
        quota = _file(tree, group, "cpu.cfs_quota_us", "")
        period = _file(tree, group, "cpu.cfs_period_us", "")
    if not quota.isdigit() or not period.isdigit():
        return None
    return int(quota) * 1000 // int(period)


def _memory_of(tree: Hierarchy | None, group: str) -> int | None:
    return _number(_file(tree, group, "memory.limit_in_bytes", "memory.max"))


def _file(tree: Hierarchy | None, group: str, name_v1: str, name_v2: str) -> str:
    if not tree:
        return ""
    return read(tree.path / group.lstrip("/") / (name_v1 if tree.version == 1 else name_v2))


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() and int(text) < _UNLIMITED_FROM else None


def _or(number: int | None, otherwise: str) -> int | str:
    return otherwise if number is None else number


def _escaped(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", lambda match: f"\\x{ord(match[0]):02x}", name)
