"""Claims about the processes themselves: programs, descriptors, limits, and who else is there."""

from __future__ import annotations

import re

from orchestr8.isolation.strict import Rlimit
from orchestr8.proof.claim import Answer, Claim, broken, every_task
from orchestr8.proof.model import Expectation, Reading, TaskReading
from orchestr8.proof.privileges import strict_of

_NAMESPACE_LINK = re.compile(r"([a-z_]+):\[([0-9]+)\]")
_ORDINARY, _BATCH, _IDLE = 0, 3, 5  # include/uapi/linux/sched.h
_IN_MEMORY = "/memfd:"  # a file that has no name anywhere, memfd_create(2)


def _granted(expectation: Expectation, capability: str) -> bool:
    """Whether a capability was granted, and with it what only it can change."""
    return capability in expectation.spec.profile.capabilities


def _rlimits(expectation: Expectation, reading: Reading) -> Answer:
    """The hard limits, which only a privileged task can raise; the soft ones stay below them."""
    wanted = () if _granted(expectation, "SYS_RESOURCE") else strict_of(expectation).rlimits
    expected = ", ".join(f"{limit.name} {limit.hard}" for limit in wanted) or "any"

    def observe(task: TaskReading) -> str | None:
        if any(limit.name not in task.limits for limit in wanted):
            return None
        over = [limit for limit in wanted if not _within(task.limits[limit.name][1], limit)]
        return f"{over[0].name} {task.limits[over[0].name][1]}" if over else expected

    return every_task(reading, expected, observe)


def _within(text: str, limit: Rlimit) -> bool:
    return text.isdecimal() and int(text) <= limit.hard


def _oom(expectation: Expectation, reading: Reading) -> Answer:
    """A task may make itself a likelier victim, never a less likely one."""
    least = -1000 if _granted(expectation, "SYS_RESOURCE") else strict_of(expectation).oom_score_adj
    expected = f"{least} or more"
    if reading.cgroup.get("memory.oom_kill_disable", "0") != "0":
        return broken(expected, "the killer is switched off")

    def observe(task: TaskReading) -> str | None:
        return None if task.oom_score_adj is None else str(task.oom_score_adj)

    return every_task(reading, expected, observe, lambda text: int(text) >= least)


def _scheduling(expectation: Expectation, reading: Reading) -> Answer:
    any_priority = _granted(expectation, "SYS_NICE")

    def observe(task: TaskReading) -> str | None:
        if len(task.scheduling) != 4:
            return None
        if any_priority:
            return "any"
        _, nice, real_time, policy = task.scheduling
        if policy in (_ORDINARY, _BATCH, _IDLE) and real_time == 0 and nice >= 0:
            return "ordinary"
        return f"policy {policy}, real-time priority {real_time}, nice {nice}"

    return every_task(reading, "any" if any_priority else "ordinary", observe)


def _programs(expectation: Expectation, reading: Reading) -> Answer:
    """Program, working folder and root lie on mounts of the box.

    A program of the host that runs in the box (CVE-2019-5736), a working folder behind a leaked
    descriptor (CVE-2024-21626) and a changed root all show here. A program from memory is the
    box's own work.
    """
    mounts = {mount.id for mount in reading.mounts}
    roots = [mount.id for mount in reading.mounts if mount.target == "/"]
    may_change_root = _granted(expectation, "SYS_CHROOT")

    def observe(task: TaskReading) -> str | None:
        if task.program is None or task.workdir is None or task.root is None or not roots:
            return None
        in_memory = task.program.startswith(_IN_MEMORY)
        if task.program_mount not in mounts and not in_memory:
            return f"a foreign program, {task.program}"
        if task.workdir.startswith("(unreachable)") or task.workdir_mount not in mounts:
            return f"a foreign working folder, {task.workdir}"
        if may_change_root and task.root_mount in mounts:
            return "its own tree"
        if task.root != "/" or task.root_mount != roots[-1]:
            return f"another root, {task.root}"
        return "its own tree"

    return every_task(reading, "its own tree", observe)


def _descriptors(_: Expectation, reading: Reading) -> Answer:
    """Nothing that was open on the host came along, among the lowest 1024 of each task.

    Files are told by the mount that they lie on, sockets by their network namespace.
    """
    mounts = {mount.id for mount in reading.mounts}

    def observe(task: TaskReading) -> str | None:
        if task.descriptors is None or task.foreign_sockets is None or not mounts:
            return None
        if task.foreign_sockets:
            return f"{task.foreign_sockets[0]} is a socket of another network"
        for number, target in sorted(task.descriptors.items()):
            link = _NAMESPACE_LINK.fullmatch(target)
            if link and task.namespaces.get(link[1], int(link[2])) != int(link[2]):
                return f"{number} is a foreign {link[1]} namespace"
            if target.startswith("(unreachable)"):
                return f"{number} is {target}"
            if target.startswith("/") and _foreign(task, number, target, mounts):
                return f"{number} is {target} of another tree"
        return "none"

    return every_task(reading, "none", observe)


def _foreign(task: TaskReading, number: int, target: str, mounts: set[int]) -> bool:
    if target.startswith(_IN_MEMORY):
        return False
    if number <= 2 and target == "/dev/null":  # opened before there was a box; it leads nowhere
        return False
    return task.descriptor_mounts.get(number) not in mounts


def _own_cgroup(_: Expectation, reading: Reading) -> Answer:
    """Every task is where the limits are, in each tree that has one of them."""
    path = reading.cgroup_path

    def observe(task: TaskReading) -> str | None:
        limiting = (
            ("memory", "pids", "cpu", "devices") if "memory" in task.cgroups else ("unified",)
        )
        places = [task.cgroups[name] for name in limiting if name in task.cgroups]
        if not places or path in ("", "/"):
            return None if path != "/" else "/"
        outside = [p for p in places if p != path and not p.startswith(path + "/")]
        return outside[0] if outside else expected

    expected = "in the box's cgroup"
    return every_task(reading, expected, observe)


PROCESS_CLAIMS = (
    Claim(
        "programs",
        "programs and working folders are its own",
        ("image",),
        _programs,
        of_tasks=True,
    ),
    Claim(
        "descriptors",
        "no open file or socket from elsewhere",
        (),
        _descriptors,
        of_tasks=True,
    ),
    Claim("rlimits", "process limits", (), _rlimits, of_tasks=True),
    Claim("oom", "it dies of memory before the host does", (), _oom, of_tasks=True),
    Claim("scheduling", "no raised priority", (), _scheduling, of_tasks=True),
    Claim("cgroup", "its limits hold for every task", (), _own_cgroup, of_tasks=True),
)
