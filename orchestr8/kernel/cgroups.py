"""A box's cgroup: where it is, who is in it, and what its control files say.

Control files are told by their names on cgroup v2, whatever this host has: on v1 they are
translated (`memory.limit_in_bytes` to `memory.max`), an absent limit always reads `max`. Sources:
kernel Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst, cgroups(7).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from orchestr8.alike import first
from orchestr8.isolation.limits import Limits
from orchestr8.kernel import bpf, files, mounts
from orchestr8.kernel.mount_table import OwnMounts

UNLIMITED = (1 << 63) - 1
"""What `limits_in` gives for a maximum that is not set: no manifest can ask for it."""
_V1_UNLIMITED = 1 << 62  # v1 says "unlimited" with the largest number, rounded down to a page
_DEPTH_MAX = 16
_TEXTS_KEPT = 1_024
_GROUPS_MAX = 4096
UNIFIED = "unified"
LIMITING = ("memory", "pids", UNIFIED)
"""Where a process's own cgroup is looked up, the first that this host has."""


class Hierarchy(Struct, frozen=True):
    """One mounted tree: its controllers (v1), or `unified` (v2), and where it is mounted.

    `root` is which cgroup the mount shows at its top; `/` but for a reader in a container.
    """

    controllers: tuple[str, ...]
    mount: str
    root: str

    def folder(self, path: str) -> str | None:
        """Where a cgroup of this tree lies, or None if the mount does not show it."""
        if "/.." in path:  # outside the reader's cgroup namespace
            return None
        if self.root != "/":
            if path != self.root and not path.startswith(self.root + "/"):
                return None
            path = path[len(self.root) :]
        return self.mount + path.rstrip("/")


_OWN_MOUNTS = OwnMounts()


def hierarchies() -> Mapping[str, Hierarchy]:
    """Every mounted tree by controller; v2 is `unified`, a named v1 tree `name=NAME`."""
    return _hierarchies_in(_OWN_MOUNTS.text())


@lru_cache(maxsize=1)
def _hierarchies_in(text: str) -> Mapping[str, Hierarchy]:
    found: dict[str, Hierarchy] = {}
    for line in text.split("\n"):
        if " - cgroup" not in line:
            continue
        mount = mounts.parse_line(line)
        if mount.type == "cgroup2":
            names: tuple[str, ...] = (UNIFIED,)
        elif mount.type == "cgroup":
            names = tuple(sorted(mount.super_options - _NOT_CONTROLLERS))
        else:
            continue
        for name in names:
            found.setdefault(name, Hierarchy(names, mount.target, mount.root))
    return found


_trees: dict[str, Hierarchy] = {}


def trees_for(membership: Mapping[str, str]) -> dict[str, Hierarchy]:
    """The mounted trees, remembered until a process is in one that was not there before. One that
    is mounted nowhere is looked for again once mounts have changed."""
    if not _trees.keys() >= membership.keys():
        _trees.update(hierarchies())
    return _trees


_NOT_CONTROLLERS = frozenset(
    {
        "rw",
        "ro",
        "noprefix",
        "clone_children",
        "xattr",
        "none",
        "cpuset_v2_mode",
        "favordynmods",
        "seclabel",
    }
)


@lru_cache(maxsize=_TEXTS_KEPT)
def parse_membership(text: str) -> Mapping[str, str]:
    """/proc/PID/cgroup as paths by controller; v2 is `unified`.

    The tasks of a box have the same, and at the next look as well, so the last texts are remembered
    with what they say.
    """
    found = {}
    for line in text.split("\n"):
        number, _, rest = line.partition(":")
        controllers, colon, path = rest.partition(":")
        if not colon:
            continue
        if number == "0" and not controllers:
            found[UNIFIED] = path
        else:
            found.update(dict.fromkeys(controllers.split(","), path))
    return found


class Group(Struct, frozen=True):
    """One cgroup in all the trees that have it: a folder by controller."""

    path: str
    folders: Mapping[str, str]

    def parent(self) -> Group:
        """The cgroup above."""
        above = {name: folder.rpartition("/")[0] for name, folder in self.folders.items()}
        return Group(self.path.rpartition("/")[0] or "/", above)

    def read(self, controller: str, name: str) -> str | None:
        """A control file's text, or None where this host has none of that name."""
        folder = self.folders.get(controller) or self.folders.get(UNIFIED)
        if folder is None:
            return None
        try:
            return files.read_text(f"{folder}/{name}").strip()
        except FileNotFoundError:
            return None


def group_of(membership: Mapping[str, str], trees: Mapping[str, Hierarchy]) -> Group:
    """The cgroup that limits a process: the one that its memory is counted to.

    Trees in which the process is elsewhere are left out, so that another's limit is never read
    for its own.
    """
    path = next((membership[name] for name in LIMITING if name in membership), "/")
    folders = {}
    for name, place in membership.items():
        folder = trees[name].folder(place) if name in trees and place == path else None
        if folder is not None:
            folders[name] = folder
    return Group(path, folders)


def control_files(group: Group) -> dict[str, str]:
    """The limits of a cgroup by their names on v2; what this host lacks is missing."""
    if "memory" in group.folders or "cpu" in group.folders or "pids" in group.folders:
        found = _translated(group)
    else:
        names = (
            "memory.max", "memory.swap.max", "memory.high", "memory.low", "memory.oom.group",
            "cpu.max", "cpu.weight", "pids.max", "cpuset.cpus.effective", "io.max",
        )  # fmt: skip
        found = {name: group.read(UNIFIED, name) for name in names}
    return {name: text for name, text in found.items() if text is not None}


def _translated(group: Group) -> dict[str, str | None]:
    """The v1 control files in the words of v2."""
    memory = group.read("memory", "memory.limit_in_bytes")
    both = group.read("memory", "memory.memsw.limit_in_bytes")
    quota = group.read("cpu", "cpu.cfs_quota_us")
    period = group.read("cpu", "cpu.cfs_period_us")
    shares = group.read("cpu", "cpu.shares")
    found = {
        "memory.max": None if memory is None else _v1_limit(memory),
        "memory.swap.max": None if memory is None or both is None else _swap(memory, both),
        "cpu.max": None if quota is None else f"{'max' if quota == '-1' else quota} {period}",
        "cpu.weight": None if shares is None else str(_weight(int(shares))),
        "pids.max": group.read("pids", "pids.max"),
        "cpuset.cpus.effective": group.read("cpuset", "cpuset.effective_cpus"),
        "devices.list": group.read("devices", "devices.list"),
    }
    oom = group.read("memory", "memory.oom_control") or ""
    if "oom_kill_disable" in oom:
        found["memory.oom_kill_disable"] = oom.split("oom_kill_disable", 1)[1].split()[0]
    return found


def device_programs(group: Group) -> tuple[bytes, ...] | None:
    """The programs that decide about devices; None on v1, whose control file says it all."""
    if "devices" in group.folders or UNIFIED not in group.folders:
        return None
    folder = os.open(group.folders[UNIFIED], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return bpf.device_programs(folder)
    finally:
        os.close(folder)


def _weight(shares: int) -> int:
    """A core is 1024 shares, and a weight of 100; what was rounded down is rounded up."""
    return max(1, -(-shares * 100 // 1024))


def _v1_limit(text: str) -> str:
    return "max" if int(text) >= _V1_UNLIMITED else text


def _swap(memory: str, both: str) -> str:
    # v1 limits memory and swap together; v2 says the swap alone
    return "max" if int(both) >= _V1_UNLIMITED else str(int(both) - int(memory))


def members(group: Group) -> tuple[int, ...]:
    """The processes of a cgroup and of all below it, in any tree that limits something, sorted.

    Processes, not threads: a thread has its process's namespaces, but may have credentials and a
    filter of its own, so the reader looks at threads by itself.
    """
    found: set[int] = set()
    limiting = (*LIMITING, "cpu", "devices")
    for folder in {group.folders[name] for name in limiting if name in group.folders}:
        found.update(_members_below(folder))
    return tuple(sorted(found))


def _members_below(folder: str) -> set[int]:
    found: set[int] = set()
    waiting, seen = [(folder, 0)], 0
    while waiting:
        place, depth = waiting.pop()
        seen += 1
        if depth > _DEPTH_MAX or seen > _GROUPS_MAX:
            raise OSError(0, "it has too many cgroups below it", folder)
        try:
            text = files.read_text(f"{place}/cgroup.procs", limit=files.LARGE_BYTES)
            waiting += [(below, depth + 1) for below in _folders_in(place)]
        except FileNotFoundError:
            continue  # removed while we looked
        found.update(int(word) for word in text.split())
    return found - {0}  # 0 is a process of a pid namespace that this reader does not see


def _folders_in(place: str) -> list[str]:
    """The folders in a folder; its number of links says so without a look where there are none."""
    if os.stat(place).st_nlink == 2:  # noqa: PTH116 - asked of each group twice a reading
        return []
    with os.scandir(place) as entries:
        return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def membership_of(pid: int) -> Mapping[str, str]:
    """The cgroups that a process is in, by controller; none if it is gone."""
    try:
        return parse_membership(files.read_text(f"/proc/{pid}/cgroup")) if pid > 0 else {}
    except OSError:
        return {}


def paused_in(membership: Mapping[str, str]) -> bool:
    """Whether a process's own cgroup is held still, or one above it: all of its tasks."""
    try:
        group = group_of(membership, trees_for(membership))
        if group.path == "/":
            return False
        if (state := group.read("freezer", "freezer.state")) is not None:
            return state == "FROZEN"
        return "frozen 1" in (group.read(UNIFIED, "cgroup.events") or "")
    except OSError:
        return False


def limits_in(membership: Mapping[str, str]) -> Limits | None:
    """The maxima that hold for a process, from its own cgroup; None if it has none or is gone.

    For engines that observe limits: four small files. A maximum that is not set is UNLIMITED.
    Guarantees other than `memory.low`, io and bandwidth are not read here.
    """
    try:
        group = group_of(membership, trees_for(membership))
        if group.path == "/" or not group.folders:
            return None
        found: Limits = first((_limits_v1 if "memory" in group.folders else _limits_v2)(group))
    except (OSError, ValueError):
        return None
    return found


def _limits_v1(group: Group) -> Limits:
    memory = _v1_limit(_present(group, "memory", "memory.limit_in_bytes"))
    quota = group.read("cpu", "cpu.cfs_quota_us") or "-1"
    period = group.read("cpu", "cpu.cfs_period_us") or "100000"
    return Limits(
        cpu_max_millicores=_millicores("max" if quota == "-1" else quota, period),
        memory_max_bytes=_number(memory),
        pids_max=_number(group.read("pids", "pids.max") or "max"),
    )


def _limits_v2(group: Group) -> Limits:
    quota, period = (group.read(UNIFIED, "cpu.max") or "max 100000").split()
    return Limits(
        cpu_max_millicores=_millicores(quota, period),
        memory_max_bytes=_number(_present(group, UNIFIED, "memory.max")),
        pids_max=_number(group.read(UNIFIED, "pids.max") or "max"),
        memory_guarantee_bytes=promised(group) or None,
    )


def promised(group: Group) -> int:
    """The bytes that the kernel keeps for a group: no more than it keeps for each one above."""
    lows = []
    while (text := group.read(UNIFIED, "memory.low")) is not None:
        lows.append(_number(text))
        if not lows[-1]:
            break
        group = group.parent()
    return min(lows, default=0)


def _present(group: Group, controller: str, name: str) -> str:
    text = group.read(controller, name)
    if text is None:
        raise FileNotFoundError(2, "no such file", name)
    return text


def _number(text: str) -> int:
    return UNLIMITED if text == "max" else int(text)


def _millicores(quota: str, period: str) -> int:
    return UNLIMITED if quota == "max" else round(int(quota) * 1000 / int(period))
