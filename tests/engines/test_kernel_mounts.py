"""What a box sees mounted, as the kernel writes it."""

from __future__ import annotations

import os

import pytest

from orchestr8.engines.crun import kernel_mounts
from orchestr8.engines.crun.processes import Process
from orchestr8.errors import RejectedError
from orchestr8.names import BoxId

BOX = BoxId("me", "web", 3)
PROC = "36 35 0:4 / /proc rw,nosuid - proc proc rw\n"


def test_a_mount_is_read_whatever_its_path_is_called() -> None:
    paths = ["/a\\040b", "/a\u00a0b", "/a\x0bb", "/a\u2028b", "/-", "/a\\040-\\040b"]
    lines = [f"40 35 0:27 / {path} rw shared:2 master:1 - cgroup2 none rw\n" for path in paths]
    found = kernel_mounts.mounted(BOX, PROC + "".join(lines))
    assert found == [("0:4", "/proc", "proc"), *(("0:27", path, "cgroup2") for path in paths)]


def test_a_line_that_is_no_mount_lets_no_box_be_made() -> None:
    for line in ("40 35 0:27 / /x rw\n", "\n", "40 35 0:27 /\n"):
        with pytest.raises(RejectedError, match="cannot be read"):
            kernel_mounts.mounted(BOX, PROC + line + PROC)


def test_a_process_that_sees_the_hosts_own_is_no_box() -> None:
    this = Process.of(os.getpid())
    assert this
    with pytest.raises(RejectedError, match="the host's own"):
        kernel_mounts.require_own(BOX, this, [])
