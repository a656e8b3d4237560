"""One task of a box, from its folder in /proc.

A folder that is held open belongs to one process for ever: once that has ended every read fails,
even if its number is given to another. A task that ends while it is read gives `TaskEnded`. What
else cannot be read stays None, with a sentence in `failures`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TypeVar

from msgspec.structs import replace

from orchestr8.isolation.strict import VERSIONS
from orchestr8.kernel import cgroups, files, syscalls
from orchestr8.proof.model import TaskReading

NAMESPACES = (
    "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user",
    "uts",
)  # fmt: skip
_LOADER_VARIABLES = frozenset(name for v in VERSIONS.values() for name in v.image_env_refused)
DESCRIPTORS_MAX = 1024
"""As many of each task are looked at, the lowest numbers first: what leaks at a start is low."""
_ENVIRONMENT_BYTES = 4 << 20
_CODE_START, _ENVIRONMENT_END = 26 - 3, 51 - 3  # proc(5)'s fields of stat, from the third on
_STARTING_LOOKS, _STARTING_SECONDS = 100, 0.001
_THREADS_MAX = 4096
_TEXTS_KEPT = 64
_SIOCGSKNS = 0x894C
_EXITING = 0x4  # PF_EXITING of include/linux/sched.h, in the flags of /proc/PID/stat
_CREDENTIALS = (
    "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs",
    "Seccomp", "Seccomp_filters",
)  # fmt: skip
_STATUS = frozenset({*_CREDENTIALS, "Name", "Umask", "PPid", "TracerPid", "NSpid", "Threads"})
_RLIMITS = {
    "Max cpu time": "cpu", "Max file size": "fsize", "Max data size": "data",
    "Max stack size": "stack", "Max core file size": "core", "Max resident set": "rss",
    "Max processes": "nproc", "Max open files": "nofile", "Max locked memory": "memlock",
    "Max address space": "as", "Max file locks": "locks", "Max pending signals": "sigpending",
    "Max msgqueue size": "msgqueue", "Max nice priority": "nice",
    "Max realtime priority": "rtprio", "Max realtime timeout": "rttime",
}  # fmt: skip

Failures = dict[str, str]
T = TypeVar("T")


class TaskEndedError(Exception):
    """The task ended while it was read: what was read of it counts for nothing."""


def open_task(pid: int) -> int:
    """A descriptor of a process's folder; the caller closes it."""
    try:
        return os.open(f"/proc/{pid}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise TaskEndedError from error


def read_task(pid: int, first: bool, failures: Failures) -> tuple[TaskReading, ...]:
    """A process, and each of its threads that differs from it; none if it has ended."""
    try:
        folder = open_task(pid)
    except TaskEndedError:
        return ()
    own: Failures = {}
    try:
        leader = _read_one(folder, pid, first, own)
        failures.update(own)
        return (leader, *_differing_threads(folder, leader))
    except TaskEndedError:
        return _threads_left(folder, pid, failures)
    finally:
        os.close(folder)


def _threads_left(folder: int, pid: int, failures: Failures) -> tuple[TaskReading, ...]:
    """The threads that live on in a process whose first one has ended: each is read as a whole."""
    found = []
    for tid in _thread_numbers(folder):
        if tid == pid:
            continue
        try:
            flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
            thread = os.open(f"task/{tid}", flags, dir_fd=folder)
        except OSError:
            continue  # it has ended too
        own: Failures = {}
        try:
            found.append(replace(_read_one(thread, tid, False, own), thread_of=pid))
            failures.update(own)
        except TaskEndedError:
            continue
        finally:
            os.close(thread)
    return tuple(found)


def _thread_numbers(folder: int) -> list[int]:
    """The numbers of a process's threads; none if the process is gone."""
    try:
        listed = os.open("task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return []
    try:
        return sorted(int(name) for name in files.names(listed))[:_THREADS_MAX]
    except OSError:
        return []
    finally:
        os.close(listed)


def _guarded(failures: Failures, subject: str, read: Callable[[], T]) -> T | None:
    """What `read` gives, or None and a sentence; the end of the task goes further up."""
    try:
        return read()
    except ProcessLookupError as error:
        raise TaskEndedError from error
    except FileNotFoundError as error:
        failures[subject] = f"{files.sentence(error)}, or the process has ended"
    except (OSError, ValueError) as error:
        failures[subject] = files.sentence(error) if isinstance(error, OSError) else str(error)
    return None


def _read_one(folder: int, pid: int, first: bool, failures: Failures) -> TaskReading:
    fields = _stat(folder)
    try:
        status = parse_status(files.read_text("status", folder))
    except OSError as error:
        raise TaskEndedError from error
    if _has_ended(fields):
        raise TaskEndedError

    def guarded(subject: str, read: Callable[[], T]) -> T | None:
        return _guarded(failures, f"{subject} of {pid}", read)

    label = guarded("security label", lambda: _security_label(folder))
    adjustment = guarded("oom_score_adj", lambda: int(files.read_text("oom_score_adj", folder)))
    program = guarded("program", lambda: _link(folder, "exe"))
    workdir = guarded("working folder", lambda: _link(folder, "cwd"))
    root = guarded("root", lambda: _link(folder, "root"))
    descriptors, mounts, foreign = guarded("descriptors", lambda: _descriptors(folder, pid)) or (
        None, {}, None,
    )  # fmt: skip
    loader = guarded("environment", lambda: loader_variables(folder)) if first else None
    reading = TaskReading(
        pid=pid,
        start_time=int(fields[19]),
        comm=status.get("Name", ""),
        status=status,
        namespaces=guarded("namespaces", lambda: read_namespaces(folder)) or {},
        limits=guarded("limits", lambda: parse_limits(files.read_text("limits", folder))) or {},
        oom_score_adj=adjustment,
        uid_map=guarded("uid_map", lambda: _map(folder, "uid_map")) or "",
        gid_map=guarded("gid_map", lambda: _map(folder, "gid_map")) or "",
        security_label=label,
        program=program and program[0],
        program_mount=program and program[1],
        workdir=workdir and workdir[0],
        workdir_mount=workdir and workdir[1],
        root=root and root[0],
        root_mount=root and root[1],
        descriptors=descriptors,
        descriptor_mounts=mounts,
        foreign_sockets=foreign,
        loader_variables=loader,
        cgroups=guarded(
            "cgroup", lambda: cgroups.parse_membership(files.read_text("cgroup", folder))
        ) or {},
        scheduling=_scheduling(fields),
    )  # fmt: skip
    if _has_ended(_stat(folder)):  # on its way out it is in no cgroup and no namespace any more
        raise TaskEndedError
    return reading


def _stat(folder: int) -> list[str]:
    try:
        return files.stat_fields(files.read_text("stat", folder))
    except (OSError, ValueError) as error:
        raise TaskEndedError from error


def _has_ended(fields: list[str]) -> bool:
    """Whether nothing of a task's program runs any more: state, and the flag of an exit begun."""
    return fields[0] in ("Z", "X") or bool(int(fields[6]) & _EXITING)


def parse_status(text: str) -> dict[str, str]:
    """The lines of /proc/PID/status that say something about isolation, by key.

    The kernel escapes line breaks in the name, so no name can pass for another line.
    """
    found: dict[str, str] = {}
    for line in text.split("\n"):
        key, _, content = line.partition(":")
        if key in _STATUS:
            found.setdefault(key, content.strip())
    return found


@lru_cache(maxsize=_TEXTS_KEPT)
def parse_limits(text: str) -> Mapping[str, tuple[str, str]]:
    """/proc/PID/limits: columns of fixed width, soft and hard, by the names of setrlimit(2).

    Most tasks have the same, so the last texts are remembered with what they say.
    """
    found = {}
    for line in text.split("\n")[1:]:
        name = _RLIMITS.get(line[:26].strip())
        if name:
            found[name] = (line[26:47].strip(), line[47:68].strip())
    return found


def read_namespaces(folder: int) -> dict[str, int]:
    """Inode numbers by kind; kinds that this kernel lacks are missing."""
    found = {}
    for kind in NAMESPACES:
        with suppress(FileNotFoundError):
            found[kind] = _namespace(folder, f"ns/{kind}")
    return found


def _namespace(folder: int, path: str) -> int:
    """The inode number in a link such as `net:[4026531833]`."""
    text = os.readlink(path, dir_fd=folder)
    return int(text[text.index("[") + 1 : -1])


def _link(folder: int, name: str) -> tuple[str, int]:
    """What a link of the task says, and the mount on which its target lies."""
    return files.read_link(name, folder), syscalls.statx(folder, name)[0]


def _map(folder: int, name: str) -> str:
    lines = files.read_text(name, folder).strip().split("\n")
    return "\n".join(" ".join(line.split()) for line in lines)


def _security_label(folder: int) -> str | None:
    """The label, or None where no security module of the kernel answers (EINVAL, or no file).

    AppArmor's own file first: where several modules are in force, the common one is the first's.
    """
    for name in ("attr/apparmor/current", "attr/current"):
        try:
            return files.read_text(name, folder).rstrip("\0\n") or None
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOENT):
                raise
    return None


def selinux_mode() -> str | None:
    """Whether SELinux keeps what it says, "enforcing" or "permissive"; None where it is absent."""
    try:
        enforces = files.read_text("/sys/fs/selinux/enforce").strip()
    except FileNotFoundError:
        return None
    return "enforcing" if enforces == "1" else "permissive"


def _scheduling(fields: list[str]) -> tuple[int, ...]:
    """Priority, nice, real-time priority and policy: proc(5)'s fields 18, 19, 40 and 41."""
    if len(fields) <= 38:
        return ()
    return tuple(int(fields[number - 3]) for number in (18, 19, 40, 41))


def loader_variables(folder: int) -> tuple[str, ...]:
    """Which loader variables are set: names only, a value is a secret until shown otherwise.

    While a program is being started its environment reads as empty or is cut short, and would pass
    for a clean one: the kernel has not said yet where it ends, or says for a moment that it ends
    where it begins, and last of all where the code begins (proc(5), fields 51 and 26). That takes
    microseconds.
    """
    for _ in range(_STARTING_LOOKS):
        before = _program_of(folder)
        content = files.read_bytes("environ", folder, limit=_ENVIRONMENT_BYTES)
        if before and before == _program_of(folder):
            break
        time.sleep(_STARTING_SECONDS)
    else:
        raise ValueError("its program is still being started")
    names = {files.decode(entry.partition(b"=")[0]) for entry in content.split(b"\0")}
    return tuple(sorted(names & _LOADER_VARIABLES))


def _program_of(folder: int) -> tuple[int, int] | None:
    """What tells one program from the next in the same task; None while one is being started."""
    fields = _stat(folder)
    found = int(fields[_CODE_START]), int(fields[_ENVIRONMENT_END])
    return found if all(found) else None


def _descriptors(
    folder: int, pid: int
) -> tuple[dict[int, str], dict[int, int], tuple[int, ...] | None]:
    """What the lowest descriptors are, the mounts of those with a path, and foreign sockets."""
    listed = os.open("fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        numbers = sorted(int(name) for name in files.names(listed))[:DESCRIPTORS_MAX]
        links, mounts, sockets = {}, {}, []
        for number in numbers:
            try:
                links[number] = files.read_link(str(number), listed)
                if links[number].startswith("socket:"):
                    sockets.append(number)
                elif links[number].startswith("/"):
                    mounts[number] = syscalls.statx(listed, str(number))[0]
            except FileNotFoundError:
                continue  # closed while we looked
    finally:
        os.close(listed)
    return links, mounts, _foreign_sockets(folder, pid, sockets)


def _foreign_sockets(folder: int, pid: int, sockets: list[int]) -> tuple[int, ...] | None:
    """The sockets that belong to another network namespace than their task: an inherited way out.

    A copy of the descriptor is asked for its namespace (SIOCGSKNS). The tables in /proc/PID/net
    would not do: a socket that is neither bound nor connected stands in none of them.
    """
    if not sockets:
        return ()
    own = os.stat("ns/net", dir_fd=folder).st_ino
    pidfd = os.pidfd_open(pid)
    foreign = []
    try:
        for number in sockets:
            try:
                copy = syscalls.copy_descriptor(pidfd, number)
            except OSError as error:
                if error.errno == 9:  # closed while we looked
                    continue
                raise
            if _namespace_of_socket(copy) not in (own, None):
                foreign.append(number)
    finally:
        os.close(pidfd)
    return tuple(foreign)


def _namespace_of_socket(copy: int) -> int | None:
    """The inode of a socket's network namespace; None if the number is another file's by now."""
    try:
        if not stat.S_ISSOCK(os.fstat(copy).st_mode):
            return None
        namespace = fcntl.ioctl(copy, _SIOCGSKNS)
    finally:
        os.close(copy)
    try:
        return os.fstat(namespace).st_ino
    finally:
        os.close(namespace)


def _differing_threads(folder: int, leader: TaskReading) -> list[TaskReading]:
    """Threads whose credentials or filter are not their process's: each is a task of its own.

    set*id(2) as a bare system call, and prctl(2), act on one thread alone.
    """
    if leader.status.get("Threads") == "1":
        return []
    numbers = _thread_numbers(folder)
    return [t for tid in numbers if tid != leader.pid for t in _thread(folder, tid, leader)]


def _thread(folder: int, tid: int, leader: TaskReading) -> list[TaskReading]:
    try:
        status = parse_status(files.read_text(f"task/{tid}/status", folder))
        fields = files.stat_fields(files.read_text(f"task/{tid}/stat", folder))
        namespaces = {
            kind: _namespace(folder, f"task/{tid}/ns/{kind}") for kind in leader.namespaces
        }
    except (OSError, ValueError):
        return []  # a thread that has ended does nothing any more
    same = all(status.get(key) == leader.status.get(key) for key in _CREDENTIALS)
    if _has_ended(fields) or (same and namespaces == leader.namespaces):
        return []
    comm = status.get("Name", "")
    return [
        replace(
            leader, pid=tid, thread_of=leader.pid, status=status, namespaces=namespaces, comm=comm
        )
    ]
