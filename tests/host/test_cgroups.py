"""Owners' control groups on the host's real trees, under an installation of the test's own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestr8.errors import RejectedError
from orchestr8.host import cgroups, hierarchies
from orchestr8.host.cgroups import OwnerCgroups, owner_cgroup, slice_properties
from orchestr8.isolation.limits import MIB, Quota
from orchestr8.planning.changes import quota_changes
from tests.controller.looping import until
from tests.host.rights import needs_root

FULL = Quota(cpu_millicores=1500, memory_bytes=64 * MIB, pids=100)
NONE = Quota()


@pytest.fixture
def owners() -> Iterator[OwnerCgroups]:
    made = OwnerCgroups(f"test-{secrets.token_hex(4)}")
    yield made
    for owner in made.quotas():
        made.remove(owner)


def _folder(owners: OwnerCgroups, owner: str, controller: str) -> Path:
    tree = hierarchies.require(controller)
    return tree.path / owner_cgroup(owners.installation, owner, owners.driver).lstrip("/")


@needs_root
def test_a_quota_is_read_back(owners: OwnerCgroups) -> None:
    owners.ensure("payments", FULL)
    owners.ensure("data", NONE)
    assert owners.quotas() == {"data": NONE, "payments": FULL}


@needs_root
def test_the_engine_is_told_the_folder_that_carries_it(owners: OwnerCgroups) -> None:
    owners.ensure("payments", FULL)
    tree = hierarchies.require("memory")
    name = "memory.limit_in_bytes" if tree.version == 1 else "memory.max"
    assert int((_folder(owners, "payments", "memory") / name).read_text()) == 64 * MIB


@needs_root
@pytest.mark.parametrize(
    "quotas",
    [
        (FULL, Quota(3000, 128 * MIB, pids=200), FULL, NONE, FULL),
        (NONE, Quota(memory_bytes=32 * MIB), Quota(cpu_millicores=10), Quota(pids=5), NONE),
    ],
)
def test_a_quota_goes_up_and_down_and_away(owners: OwnerCgroups, quotas: tuple[Quota, ...]) -> None:
    for quota in quotas:
        owners.ensure("payments", quota)
        owners.ensure("payments", quota)
        assert owners.quotas() == {"payments": quota}


@needs_root
def test_a_quota_allows_no_swap(owners: OwnerCgroups) -> None:
    owners.ensure("payments", FULL)
    for name, wanted in (("memory.memsw.limit_in_bytes", 64 * MIB), ("memory.swap.max", 0)):
        file = _folder(owners, "payments", "memory") / name
        if file.exists():
            assert int(file.read_text()) == wanted


@needs_root
def test_a_quota_below_what_boxes_use_is_refused_and_harms_nobody(owners: OwnerCgroups) -> None:
    owners.ensure("payments", FULL)
    box = _folder(owners, "payments", "memory") / "box"
    box.mkdir()
    hog = f"import sys, pathlib; pathlib.Path('{box}/cgroup.procs').write_text('0'); " + (
        "held = bytearray(b'x') * (32 << 20); print(len(held), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hog], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout and child.stdout.readline().strip() == b"33554432"
        with pytest.raises(RejectedError) as refusal:
            owners.ensure("payments", Quota(memory_bytes=16 * MIB))
        assert "leave" in refusal.value.remedy
        assert child.poll() is None
        child.communicate(b"")
    box.rmdir()
    assert owners.quotas()["payments"].memory_bytes == 64 * MIB


@needs_root
def test_a_group_in_which_a_box_lives_stays(owners: OwnerCgroups) -> None:
    owners.ensure("payments", FULL)
    box = _folder(owners, "payments", "pids") / "box"
    box.mkdir()
    owners.remove("payments")
    assert "payments" in owners.quotas()
    box.rmdir()
    owners.remove("payments")
    owners.remove("payments")
    assert owners.quotas() == {}


@needs_root
def test_an_empty_group_of_monitors_keeps_no_owner(owners: OwnerCgroups) -> None:
    owners.ensure("payments", FULL)
    (_folder(owners, "payments", "pids") / cgroups.MONITORS).mkdir()
    owners.remove("payments")
    assert owners.quotas() == {}


@needs_root
def test_nothing_of_the_installation_remains(owners: OwnerCgroups) -> None:
    owners.ensure("payments", FULL)
    owners.remove("payments")
    for tree in hierarchies.everywhere():
        assert not (tree.path / f"orchestr8-{owners.installation}").exists()


def test_an_owner_with_a_hyphen_is_not_inside_another() -> None:
    names = [owner_cgroup("x1", owner, cgroups.SYSTEMD) for owner in ("a", "a-b")]
    assert names == ["orchestr8-x1-a.slice", r"orchestr8-x1-a\x2db.slice"]
    assert owner_cgroup("x1", "a-b", cgroups.CGROUPFS) == "/orchestr8-x1/a-b"


def test_a_quota_in_the_words_of_systemd() -> None:
    assert slice_properties(FULL) == (
        "MemoryMax=67108864", "MemorySwapMax=0", "CPUQuota=150%", "CPUWeight=150", "TasksMax=100",
    )  # fmt: skip
    assert slice_properties(NONE) == (
        "MemoryMax=infinity", "MemorySwapMax=infinity", "CPUQuota=", "CPUWeight=100",
        "TasksMax=infinity",
    )  # fmt: skip


_BURN = """\
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
for file in sys.argv[2:]:
    with open(file, "w") as joined:
        joined.write("0")
print(flush=True)
while True:
    pass
"""


@contextmanager
def _burning(owners: OwnerCgroups, owner: str, core: int) -> Iterator[Callable[[], int]]:
    """A box of an owner that wants all of a core; gives the nanoseconds that the owner got."""
    tree = hierarchies.require("cpu")
    account = hierarchies.by_controller().get("cpuacct", tree)
    boxes = {
        one.path / owner_cgroup(owners.installation, owner, owners.driver).lstrip("/") / "box"
        for one in (tree, account)
    }
    for box in boxes:
        box.mkdir(parents=True, exist_ok=True)
    files = [str(box / "cgroup.procs") for box in boxes]
    words = [sys.executable, "-c", _BURN, str(core), *files]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout and child.stdout.readline() == b"\n"
            yield lambda: _used_ns(
                _folder(owners, owner, "cpuacct" if tree.version == 1 else "cpu")
            )
        finally:
            child.kill()
            child.wait()
            for box in boxes:
                until(lambda box=box: not (box / "cgroup.procs").read_text())
                box.rmdir()


def _used_ns(folder: Path) -> int:
    if (folder / "cpuacct.usage").exists():
        return int((folder / "cpuacct.usage").read_text())
    counted = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
    return int(counted["usage_usec"]) * 1000


@needs_root
def test_owners_who_want_the_same_core_get_it_by_their_quotas(owners: OwnerCgroups) -> None:
    core = min(os.sched_getaffinity(0))
    owners.ensure("large", Quota(cpu_millicores=8000))
    owners.ensure("small", Quota(cpu_millicores=1000))
    with _burning(owners, "large", core) as large, _burning(owners, "small", core) as small:
        # Between two readings the test may stand still: then the larger owner is the one that runs.
        before_large, before_small = large(), small()
        # A second, however long a busy machine takes to give it: where the processor is an emulated
        # one that stands still at times, whoever has it then is charged for that.
        until(lambda: large() + small() - before_large - before_small > 1_000_000_000, 600)
        got_small, got_large = small() - before_small, large() - before_large
    # The eighth, with room for what the scheduler rounds; by the same weights it is the half.
    assert got_large > 2 * got_small, (got_large, got_small)


@needs_root
def test_a_weight_that_somebody_changed_is_seen_and_set_back(owners: OwnerCgroups) -> None:
    tree = hierarchies.require("cpu")
    name = "cpu.shares" if tree.version == 1 else "cpu.weight"
    for quota in (FULL, NONE):
        owners.ensure("payments", quota)
        (_folder(owners, "payments", "cpu") / name).write_text("77")
        assert quota_changes(quota, owners.quotas()["payments"])
        owners.ensure("payments", quota)
        assert owners.quotas() == {"payments": quota}
