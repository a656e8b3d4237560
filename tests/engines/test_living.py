"""A host that is short of descriptors is never taken for the end of a process."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable

import pytest

from orchestr8.engines import living, sessions
from orchestr8.engines.crun.processes import Process
from orchestr8.errors import UnavailableError

LOOKS = {
    "its start": lambda pid: living.start_time(pid),
    "a descriptor": lambda pid: living.opened(pid),
    "whether it is the same": lambda pid: Process(pid, 1).alive,
    "an end of its session": lambda pid: sessions.end(pid, ":/"),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=list(LOOKS))
def test_without_descriptors_nothing_is_said(look: Callable[[int], object]) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            with pytest.raises(UnavailableError, match="too many open files"):
                look(process.pid)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert living.start_time(process.pid), "it lives"


def test_who_has_ended_is_nobody() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait(60)
    assert living.start_time(process.pid) is None
    assert living.opened(process.pid) is None
    assert living.opened(-1) is None


def test_a_descriptor_tells_the_end() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        handle = living.opened(process.pid)
        assert handle is not None
        try:
            process.kill()
            assert os.waitid(os.P_PIDFD, handle, os.WEXITED)
        finally:
            os.close(handle)
