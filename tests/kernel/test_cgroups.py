"""Control files of both versions in one language, and who is in a cgroup."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.isolation.limits import MIB, Limits
from orchestr8.kernel import cgroups
from orchestr8.kernel.cgroups import UNLIMITED, Group, Hierarchy, control_files, group_of, members
from tests.kernel.boxes import Running

V1 = {
    "memory": {
        "memory.limit_in_bytes": "67108864\n",
        "memory.memsw.limit_in_bytes": "67108864\n",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n",
    },
    "cpu": {"cpu.cfs_quota_us": "50000\n", "cpu.cfs_period_us": "100000\n"},
    "pids": {"pids.max": "64\n"},
    "devices": {"devices.list": "c 1:3 rwm\n"},
}
V1_OPEN = {
    "memory": {
        "memory.limit_in_bytes": "9223372036854771712\n",
        "memory.memsw.limit_in_bytes": "9223372036854771712\n",
    },
    "cpu": {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"},
    "pids": {"pids.max": "max\n"},
}
V2 = {
    "memory.max": "67108864\n", "memory.swap.max": "0\n", "memory.low": "0\n",
    "cpu.max": "50000 100000\n", "pids.max": "64\n", "memory.oom.group": "1\n",
}  # fmt: skip


def laid_out(folder: Path, files: dict[str, str]) -> str:
    folder.mkdir(parents=True)
    for name, text in {"cgroup.procs": "", **files}.items():
        (folder / name).write_text(text)
    return str(folder)


def v1(base: Path, content: dict[str, dict[str, str]] = V1) -> Group:
    return Group("/o/b", {c: laid_out(base / c / "o" / "b", f) for c, f in content.items()})


def test_v1_is_told_in_the_words_of_v2(tmp_path: Path) -> None:
    assert control_files(v1(tmp_path)) == {
        "memory.max": "67108864",
        "memory.swap.max": "0",
        "cpu.max": "50000 100000",
        "pids.max": "64",
        "devices.list": "c 1:3 rwm",
        "memory.oom_kill_disable": "0",
    }


@pytest.mark.parametrize(
    ("lows", "kept"), [((30, 20), 20), ((20, 30), 20), ((30, 0), 0), ((0, 30), 0), ((), 0)]
)
def test_a_box_is_promised_what_every_group_above_is(
    tmp_path: Path, lows: tuple[int, ...], kept: int
) -> None:
    folder = tmp_path / "owner" / "box"
    folder.mkdir(parents=True)
    for place, low in zip((folder.parent, folder), lows, strict=False):
        (place / "memory.low").write_text(f"{low}\n")
    assert cgroups.promised(Group("/owner/box", {"unified": str(folder)})) == kept


def test_no_limit_on_v1(tmp_path: Path) -> None:
    found = control_files(v1(tmp_path, V1_OPEN))
    assert (found["memory.max"], found["memory.swap.max"], found["cpu.max"], found["pids.max"]) == (
        "max", "max", "max 100000", "max",
    )  # fmt: skip


def test_a_kernel_that_does_not_account_for_swap_says_nothing_of_it(tmp_path: Path) -> None:
    memory = {"memory.limit_in_bytes": "67108864\n"}
    assert "memory.swap.max" not in control_files(v1(tmp_path, {**V1, "memory": memory}))


def test_v2_is_read_as_it_is(tmp_path: Path) -> None:
    group = Group("/o/b", {"unified": laid_out(tmp_path / "o" / "b", V2)})
    assert control_files(group) == {name: text.strip() for name, text in V2.items()}


def test_a_folder_that_is_no_cgroup_has_no_device_programs(tmp_path: Path) -> None:
    group = Group("/b", {"unified": laid_out(tmp_path / "b", V2)})
    with pytest.raises(OSError, match="bpf"):
        cgroups.device_programs(group)


def test_a_box_is_where_its_memory_is_counted() -> None:
    trees = {name: Hierarchy((name,), f"/cg/{name}", "/") for name in ("memory", "pids", "unified")}
    membership = {"memory": "/o/b", "pids": "/elsewhere", "unified": "/o/b"}
    group = group_of(membership, trees)
    assert group.path == "/o/b"
    assert group.folders == {"memory": "/cg/memory/o/b", "unified": "/cg/unified/o/b"}
    assert group.parent().folders["memory"] == "/cg/memory/o"
    assert group_of({}, trees).path == "/"


@pytest.mark.parametrize(
    ("root", "path", "folder"),
    [
        ("/", "/o/b", "/cg/o/b"),
        ("/", "/", "/cg"),
        ("/docker/x", "/docker/x/o", "/cg/o"),  # a reader that is in a container itself
        ("/docker/x", "/docker/x", "/cg"),
        ("/docker/x", "/docker/y", None),
        ("/docker/x", "/docker/xy", None),
        ("/", "/../outside", None),
    ],
)
def test_where_a_cgroup_lies(root: str, path: str, folder: str | None) -> None:
    assert Hierarchy(("memory",), "/cg", root).folder(path) == folder


def test_everyone_below_is_a_member(tmp_path: Path) -> None:
    top = laid_out(tmp_path / "b", {})
    (tmp_path / "b" / "cgroup.procs").write_text("10\n11\n")
    laid_out(tmp_path / "b" / "c" / "d", {})
    (tmp_path / "b" / "c" / "cgroup.procs").write_text("")
    (tmp_path / "b" / "c" / "d" / "cgroup.procs").write_text("12\n0\n")
    (tmp_path / "b" / "elsewhere").symlink_to("/proc")
    assert members(Group("/b", {"pids": top})) == (10, 11, 12)


def test_too_deep_is_an_error_and_not_a_part(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(20):
        laid_out(folder / "x", {})
        folder = folder / "x"
    with pytest.raises(OSError, match="too many cgroups"):
        members(Group("/x", {"pids": str(tmp_path / "x")}))


def limits_of(box: Running) -> Limits | None:
    return cgroups.limits_in(cgroups.membership_of(box.pid))


def test_the_limits_of_a_real_box(strict_box: Running) -> None:
    assert limits_of(strict_box) == Limits(
        cpu_max_millicores=500, memory_max_bytes=64 * MIB, pids_max=64
    )
    assert limits_of(strict_box) is limits_of(strict_box)


def test_limits_that_were_changed_by_hand_are_seen(strict_box: Running) -> None:
    client, container = strict_box.client, strict_box.container
    client.update_container(container, mem_limit=48 * MIB, memswap_limit=48 * MIB)
    found = limits_of(strict_box)
    client.update_container(container, mem_limit=64 * MIB, memswap_limit=64 * MIB)
    assert found and found.memory_max_bytes == 48 * MIB
    assert limits_of(strict_box) == Limits(500, 64 * MIB, 64)
    assert UNLIMITED > 1 << 60
