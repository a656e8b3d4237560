"""Doing something in the network or mount namespace of a box."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from orchestr8.descriptors import none_left
from orchestr8.errors import RejectedError
from orchestr8.host import mount_calls

Result = TypeVar("Result")
_NAMES = {"ipc": "shared memory", "mnt": "mounts", "net": "network", "pid": "processes"}


def network_of(pid: int) -> int | None:
    """A descriptor of the process's network namespace, or None where it has ended."""
    return opened(pid, "net")


def opened(pid: int, kind: str) -> int | None:
    """A descriptor of a process's namespace of a kind in /proc/PID/ns, or None where it has ended.

    The descriptor of its folder in /proc is taken first and goes stale with the process, so a
    number that was given to another one meanwhile leads nowhere. Raises RejectedError where the
    namespace is our own: then the number is another process's by now.
    """
    if pid <= 0:
        return None
    try:
        folder = os.open(Path("/proc", str(pid)), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        _require_descriptors(error)
        return None
    try:
        found = os.open(f"ns/{kind}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        _require_descriptors(error)
        return None
    finally:
        os.close(folder)
    if os.fstat(found).st_ino == Path("/proc/self/ns", kind).stat().st_ino:
        os.close(found)
        raise RejectedError(f"process {pid} is not in the {_NAMES[kind]} of a box", "apply again")
    return found


def _require_descriptors(error: OSError) -> None:
    """Raises it where it says nothing of the process."""
    if none_left(error):
        raise error


def mounted_at(mount_namespace: int, path: str) -> int:
    """A detached copy of what is mounted at a path of a box, without what is mounted below it.

    No part of the path may be a link: the box may have laid it. The caller closes it.
    """

    def copy() -> int:
        there = mount_calls.open_straight(path, os.O_PATH)
        try:
            return mount_calls.clone_tree(there)
        finally:
            os.close(there)

    try:
        return Visit(mount_namespace, copy, mount_calls.CLONE_NEWNS).result()
    except OSError as error:
        raise mount_calls.failure(f"cannot show what a box has at {path}", error) from error


class Visit(threading.Thread, Generic[Result]):
    """One thing that is done by a thread that enters a namespace and ends there.

    A thread that entered a namespace is never used for anything else, so nothing of ours is ever
    found in the wrong one, whatever fails.
    """

    def __init__(
        self, namespace: int, act: Callable[[], Result], kind: int = mount_calls.CLONE_NEWNET
    ) -> None:
        super().__init__(daemon=True, name="visit")
        self._namespace = namespace
        self._kind = kind
        self._act = act
        self._results: list[Result] = []
        self._failure: BaseException | None = None

    def result(self, seconds: float | None = None) -> Result:
        """What came of it; raises TimeoutError where it takes longer than that, and RuntimeError
        where there can be no more threads."""
        self._namespace = os.dup(self._namespace)  # who no longer waits may close theirs
        try:
            self.start()
        except RuntimeError:
            os.close(self._namespace)
            raise
        self.join(seconds)
        if self.is_alive():
            raise TimeoutError
        if self._failure:
            raise self._failure
        return self._results[0]

    def run(self) -> None:
        """Enter, then act."""
        try:
            self._enter()
            self._results.append(self._act())
        except BaseException as error:
            self._failure = error
        finally:
            os.close(self._namespace)

    def _enter(self) -> None:
        try:
            mount_calls.enter_namespace(self._namespace, self._kind)
        except OSError as error:
            raise RejectedError(
                f"cannot enter a namespace of the box: {error.strerror}",
                "run as root of the host, with CAP_SYS_ADMIN",
            ) from error
