"""The control groups of single boxes, for engines that leave them to us.

A task that writes itself into `tasks` (v1) takes no lock that the whole machine waits for; moving
another's pid waits for a grace period of the kernel, and every fork of the machine with it. So
nobody is moved there: what makes a box joins its groups itself, and what watches it is born beside.
"""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from orchestr8.errors import RejectedError
from orchestr8.host import box_cores, delegation, hierarchies, memory
from orchestr8.host.cgroups import DELEGATED, MONITORS, own_place, owner_cgroup
from orchestr8.host.hierarchies import Hierarchy, put, read, write
from orchestr8.isolation.limits import Limits
from orchestr8.names import BoxId
from orchestr8.units import format_cores

_CONTROLLERS = ("cpu", "cpuacct", "memory", "pids", "freezer", "devices")
_COUNTED = frozenset({"cpu", "cpuacct", "memory", "pids"})
"""What owners have quotas of, and what they use: who watches a box is counted there."""
_DEVICES = (
    "c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",
    "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm",
)  # fmt: skip
"""Null, zero, full, random, urandom, tty, and pseudo terminals; a node can be made of any device
and opened of these alone (Documentation/admin-guide/devices.txt)."""
_EMPTY_SECONDS = 5.0
"""How long after its end the kernel may count a task as one of its group."""
_LOOK_SECONDS = 0.0002
_PERIOD_US = 100_000
_SHARES_PER_CORE, _SHARES_DEFAULT, _SHARES_LEAST = 1024, 256, 2
_WEIGHT_PER_CORE, _WEIGHT_LEAST, _WEIGHT_MOST = 100, 1, 10_000


class Place(NamedTuple):
    """A box's folder in one tree, and those of our controllers that the tree has."""

    tree: Hierarchy
    controllers: tuple[str, ...]
    folder: Path


class BoxCgroups(Struct, frozen=True, dict=True):
    """The groups of one installation's boxes. What is mounted where is looked up once."""

    installation: str

    def keep(self) -> None:
        """What they lie in stays until this process ends, though the last box may end before."""
        if own_place() == DELEGATED:
            delegation.keep(self.installation)

    def of(self, box_id: BoxId) -> BoxCgroup:
        """One box's."""
        path = f"{owner_cgroup(self.installation, box_id.owner, own_place())}/{box_id}"
        return _box_cgroup(path, self._trees, self._cores)

    @cached_property
    def _cores(self) -> Hierarchy | None:
        return hierarchies.by_controller().get(box_cores.CONTROLLER)

    @cached_property
    def _trees(self) -> tuple[tuple[Hierarchy, tuple[str, ...]], ...]:
        by_controller = hierarchies.by_controller()
        found: dict[Path, tuple[Hierarchy, list[str]]] = {}
        for name in _CONTROLLERS:
            if name in by_controller:
                tree = by_controller[name]
                found.setdefault(tree.path, (tree, []))[1].append(name)
        return tuple((tree, tuple(names)) for tree, names in found.values())


class BoxCgroup(Struct, frozen=True):
    """One box's group, below its owner's, in every tree that has a controller of ours.

    `path` is the same in each tree; `cores` is the tree that decides on which cores it runs.
    """

    path: str
    places: tuple[Place, ...]
    cores: Hierarchy | None

    def make(self) -> None:
        """Make it where it is missing, and its owner's."""
        for tree, controllers, folder in self.places:
            if tree.version == 1:
                with contextlib.suppress(OSError):  # what cannot be made so says why below
                    folder.mkdir(mode=0o755)
                    continue
            hierarchies.make(tree, self.path, controllers)

    def allow_devices(self, also: Sequence[str]) -> None:
        """The standard devices and those granted (`c 10:229 rw`), and no other (v1)."""
        for tree, controllers, folder in self.places:
            if tree.version == 1 and "devices" in controllers:
                put(f"{folder}/devices.deny", "a")
                put(f"{folder}/devices.allow", *_DEVICES, *also)

    def join_files(self) -> list[str]:
        """The files into which a task writes 0 to join (v1)."""
        found = [f"{one.folder}/tasks" for one in self.places if one.tree.version == 1]
        held = box_cores.folder_of(self.cores, self.path)
        return [*found, f"{held}/tasks"] if held else found

    def let_go(self, pid: int) -> None:
        """Move a task that joined by such files to the owner's group; it waits for a grace period.

        One that has ended is no error.
        """
        for file in self.join_files():
            with contextlib.suppress(ProcessLookupError):
                put(Path(file).parents[1] / "tasks", str(pid))

    @contextmanager
    def beside(self) -> Iterator[None]:
        """The calling thread lives in the owner's group meanwhile (v1), and what it starts is born
        there: it counts to the owner, and no end of a session or of a service takes it along."""
        text = read(Path("/proc/thread-self/cgroup"))
        membership = [line.split(":", 2)[1:] for line in text.splitlines()]
        home = {name: path for names, path in membership for name in names.split(",")}
        ways = [
            (f"{tree.path}{home[names[0]]}/tasks", f"{folder.parent}/tasks")
            for tree, names, folder in self.places
            if tree.version == 1 and names[0] in home and _COUNTED.intersection(names)
        ]
        try:
            for _, owners in ways:
                try:
                    put(owners, "0")
                except FileNotFoundError:  # its first box
                    self.make()
                    put(owners, "0")
            yield
        finally:
            for own, _ in ways:
                put(own, "0")

    def set_limits(self, limits: Limits) -> None:
        """Write all limits; memory and swap together are one number, so there is no swap."""
        for tree, controllers, folder in self.places:
            if "memory" in controllers:
                _set_memory(tree, folder, limits)
            if "cpu" in controllers:
                _set_cpu(tree, folder, limits)
            if "pids" in controllers:
                write(f"{folder}/pids.max", str(limits.pids_max))

    def set_cores(self, cores: Sequence[int]) -> None:
        """Let it run on these cores alone, without any on every one; its tasks are there then."""
        if self.cores is None:
            hierarchies.require(box_cores.CONTROLLER)
            return
        box_cores.hold(self.cores, self.path, format_cores(cores))
        held, deadline = box_cores.folder_of(self.cores, self.path), box_cores.deadline()
        while held and not box_cores.gather(held, self.members()):
            if time.monotonic() > deadline:
                raise box_cores.too_lively(held)

    def out_of_memory(self) -> bool:
        """Whether the kernel ended a task of it for want of memory."""
        for tree, controllers, folder in self.places:
            if "memory" in controllers:
                name = "memory.oom_control" if tree.version == 1 else "memory.events"
                counted = dict(line.split() for line in read(folder / name).splitlines())
                return counted.get("oom_kill", "0") != "0"
        return False

    def move_out(self, pid: int) -> None:
        """Move who watches a box to the leaf for such (v2); it waits for a grace period.

        There it counts to the owner, and no end of a session or of a service takes it along. A
        group that hands controllers down takes no process itself.
        """
        for tree, _, folder in self.places:
            if tree.version == 2:
                home = folder.parent / MONITORS
                with contextlib.suppress(OSError):
                    home.mkdir(mode=0o755, exist_ok=True)
                    put(home / "cgroup.procs", str(pid))

    def members(self) -> frozenset[int]:
        """The processes that live in it, by number."""
        texts = [read(one.folder / "cgroup.procs") for one in self.places]
        return frozenset(int(word) for text in texts for word in text.split())

    def remove(self) -> None:
        """Remove it; the absent is success. Raises RejectedError while a task lives in it."""
        deadline = time.monotonic() + _EMPTY_SECONDS
        for one in self.places:
            promised = one.tree.version == 2 and read(one.folder / "memory.low") not in ("", "0")
            _remove(one.folder, deadline)
            if promised:
                memory.guaranteed_less(one.folder)
        if held := box_cores.folder_of(self.cores, self.path):
            _remove(held, deadline)


@lru_cache(maxsize=1024)
def _box_cgroup(
    path: str, trees: tuple[tuple[Hierarchy, tuple[str, ...]], ...], cores: Hierarchy | None
) -> BoxCgroup:
    below = path.lstrip("/")
    places = tuple(Place(tree, names, tree.path / below) for tree, names in trees)
    return BoxCgroup(path, places, cores)


def _remove(folder: Path, deadline: float) -> None:
    """One that is busy is tried until the deadline."""
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise RejectedError(
                    f"cannot remove the control group {folder}: {error.strerror}",
                    "one of its tasks waits in the kernel: see dmesg",
                ) from error
            time.sleep(_LOOK_SECONDS)
        else:
            return


def _set_memory(tree: Hierarchy, folder: Path, limits: Limits) -> None:
    wanted = str(limits.memory_max_bytes)
    if tree.version == 2:
        used = memory.reclaim(folder, limits.memory_max_bytes)
        if used > limits.memory_max_bytes:
            raise RejectedError(
                f"the box of {folder} uses {used} bytes of memory, more than the new limit",
                "lower it less, or let the box be replaced",
            )
        write(folder / "memory.max", wanted)
        if (folder / "memory.swap.max").exists():
            write(folder / "memory.swap.max", "0")
        memory.guarantee(folder, limits.memory_guarantee_bytes or 0)
        write(folder / "memory.oom.group", "1")
        return
    # The kernel refuses memory above memory with swap at every moment.
    limit, both = f"{folder}/memory.limit_in_bytes", f"{folder}/memory.memsw.limit_in_bytes"
    files = [limit, both] if _accounts_swap(tree) else [limit]
    if limits.memory_max_bytes > int(read(limit) or 0):
        files.reverse()
    for file in files:
        write(file, wanted)


@cache
def _accounts_swap(tree: Hierarchy) -> bool:
    return (tree.path / "memory.memsw.limit_in_bytes").exists()


def _set_cpu(tree: Hierarchy, folder: Path, limits: Limits) -> None:
    quota_us = limits.cpu_max_millicores * _PERIOD_US // 1000
    guarantee = limits.cpu_guarantee_millicores
    if tree.version == 2:
        write(folder / "cpu.max", f"{quota_us} {_PERIOD_US}")
        share = (guarantee or 250) * _WEIGHT_PER_CORE // 1000
        write(folder / "cpu.weight", str(min(max(share, _WEIGHT_LEAST), _WEIGHT_MOST)))
        return
    write(f"{folder}/cpu.cfs_period_us", str(_PERIOD_US))
    write(f"{folder}/cpu.cfs_quota_us", str(quota_us))
    shares = _SHARES_DEFAULT if guarantee is None else guarantee * _SHARES_PER_CORE // 1000
    write(f"{folder}/cpu.shares", str(max(_SHARES_LEAST, shares)))
