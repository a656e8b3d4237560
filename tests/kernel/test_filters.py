"""Filters are read back without harm to the task that has them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orchestr8.kernel import files
from orchestr8.kernel.filters import FilterReader

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="reading a filter needs root")

_ALLOW_ALL = """
import ctypes, struct
libc = ctypes.CDLL(None)
program = ctypes.create_string_buffer(struct.pack("<HBBI", 6, 0, 0, 0x7fff0000))
described = struct.pack("HxxxxxxP", 1, ctypes.addressof(program))
assert libc.prctl(38, 1, 0, 0, 0) == 0
for _ in range({count}):
    assert libc.prctl(22, 2, described, 0, 0) == 0
"""


@contextmanager
def child(code: str) -> Iterator[subprocess.Popen[str]]:
    """A Python child that has said that it is ready."""
    text = f"{code}\nprint('ready', flush=True)\nimport sys; sys.stdin.read()\n{_TELL}"
    command = [sys.executable, "-I", "-c", text]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout and process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


_TELL = "print(globals().get('told', 'nothing'), flush=True)"


def read(reader: FilterReader, pid: int, count: str = "") -> tuple[bytes, ...]:
    started = files.start_time(pid)
    assert started is not None
    return reader.read(pid, started, count)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_each_filter_is_given(count: int) -> None:
    with child(_ALLOW_ALL.format(count=count)) as process:
        found = read(FilterReader(), process.pid)
    assert found == (bytes([6, 0, 0, 0, 0, 0, 0xFF, 0x7F]),) * count


def test_a_task_is_stopped_once_only() -> None:
    reader = FilterReader()
    with child(_ALLOW_ALL.format(count=1)) as process:
        first = read(reader, process.pid, "1")
        started = files.start_time(process.pid)
        assert started is not None
    assert reader.read(process.pid, started, "1") == first
    with pytest.raises(OSError, match=r"."):
        reader.read(process.pid, started, "2")


def test_no_signal_is_lost_and_the_task_goes_on() -> None:
    counting = (
        "import signal\ntold = 0\n"
        "def count(*_):\n    global told\n    told += 1\n"
        "signal.signal(signal.SIGRTMIN, count)\n"
    )
    with child(counting) as process:
        for number in range(200):
            os.kill(process.pid, signal.SIGRTMIN)
            assert read(FilterReader(), process.pid, str(number)) == ()
        time.sleep(0.1)
        output, _ = process.communicate("", timeout=60)
        # signals of a real-time number queue; Python tells a handler of a burst at least once
        assert int(output) > 0
        assert process.returncode == 0


def test_a_stopped_task_stays_stopped() -> None:
    with child("") as process:
        os.kill(process.pid, signal.SIGSTOP)
        _await_state(process.pid, "T")
        assert read(FilterReader(), process.pid) == ()
        _await_state(process.pid, "T")
        os.kill(process.pid, signal.SIGCONT)
        process.communicate("", timeout=60)
        assert process.returncode == 0


def test_two_readers_of_one_task_wait_for_each_other() -> None:
    """As where the loop proves a box and a person asks for its proof."""
    found: list[int] = []

    def look(reader: FilterReader, pid: int) -> None:
        for number in range(20):
            found.append(len(read(reader, pid, str(number))))

    with child(_ALLOW_ALL.format(count=1)) as process:
        threads = [
            threading.Thread(target=look, args=(FilterReader(), process.pid)) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [1] * 60


def test_a_task_that_is_another_by_now_is_not_taken_for_it() -> None:
    with child("") as process, pytest.raises(ProcessLookupError):
        FilterReader().read(process.pid, 1, "")


def test_a_task_that_has_ended() -> None:
    with child("") as process:
        pass
    with pytest.raises(OSError, match=r"."):
        FilterReader().read(process.pid, 1, "")


def _await_state(pid: int, state: str) -> None:
    deadline = time.monotonic() + 60
    while files.stat_fields(files.read_text(f"/proc/{pid}/stat"))[0] != state:
        assert time.monotonic() < deadline
        time.sleep(0.01)
