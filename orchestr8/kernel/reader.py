"""The witness: one box read from the kernel, whoever made it.

The order of a reading is the catalogue's. First the cgroup and everyone in it, each task once
it is no longer the runtime's; then what belongs to the box as a whole; at last the list of tasks
and of mounts again, and from the start if they have changed. What could not be read has a sentence
in `failures`, and no content of a box makes this raise.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from orchestr8.boxes.use import BoxUse
from orchestr8.isolation.strict import VERSIONS
from orchestr8.kernel import cgroups, cores, files, mounts, network, syscalls, tasks, use
from orchestr8.kernel.filters import FilterReader
from orchestr8.kernel.inside import Inside, host_devices, thermal_paths
from orchestr8.kernel.mount_table import MountTable, OwnMounts
from orchestr8.names import BoxId
from orchestr8.proof.model import Mount, Reading, TaskReading

MASKED = tuple(sorted({path for v in VERSIONS.values() for path in v.masked_paths}))
READ_ONLY = tuple(
    sorted({path for v in VERSIONS.values() for path in v.read_only_paths}
           | {"/", "/sys", "/sys/fs/cgroup"})
)  # fmt: skip
_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "")
_BARRIER_SECONDS = 3.0
_LOOP, _FILE_SYSTEMS_MAX = "7:", 64
_ROUNDS_MAX = 40
_CHANGES_MAX = 3
_TASKS_MAX = 20_000
_PAUSE_SECONDS = 0.01
T = TypeVar("T")
HostMounts = dict[str, list[tuple[str, str]]]
"""What the host has mounted by device: root in the file system, and where."""


@dataclass
class KernelWitness:
    """Reads what the kernel says of a box; needs root and the host's pid namespace."""

    filters: FilterReader = field(default_factory=FilterReader, init=False, repr=False)
    _own_mounts: OwnMounts = field(default_factory=OwnMounts, init=False, repr=False)
    _host: tuple[str, HostMounts] = field(default=("", {}), init=False, repr=False)

    def read(self, box_id: BoxId, pid: int) -> Reading:
        """The kernel's view of the box whose first task is `pid` (of this pid namespace)."""
        own = _own_namespaces()
        empty = Reading(files.boot_id(), (), own, architecture=_ARCHITECTURE)
        if pid <= 0:
            return replace(empty, failures={"tasks": f"{box_id} has no first task"})
        try:
            folder = tasks.open_task(pid)
        except (tasks.TaskEndedError, OSError):
            return replace(empty, failures={"tasks": f"process {pid} of {box_id} is gone"})
        try:
            return _Pass(self, pid, folder, empty).read()
        except (tasks.TaskEndedError, ProcessLookupError):
            return replace(empty, failures={"tasks": f"process {pid} of {box_id} has ended"})
        except OSError as error:  # so do some files of a process that is ending
            return replace(empty, failures={"tasks": files.sentence(error)})
        except ValueError as error:
            return replace(empty, failures={"tasks": str(error)})
        finally:
            os.close(folder)

    def use(self, box_id: BoxId, pid: int) -> BoxUse | None:
        """What the box uses, its owner's group above it, and its interfaces' counters."""
        return use.use_of(pid)

    def host_mounts(self) -> HostMounts:
        """The host's own mounts; parsed again only when they have changed."""
        text = self._own_mounts.text()
        known, found = self._host  # one value, since several threads read boxes at once
        if text == known:
            return found
        found = {}
        for mount in mounts.parse(text):
            found.setdefault(mount.device, []).append((mount.root, mount.target))
        self._host = (text, found)
        return found


def host_paths(mount: Mount, host: HostMounts) -> tuple[str, ...]:
    """The paths at which the host sees what is mounted there."""
    found = []
    for root, target in host.get(mount.device, ()):
        if root == "/":
            found.append(target.rstrip("/") + mount.root)
        elif mount.root == root or mount.root.startswith(root + "/"):
            found.append(target.rstrip("/") + mount.root[len(root) :])
    return tuple(sorted({path.rstrip("/") or "/" for path in found}))


def _own_namespaces() -> dict[str, int]:
    folder = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return tasks.read_namespaces(folder)
    finally:
        os.close(folder)


class _Pass:
    """One reading of one box."""

    def __init__(self, witness: KernelWitness, pid: int, folder: int, empty: Reading) -> None:
        self.witness = witness
        self.pid = pid
        self.folder = folder
        self.empty = empty
        self.failures: dict[str, str] = {}
        self.deadline = time.monotonic() + _BARRIER_SECONDS

    def read(self) -> Reading:
        """The whole box; again if its mounts or its first task's namespaces changed meanwhile."""
        changes = 0
        while True:
            self.failures.clear()
            before = tasks.read_namespaces(self.folder)
            with MountTable("mountinfo", self.folder) as table:
                text = table.read()
                if self._is_the_runtimes(text):
                    if "tasks" in self.failures:
                        return replace(self.empty, failures=self.failures)
                    time.sleep(_PAUSE_SECONDS)
                    continue
                reading = self._read_once(text)
                changed = table.has_changed()
            if not changed and tasks.read_namespaces(self.folder) == before:
                return reading
            changes += 1
            if changes == _CHANGES_MAX:
                failures = {**self.failures, "mounts": "they changed at every look"}
                return replace(reading, mounts=(), failures=failures)

    def _try(self, subject: str, read: Callable[[], T]) -> T | None:
        """What `read` gives, or None and a sentence."""
        try:
            return read()
        except ProcessLookupError as error:
            raise tasks.TaskEndedError from error
        except OSError as error:
            self.failures[subject] = files.sentence(error)
        except ValueError as error:
            self.failures[subject] = str(error)
        return None

    def _is_the_runtimes(self, mount_table: str) -> bool:
        """The exec barrier: whether the first task is not the workload yet, which is waited for.

        Right after a start it may still be the runtime, whose program lies on a mount that the box
        does not have (the host's, or memory), with the runtime's descriptors and no filter yet.
        """
        program, mount = self._program()
        if not _is_runtime(program, f"\n{mount} " in f"\n{mount_table}"):
            return False
        if time.monotonic() > self.deadline:
            self.failures["tasks"] = (
                f"the first task is still the runtime's ({program}), not the workload's"
            )
        return True

    def _program(self) -> tuple[str, int]:
        try:
            mount, _, _ = syscalls.statx(self.folder, "exe")
            return files.read_link("exe", self.folder), mount
        except FileNotFoundError as error:  # of a process that has ended, exe points to nothing
            raise tasks.TaskEndedError from error

    def _read_once(self, mount_table: str) -> Reading:
        membership = cgroups.parse_membership(files.read_text("cgroup", self.folder))
        trees = cgroups.trees_for(membership)
        group = cgroups.group_of(membership, trees)
        found = self._try("mounts", lambda: self._mounts(mount_table)) or ()
        members = self._try("tasks", lambda: self._tasks(group, found)) or ()
        inner = self._try("sysctls", lambda: network.inner_values(self.folder))
        reading = replace(
            self.empty,
            tasks=members,
            strays=self._try("strays", lambda: self._strays(group, members, found)),
            mounts=found,
            cgroup=self._try("cgroup", lambda: _control_files(group, membership)) or {},
            device_programs=self._try("device programs", lambda: cgroups.device_programs(group)),
            owner_cgroup=self._try("owner's cgroup", lambda: self._owner(group)) or {},
            cgroup_path=group.path,
            interfaces=self._try("interfaces", lambda: network.interfaces(self.folder)),
            addresses=self._try("addresses", lambda: network.addresses(self.folder)),
            sysctls=inner[0] if inner else {},
            hostname=inner[1] if inner else None,
            host_parameters=self._try("host parameters", network.host_parameters) or {},
            selinux=self._try("SELinux", tasks.selinux_mode),
        )
        return replace(self._paths(reading), failures=dict(self.failures))

    def _owner(self, group: cgroups.Group) -> dict[str, str]:
        return {} if group.path == "/" else cgroups.control_files(group.parent())

    def _mounts(self, mount_table: str) -> tuple[Mount, ...]:
        host = self.witness.host_mounts()
        parsed = mounts.parse(mount_table)
        seen = ((mount, host_paths(mount, host)) for mount in parsed)
        return tuple(replace(m, host_paths=paths) if paths else m for m, paths in seen)

    def _each(
        self, subject: str, paths: tuple[str, ...], look: Callable[[str], str]
    ) -> dict[str, str]:
        found = {path: self._try(f"{subject} of {path}", partial(look, path)) for path in paths}
        return {path: state for path, state in found.items() if state is not None}

    def _paths(self, reading: Reading) -> Reading:
        """What stands at paths of the box."""
        inside = self._try("paths", lambda: Inside.of(self.folder, reading.mounts))
        if inside is None:
            return reading
        try:
            masked = self._each("mask", (*MASKED, *thermal_paths()), inside.mask)
            rights = self._each("rights", READ_ONLY, inside.writability)
            nodes = self._try("devices", inside.device_nodes)
            whole = [
                m.target for m in reading.mounts if m.device.startswith(_LOOP) and m.root == "/"
            ]
            sizes = {
                target: self._try(f"file system of {target}", partial(inside.capacity, target))
                for target in whole[:_FILE_SYSTEMS_MAX]
            }
        finally:
            inside.close()
        return replace(
            reading,
            masked=masked,
            read_only=rights,
            devices=nodes,
            host_devices=host_devices(nodes or ()),
            file_systems={target: size for target, size in sizes.items() if size is not None},
        )

    def _tasks(self, group: cgroups.Group, found: tuple[Mount, ...]) -> tuple[TaskReading, ...]:
        """Every task of the box, the first one first.

        The list is read again until nobody is in it who was not looked at: a task that starts
        while we read is read as well. One that ends is left out.
        """
        ids = {mount.id for mount in found}
        read: dict[int, tuple[TaskReading, ...]] = {}
        rounds = 0
        while rounds < _ROUNDS_MAX:
            members = cgroups.members(group) if group.path != "/" else ()
            unread = [pid for pid in {*members, self.pid} if pid not in read]
            if len(read) + len(unread) > _TASKS_MAX:
                raise OSError(7, f"more than {_TASKS_MAX} tasks")
            starting = False
            for pid in unread:
                seen = tasks.read_task(pid, pid == self.pid, self.failures)
                if self._starts(seen, ids):
                    starting = True
                    continue
                read[pid] = tuple(x for x in map(self._with_filters, seen) if x is not None)
            if not unread:
                return self._ordered(read)
            if starting:
                time.sleep(_PAUSE_SECONDS)
            else:
                rounds += 1
        self.failures["tasks"] = "tasks come and go faster than they can be read"
        return self._ordered(read)

    def _starts(self, seen: tuple[TaskReading, ...], ids: set[int]) -> bool:
        """Whether a task is the runtime on its way into the box: then it is read again.

        What looks so for longer than a few seconds is judged as it is.
        """
        if not seen or not ids or time.monotonic() > self.deadline:
            return False
        return _is_runtime(seen[0].program or "", seen[0].program_mount in ids)

    def _with_filters(self, task: TaskReading) -> TaskReading | None:
        """The same with the programs of its filter; None for a task that ended meanwhile."""
        count = task.status.get("Seccomp_filters", "")
        if task.status.get("Seccomp") == "0":
            return replace(task, filters=())
        try:
            programs = self.witness.filters.read(task.pid, task.start_time, count)
        except ProcessLookupError:
            return None
        except OSError as error:
            self.failures[f"filters of {task.pid}"] = files.sentence(error)
            return task
        return replace(task, filters=programs)

    def _ordered(self, read: dict[int, tuple[TaskReading, ...]]) -> tuple[TaskReading, ...]:
        first = read.pop(self.pid, ())
        if not first:
            raise tasks.TaskEndedError
        return (*first, *(task for pid in sorted(read) for task in read[pid]))

    def _strays(
        self, group: cgroups.Group, members: tuple[TaskReading, ...], found: tuple[Mount, ...]
    ) -> tuple[int, ...]:
        """Tasks of the box's pid namespace that are not in its cgroup.

        The box's own /proc lists the namespace. Only when it has a number that no member has, or
        is no such list, is every process of the host asked.
        """
        if not members:
            raise ValueError("its tasks could not be read")
        shown = [mount.type for mount in found if mount.target == "/proc"]
        inner = self._inner_numbers() if shown[-1:] == ["proc"] else set()
        if _inner_number(members[0]) in inner <= {_inner_number(task) for task in members}:
            return ()
        namespace = f"pid:[{members[0].namespaces.get('pid')}]"
        return tuple(pid for pid in sorted(_processes()) if _is_stray(pid, namespace, group.path))

    def _inner_numbers(self) -> set[int]:
        """The process numbers that the box itself sees."""
        root = os.open("root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.folder)
        try:
            listed = syscalls.open_inside(root, "proc", os.O_RDONLY | os.O_DIRECTORY)
        finally:
            os.close(root)
        try:
            return {int(name) for name in files.names(listed) if name.isdigit()}
        finally:
            os.close(listed)


def _control_files(group: cgroups.Group, membership: Mapping[str, str]) -> dict[str, str]:
    """Those of a group, and the cores on which whoever is in it may run, wherever that is said."""
    on = cores.effective(membership)
    return cgroups.control_files(group) | ({"cpuset.cpus.effective": on} if on else {})


def _inner_number(task: TaskReading) -> int:
    words = task.status.get("NSpid", "").split()
    return int(words[-1]) if words else 0


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _is_stray(pid: int, namespace: str, path: str) -> bool:
    """Whether a live process is in the pid namespace, but neither in the cgroup nor below it."""
    with suppress(OSError):
        if files.read_link(f"/proc/{pid}/ns/pid") != namespace or files.start_time(pid) is None:
            return False
        membership = cgroups.parse_membership(files.read_text(f"/proc/{pid}/cgroup"))
        places = [membership[name] for name in cgroups.LIMITING if name in membership]
        return not any(place == path or place.startswith(path + "/") for place in places)
    return False


def _is_runtime(program: str, inside: bool) -> bool:
    """Whether a program is the runtime's: a foreign file, or the copy of itself in memory.

    Other programs in memory are a workload's own doing.
    """
    if inside:
        return False
    return not program.startswith("/memfd:") or program.startswith("/memfd:runc_cloned")
