"""What a command began ends with it, as far as that kept its session; and nobody else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from orchestr8.descriptors import readable
from orchestr8.engines import sessions

# Not the whole of /proc/self/cgroup: its lines change when anybody mounts a hierarchy of version 1.
ANY_GROUP = ":/"
BEGINS = """
sleep 1000 &
echo $!
(while :; do sleep 0.001; done) &
echo $!
setsid sh -c 'echo $$; exec sleep 1000' &
wait
"""


@pytest.fixture
def begun() -> Iterator[dict[int, int]]:
    """A command that leads a session, two that are of it, and one that is not: by number, with what
    tells that each has ended."""
    words = ["sh", "-c", BEGINS]
    with (
        ExitStack() as kept,
        subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as leader,
    ):
        assert leader.stdout
        numbers = [leader.pid, *(int(leader.stdout.readline()) for _ in range(3))]
        handles = {pid: os.pidfd_open(pid) for pid in numbers}
        for handle in handles.values():
            kept.callback(os.close, handle)
        try:
            yield handles
        finally:
            for pid in handles.keys() - ended(handles, 0):
                signal.pidfd_send_signal(handles[pid], signal.SIGKILL)


def ended(handles: dict[int, int], seconds: float) -> set[int]:
    """The numbers of those that have ended, once one has."""
    over = readable(handles.values(), seconds)
    return {pid for pid, handle in handles.items() if handle in over}


def of_session(handles: dict[int, int]) -> set[int]:
    """The numbers of those that have the session of the first."""
    first = next(iter(handles))
    return {pid for pid in handles if os.getsid(pid) == first}


def test_all_of_the_session_end_and_nobody_else(begun: dict[int, int]) -> None:
    first, expected = next(iter(begun)), of_session(begun)
    assert len(expected) == 3
    sessions.end(first, ANY_GROUP)
    assert ended(begun, 0) == expected


def test_another_that_has_the_number_by_now_is_left_alone(begun: dict[int, int]) -> None:
    sessions.end(next(iter(begun)), "/another-group")
    assert ended(begun, 0) == set()


OF_NO_NUMBER = """
import subprocess
from orchestr8.engines import sessions
with subprocess.Popen(["sleep", "1000"]) as one, subprocess.Popen(["sleep", "1000"]) as other:
    sessions.end(one.pid, ":/")
    print(one.wait(), other.poll(), flush=True)
    other.kill()
"""


def test_where_the_leader_of_a_session_is_out_of_sight_it_alone_ends() -> None:
    """As in a shell that `docker exec` or `nsenter` began: the kernel numbers its session 0."""
    inner = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    words = [*inner, sys.executable, "-c", OF_NO_NUMBER]
    said = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
    assert said.split() == [str(-signal.SIGKILL), "None"]


def test_of_our_own_session_it_alone_ends() -> None:
    with subprocess.Popen(["sleep", "1000"]) as one, subprocess.Popen(["sleep", "1000"]) as other:
        try:
            sessions.end(one.pid, ANY_GROUP)
            assert one.wait(60) == -signal.SIGKILL
            assert other.poll() is None
        finally:
            one.kill()
            other.kill()
