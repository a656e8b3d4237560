"""Claims about what the processes may do: capabilities, filter, ids, labels, environment."""

from __future__ import annotations

import re

from orchestr8.isolation import apparmor, capabilities, features, selinux
from orchestr8.isolation.strict import VERSIONS, Strict
from orchestr8.proof.claim import (
    Answer,
    Claim,
    every_task,
    failure,
    nothing_wrong,
    numbers,
    unproven,
)
from orchestr8.proof.model import Expectation, Reading, TaskReading

_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def strict_of(expectation: Expectation) -> Strict:
    """The version of STRICT that the box carries."""
    return VERSIONS[expectation.spec.profile.strict]


def _capabilities(expectation: Expectation, reading: Reading) -> Answer:
    """No set holds a bit that was not granted.

    The inheritable and ambient sets stay empty but where a box that is not root gets its
    capabilities by them (CVE-2022-24769, CVE-2022-27650: engines that left the first one filled).
    """
    granted = capabilities.mask(expectation.spec.profile.capabilities)
    by_ambient = expectation.spec.uid != 0 and expectation.features.has(
        features.AMBIENT_CAPABILITIES
    )
    allowed = dict.fromkeys(_SETS, granted)
    if not by_ambient:
        allowed |= {"CapInh": 0, "CapAmb": 0}
    expected = f"{granted:016x}"

    def observe(task: TaskReading) -> str | None:
        worst = None
        for name in _SETS:
            text = task.status.get(name)
            if text is None or not re.fullmatch("[0-9a-f]{1,16}", text):
                return None
            if int(text, 16) & ~allowed[name]:
                worst = worst or f"{name} {text}"
        return worst or expected

    return every_task(reading, expected, observe)


def _no_new_privileges(_: Expectation, reading: Reading) -> Answer:
    return every_task(reading, "1", lambda task: task.status.get("NoNewPrivs"))


def _seccomp(_: Expectation, reading: Reading) -> Answer:
    """Mode 2 is a filter; kernels before 5.9 do not say how many."""

    def observe(task: TaskReading) -> str | None:
        mode, count = task.status.get("Seccomp"), task.status.get("Seccomp_filters", "1")
        if mode is None:
            return None
        return "2, 1 filter or more" if mode == "2" and count != "0" else f"{mode}, {count} filters"

    return every_task(reading, "2, 1 filter or more", observe)


def _to_host(map_text: str, inside: int) -> int | None:
    """An id inside as an id of the host, or None if it has none or the map was not read."""
    for line in map_text.split("\n"):
        row = numbers(line)
        if row and len(row) == 3 and row[0] <= inside < row[0] + row[2]:
            return row[1] + inside - row[0]
    return None


def _user(expectation: Expectation, reading: Reading) -> Answer:
    """Real, effective, saved and file system id, of user and group, and no further group.

    A box that was granted SETUID or SETGID may change that id as it likes, among those it has.
    """
    spec = expectation.spec
    any_user = "SETUID" in spec.profile.capabilities
    any_group = "SETGID" in spec.profile.capabilities
    expected = f"{'any' if any_user else spec.uid}:{'any' if any_group else spec.gid}"

    def observe(task: TaskReading) -> str | None:
        uids, gids = numbers(task.status.get("Uid")), numbers(task.status.get("Gid"))
        groups = numbers(task.status.get("Groups"))
        uid, gid = _to_host(task.uid_map, spec.uid), _to_host(task.gid_map, spec.gid)
        if not uids or not gids or groups is None or uid is None or gid is None:
            return None
        if not any_user and set(uids) != {uid}:
            return f"uid {' '.join(map(str, uids))}"
        if not any_group and set(gids) != {gid}:
            return f"gid {' '.join(map(str, gids))}"
        if not any_group and set(groups) - {gid}:
            return f"groups {' '.join(map(str, groups))}"
        return expected

    return every_task(reading, expected, observe)


def _label(expectation: Expectation, reading: Reading) -> Answer:
    """A label in force: AppArmor's `NAME (enforce)` with a profile of ours for the version of
    STRICT that the box carries, or SELinux's of a container with a level of its own.

    SELinux's was never seen by who wrote this: no kernel at hand had it.
    """
    strict = expectation.spec.profile.strict

    def observe(task: TaskReading) -> str | None:
        label = task.security_label
        if label is None or not selinux.is_label(label):
            return label
        return None if reading.selinux is None else f"{label} ({reading.selinux})"

    def confines(text: str) -> bool:
        name, _, mode = text.rpartition(" ")
        if mode == "(enforcing)":
            return selinux.level_of(name) != ""
        return mode == "(enforce)" and apparmor.is_profile(name, strict)

    expected = (
        f"{apparmor.profile_name(strict)} (enforce), "
        "or SELinux's container_t with two categories (enforcing)"
    )
    return every_task(reading, expected, observe, confines)


def _loader_variables(expectation: Expectation, reading: Reading) -> Answer:
    """What the image sets to steer the loader reaches only a box that asked for it.

    Only the first task is asked: what a program of the box sets for its children is its own matter.
    """
    declared = {name for name, _ in expectation.spec.env}
    allowed = declared | set(expectation.spec.profile.image_env)
    expected = "none but " + ", ".join(sorted(allowed)) if allowed else "none"
    first = reading.tasks[0] if reading.tasks else None
    if first is None or first.loader_variables is None:
        pid = first.pid if first else 0
        return unproven(expected, failure(reading, "tasks", f"environment of {pid}"))
    refused = set(strict_of(expectation).image_env_refused) - allowed
    return nothing_wrong(expected, refused.intersection(first.loader_variables))


PRIVILEGE_CLAIMS = (
    Claim(
        "capabilities",
        "no capability in any set but those granted",
        ("capabilities",),
        _capabilities,
        of_tasks=True,
    ),
    Claim("no-new-privileges", "no new privileges", (), _no_new_privileges, of_tasks=True),
    Claim("seccomp", "a system call filter is in force", (), _seccomp, of_tasks=True),
    Claim("user", "its user and groups", ("user",), _user, of_tasks=True),
    Claim(
        "lsm",
        "a security module confines it",
        (),
        _label,
        lambda expectation: expectation.features.has(features.LSM),
        of_tasks=True,
    ),
    Claim(
        "environment",
        "no loader variable comes from the image",
        ("image_env",),
        _loader_variables,
    ),
)
