"""The seccomp filters that the kernel really enforces, read back from a task.

PTRACE_SECCOMP_GET_FILTER gives them to a tracer that is the host's root and has no filter of its
own, on kernels with CONFIG_CHECKPOINT_RESTORE: ptrace(2). The task stops for a fraction of a
millisecond, once in its life: filters are only ever added, and their number stands in its status.

All calls of one tracer come from one thread. It is a short-lived one: if anything goes wrong it
ends, and with it the kernel lets the task go on.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections import OrderedDict

from orchestr8.kernel import files

_SEIZE, _INTERRUPT, _DETACH, _GET_FILTER = 0x4206, 0x4207, 17, 0x420C
_EVENT_STOP = 128
_WALL = 0x4000_0000
_FILTERS_MAX = 64
_INSTRUCTIONS_MAX = 4096
_INSTRUCTION_BYTES = 8
_STOP_SECONDS = 1.0
_PAUSE_SECONDS = 0.00005
_REMEMBERED_MAX = 50_000
_TRIES, _TRY_SECONDS, _UNTRACED_MAX = 100, 0.005, 10
_NOT_PERMITTED = 1  # EPERM
_NO_MORE = (2, 22)  # ENOENT after the last one, EINVAL where there is none at all

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


class FilterReader:
    """Reads each task's filters once, and remembers them by who the task is."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int, str], tuple[bytes, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, pid: int, start_time: int, count: str) -> tuple[bytes, ...]:
        """The programs of a task, the newest first.

        Raises OSError with a sentence if they cannot be had, ProcessLookupError if it has ended.
        """
        key = (pid, start_time, count)
        with self._lock:  # a task has one tracer at a time
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
            programs = _read(pid, start_time)
            self._known[key] = programs
            if len(self._known) > _REMEMBERED_MAX:
                self._known.popitem(last=False)
            return programs


def _read(pid: int, start_time: int) -> tuple[bytes, ...]:
    """One reading; tried again for a moment while another reader of ours has the task.

    That one may have let go by the time that we look, so one look at it decides nothing.
    """
    untraced = 0
    for left in reversed(range(_TRIES)):
        tracer = _Tracer(pid, start_time)
        tracer.start()
        tracer.join(_STOP_SECONDS * 4)
        if tracer.is_alive():
            raise TimeoutError(110, "the task's filters were not given in time")
        if tracer.error is None:
            return tracer.programs
        untraced += not _is_traced(pid)
        if not left or tracer.error.errno != _NOT_PERMITTED or untraced > _UNTRACED_MAX:
            raise tracer.error
        time.sleep(_TRY_SECONDS)
    raise AssertionError("the last try returns or raises")


def _is_traced(pid: int) -> bool:
    try:
        return "\nTracerPid:\t0\n" not in files.read_text(f"/proc/{pid}/status")
    except OSError:
        return False


def _ptrace(request: int, pid: int, address: int, data: object) -> int:
    result = int(_libc.ptrace(request, pid, address, data))
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"ptrace: {os.strerror(code).lower()}")
    return result


class _Tracer(threading.Thread):
    """Stops one task, reads, and lets it go."""

    def __init__(self, pid: int, start_time: int) -> None:
        super().__init__(daemon=True, name="reads a box's filters")
        self.pid = pid
        self.start_time = start_time
        self.programs: tuple[bytes, ...] = ()
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            _ptrace(_SEIZE, self.pid, 0, None)
            # from here on the number cannot become another task's
            if files.start_time(self.pid) != self.start_time:
                raise ProcessLookupError(3, "the task has ended")
            _ptrace(_INTERRUPT, self.pid, 0, None)
            signal = self._await_stop()
            try:
                self.programs = self._programs()
            finally:
                _ptrace(_DETACH, self.pid, 0, signal)
        except OSError as error:
            # one that has ended meanwhile is refused as if it were forbidden
            self.error = ProcessLookupError(3, "the task has ended") if self._ended() else error

    def _ended(self) -> bool:
        """Whether it has, for certain."""
        try:
            return files.start_time(self.pid) != self.start_time
        except OSError:
            return False

    def _await_stop(self) -> int:
        """Wait until it stops; the signal that it was about to get, to be handed on."""
        deadline = time.monotonic() + _STOP_SECONDS
        while True:
            found, status = os.waitpid(self.pid, os.WNOHANG | _WALL)
            if found == self.pid:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(110, "the task did not stop in time")
            time.sleep(_PAUSE_SECONDS)
        if not os.WIFSTOPPED(status):
            raise ProcessLookupError(3, "the task has ended")
        return 0 if status >> 16 == _EVENT_STOP else os.WSTOPSIG(status)

    def _programs(self) -> tuple[bytes, ...]:
        found: list[bytes] = []
        for number in range(_FILTERS_MAX):
            try:
                count = _ptrace(_GET_FILTER, self.pid, number, None)
                if not 0 < count <= _INSTRUCTIONS_MAX:
                    raise OSError(7, f"a filter of {count} instructions")
                buffer = ctypes.create_string_buffer(count * _INSTRUCTION_BYTES)
                _ptrace(_GET_FILTER, self.pid, number, buffer)
            except OSError as error:
                if error.errno in _NO_MORE:
                    return tuple(found)
                raise
            found.append(buffer.raw)
        raise OSError(7, f"more than {_FILTERS_MAX} filters")
