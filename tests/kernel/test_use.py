"""What control files say of use, in the words of both versions; and files that say nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestr8.boxes.use import Use
from orchestr8.kernel import use
from orchestr8.kernel.cgroups import UNIFIED, Group

V1 = {
    "memory.usage_in_bytes": "104857600",
    "memory.stat": "cache 1\ntotal_inactive_file 31457280\ntotal_active_file 10485760\n",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "cpuacct.usage": "1500000000",
    "pids.current": "7",
}
V2 = {
    "memory.current": "104857600",
    "memory.stat": "anon 62914560\ninactive_file 31457280\nactive_file 10485760\n",
    "memory.events": "low 0\noom 3\noom_kill 2\n",
    "cpu.stat": "usage_usec 1500000\nuser_usec 1\n",
    "pids.current": "7",
}
PRESSURE = "some avg10=12.50 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00\n"
EXPECTED = Use(
    memory_bytes=100 << 20, held_bytes=60 << 20, cpu_us=1_500_000, pids=7, out_of_memory=2
)


def group(folder: Path, files: dict[str, str], *controllers: str) -> Group:
    """A control group with these files, the same folder for each controller."""
    for name, text in files.items():
        (folder / name).write_text(text)
    return Group("/orchestr8-one/shop/box", dict.fromkeys(controllers, str(folder)))


def test_version_1(tmp_path: Path) -> None:
    assert use._use(group(tmp_path, V1, "memory", "cpuacct", "pids")) == EXPECTED


def test_version_2_with_pressure(tmp_path: Path) -> None:
    read = use._use(group(tmp_path, {**V2, "memory.pressure": PRESSURE}, UNIFIED))
    assert read.pressure == {"memory": 12.5}
    assert (read.memory_bytes, read.held_bytes) == (EXPECTED.memory_bytes, EXPECTED.held_bytes)
    assert (read.cpu_us, read.pids, read.out_of_memory) == (1_500_000, 7, 2)


@pytest.mark.parametrize("text", ["", "some", "some avg10=much", "\N{SNOWMAN}"])
def test_pressure_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    assert use._use(group(tmp_path, {**V2, "cpu.pressure": text}, UNIFIED)).pressure == {}


def test_a_group_whose_files_are_missing_uses_nothing(tmp_path: Path) -> None:
    assert use._use(group(tmp_path, {}, UNIFIED)) == Use()


@pytest.mark.parametrize("pid", [0, -1, 1 << 30])
def test_who_is_no_process_has_no_use(pid: int) -> None:
    assert use.use_of(pid) is None


def test_whoever_has_ended_uses_nothing_before_its_parent_asks() -> None:
    """On version 2 it is in its group until then."""
    with subprocess.Popen(["sleep", "1000"]) as child:
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert use.use_of(child.pid) is None
