"""Claims about namespaces: its own or joined exactly as granted, of every task.

The numbers of the first namespaces of a kernel are fixed (include/linux/proc_ns.h and, for net and
mnt, recent kernels): a box in one of them is in the host's, even where the reader itself is not.
"""

from __future__ import annotations

from collections.abc import Callable

from orchestr8.isolation import features
from orchestr8.isolation.profile import PRIVATE
from orchestr8.proof.claim import (
    Answer,
    Claim,
    broken,
    every_task,
    held,
    numbers,
    unproven,
)
from orchestr8.proof.model import Expectation, Reading, TaskReading, Verdict

RESERVED = {
    "cgroup": 4026531835, "ipc": 4026531839, "mnt": 4026531832, "net": 4026531833,
    "pid": 4026531836, "time": 4026531834, "user": 4026531837, "uts": 4026531838,
}  # fmt: skip
RANGE = 65_536

_SENTENCES = {
    "cgroup": "it sees its own cgroup and no other",
    "ipc": "its shared memory and message queues are its own",
    "mnt": "its mount table is its own",
    "net": "its network is its own",
    "pid": "it sees its own processes only",
    "time": "its clock offsets are its own",
    "user": "its user ids are its own",
    "uts": "its hostname is its own",
}


def joined(expectation: Expectation, kind: str) -> str:
    """The service whose namespace of this kind is joined, or empty."""
    granted = {
        "ipc": expectation.spec.profile.ipc,
        "net": expectation.spec.profile.net,
        "pid": expectation.spec.profile.pid,
    }.get(kind, PRIVATE)
    return "" if granted == PRIVATE else granted


def _namespace(kind: str) -> Callable[[Expectation, Reading], Answer]:
    def check(expectation: Expectation, reading: Reading) -> Answer:
        peer = joined(expectation, kind)
        expected = f"joined with {peer}" if peer else "its own"
        hosts = {RESERVED[kind], reading.host_namespaces.get(kind)}
        first = reading.tasks[0].namespaces.get(kind) if reading.tasks else None

        def observe(task: TaskReading) -> str | None:
            inode = task.namespaces.get(kind)
            if inode is None or first is None:
                return None
            if inode in hosts:
                return "the host's"
            if inode != first:
                return f"another one than the first task's ({inode})"
            for_children = task.namespaces.get(f"{kind}_for_children", inode)
            return expected if for_children == inode else "another one for its children"

        answer = every_task(reading, expected, observe)
        if answer.verdict is Verdict.HELD and kind == "pid" and not peer:
            return _first_in_line(expected, reading.tasks[0])
        return answer

    return check


def _first_in_line(expected: str, first: TaskReading) -> Answer:
    """The first task of a pid namespace of its own has the number 1 in it."""
    inner = numbers(first.status.get("NSpid"))
    if inner is None:
        return unproven(expected, "NSpid of the first task")
    if len(inner) < 2 or inner[-1] != 1:
        return broken(expected, f"its first task is number {inner[-1] if inner else '?'} in it")
    return held(expected, expected)


def _id_map(expectation: Expectation, reading: Reading) -> Answer:
    """One line each, `0 BASE 65536`, and the host's root is not in it."""
    expected = f"0 to BASE, {RANGE} ids, not the host's"

    def observe(task: TaskReading) -> str | None:
        if not task.uid_map or not task.gid_map:
            return None
        for text in (task.uid_map, task.gid_map):
            lines = [numbers(line) for line in text.split("\n") if line.strip()]
            if len(lines) != 1 or lines[0] is None or len(lines[0]) != 3:
                return f"a map of {len(lines)} lines"
            inside, base, length = lines[0]
            if inside != 0 or base < RANGE or length != RANGE:
                return f"{inside} {base} {length}"
        return expected

    return every_task(reading, expected, observe)


def _has(feature: str) -> Callable[[Expectation], bool]:
    return lambda expectation: expectation.features.has(feature)


def _claim(kind: str, dimensions: tuple[str, ...] = (), feature: str = "") -> Claim:
    applies = _has(feature) if feature else (lambda _: True)
    return Claim(
        f"ns.{kind}", _SENTENCES[kind], dimensions, _namespace(kind), applies, of_tasks=True
    )


NAMESPACE_CLAIMS = (
    _claim("pid", ("pid",)),
    _claim("net", ("net",)),
    _claim("ipc", ("ipc",)),
    _claim("uts"),
    _claim("mnt"),
    _claim("cgroup"),
    _claim("user", feature=features.NS_USER),
    _claim("time", feature=features.NS_TIME),
    Claim(
        "ns.user.map",
        "its ids are a range of the host's that nobody else has",
        ("user",),
        _id_map,
        _has(features.NS_USER),
        of_tasks=True,
    ),
)
