"""What a workload writes into names and files must neither mislead nor crash the reader."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestr8.kernel import cgroups, files, mounts, network, tasks
from orchestr8.kernel.reader import KernelWitness, host_paths
from orchestr8.names import BoxId

LINE = r"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue"


def test_a_line_of_mountinfo() -> None:
    mount = mounts.parse_line(LINE)
    assert (mount.id, mount.device, mount.root, mount.target) == (36, "98:0", "/mnt1", "/mnt2")
    assert mount.options == {"rw", "noatime"}
    assert mount.optional == ("master:1", "shared:2")
    assert (mount.type, mount.source) == ("ext3", "/dev/root")
    assert mount.super_options == {"rw", "errors=continue"}


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ('rw,context="u:r:t:s0:c1,c2",size=1k', {"rw", 'context="u:r:t:s0:c1,c2"', "size=1k"}),
        ('rw,upperdir=/a"b,workdir=/c"d', {"rw", 'upperdir=/a"b', 'workdir=/c"d'}),
        ('rw,upperdir="a,size=1k', {"rw", 'upperdir="a', "size=1k"}),
    ],
)
def test_a_value_in_quotes_may_have_commas(told: str, meant: set[str]) -> None:
    assert mounts.parse_line(f"{LINE.rpartition(' ')[0]} {told}").super_options == meant


def test_names_are_unescaped() -> None:
    line = r"1 2 0:3 /a\040b /tmp/x\012y\011z\134040 ro - tmpfs we\040ird rw"
    mount = mounts.parse_line(line)
    assert mount.root == "/a b"
    assert mount.target == "/tmp/x\ny\tz\\040"
    assert mount.source == "we ird"


@pytest.mark.parametrize(
    "name", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r", " - ext4 / rw", "\\", "\\040", "é"]
)
def test_a_name_cannot_make_a_second_line(name: str) -> None:
    escaped = name
    for character in "\\ \t\n":
        escaped = escaped.replace(character, f"\\{ord(character):03o}")
    text = f"1 2 0:3 / /{escaped} ro - tmpfs none rw\n2 1 0:4 / /proc rw - proc proc rw\n"
    parsed = mounts.parse(text)
    assert [mount.target for mount in parsed] == [f"/{name}", "/proc"]


@pytest.mark.parametrize("line", ["", "1", "1 2 0:3 / /x rw", "x 2 0:3 / /x rw - t s o", LINE[:30]])
def test_half_a_line_is_an_error_and_not_a_line_less(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        mounts.parse(f"{LINE}\n{line or ' '}\n")


def test_too_many_mounts_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 4096"):
        mounts.parse(f"{LINE}\n" * 5000)


@pytest.mark.parametrize("comm", ["a) R 1 1", ")", "((", "x\ny", ""])
def test_a_commands_name_cannot_move_the_fields_of_stat(comm: str) -> None:
    rest = " ".join(str(number) for number in range(4, 53))
    fields = files.stat_fields(f"77 ({comm}) S {rest}")
    assert fields[0] == "S"
    assert fields[19] == "22"


def test_a_commands_name_cannot_be_another_line_of_status() -> None:
    text = "Name:\tx\\nCapEff:\\t0\nCapEff:\t00000000a80425fb\nCapEff:\t0\n"
    assert tasks.parse_status(text)["CapEff"] == "00000000a80425fb"


def test_the_columns_of_limits() -> None:
    text = (
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max open files            1024                 4096                 files     \n"
        "Max core file size        0                    unlimited            bytes     \n"
        "Max something new         1                    1                    \n"
    )
    assert tasks.parse_limits(text) == {"nofile": ("1024", "4096"), "core": ("0", "unlimited")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0::/a/b\n", {"unified": "/a/b"}),
        ("4:memory:/x\n1:cpu,cpuacct:/y\n0::/\n",
         {"memory": "/x", "cpu": "/y", "cpuacct": "/y", "unified": "/"}),
        ("5:name=systemd:/a:b\n", {"name=systemd": "/a:b"}),
        ("", {}),
        ("nonsense\n", {}),
    ],
)  # fmt: skip
def test_the_lines_of_cgroup(text: str, expected: dict[str, str]) -> None:
    assert cgroups.parse_membership(text) == expected


@given(st.text())
def test_no_text_crashes_a_parser_of_ours_otherwise_than_by_value_error(text: str) -> None:
    parsers: list[Callable[[str], object]] = [
        mounts.parse, tasks.parse_status, tasks.parse_limits, cgroups.parse_membership,
        files.stat_fields, network.parse_fib_trie,
    ]  # fmt: skip
    for parse in parsers:
        try:
            parse(text)
        except ValueError:
            continue


def test_a_file_that_is_too_long_is_an_error_and_not_a_part(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"x" * 1001)
    assert len(files.read_bytes(str(path), limit=1001)) == 1001
    with pytest.raises(OSError, match="more than 1000 bytes"):
        files.read_bytes(str(path), limit=1000)


def test_a_fifo_does_not_hold_the_reader_up(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    assert files.read_bytes(str(path)) == b""


def test_bytes_that_are_no_text_are_told_apart() -> None:
    assert files.decode(b"a\xffb") == "a\\xffb"


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1])
def test_no_process_is_no_box(pid: int) -> None:
    reading = KernelWitness().read(BoxId("o", "s", 1), pid)
    assert reading.tasks == ()
    assert "tasks" in reading.failures
    assert cgroups.limits_in(cgroups.membership_of(pid)) is None
    assert files.start_time(pid) is None


def test_a_process_that_has_ended_and_is_not_forgotten_is_no_box() -> None:
    with subprocess.Popen(["true"]) as process:
        deadline = time.monotonic() + 60
        while files.start_time(process.pid) is not None:  # None: it is a zombie by now
            assert time.monotonic() < deadline
        reading = KernelWitness().read(BoxId("o", "s", 1), process.pid)
    assert reading.tasks == ()
    assert "tasks" in reading.failures


def test_the_start_time_is_that_of_the_process() -> None:
    text = Path("/proc/self/stat").read_text()
    assert files.start_time(os.getpid()) == int(text.rsplit(")", 1)[1].split()[19])


@pytest.mark.parametrize(
    ("host_root", "host_target", "mounted", "seen"),
    [
        ("/", "/", "/srv/data", "/srv/data"),
        ("/", "/srv", "/data", "/srv/data"),
        ("/@", "/", "/@/srv/data", "/srv/data"),
        ("/@", "/", "/@", "/"),
        ("/@home", "/home", "/@home/ann", "/home/ann"),
    ],
)
def test_where_the_host_sees_what_is_mounted(
    host_root: str, host_target: str, mounted: str, seen: str
) -> None:
    """The host's root may be a part of its file system, as on btrfs."""
    line = "36 35 98:0 {} /mnt rw,noatime - ext3 /dev/root rw"
    mount = mounts.parse_line(line.format(mounted))
    assert host_paths(mount, {mount.device: [(host_root, host_target)]}) == (seen,)
