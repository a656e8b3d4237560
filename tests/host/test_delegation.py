"""A scope of systemd's that is ours, on hosts that have systemd and pure cgroup v2."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.host import delegation, hierarchies, memory
from orchestr8.host.cgroups import CGROUPFS, DELEGATED, OwnerCgroups, own_place, owner_cgroup
from orchestr8.isolation.limits import MIB, Quota

on_systemd = pytest.mark.skipif(
    not delegation.delegated(), reason="needs systemd and pure cgroup v2: `make test-vm`"
)
TREE = Path("/sys/fs/cgroup")
SECONDS = 60

KEEPS = """
import sys
from orchestr8.host import delegation, hierarchies, memory
delegation.keep(sys.argv[1])
print("kept", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def installation() -> str:
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def keeping(installation: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes of their own that keep it, all at once."""
    found = [
        subprocess.Popen(
            [sys.executable, "-c", KEEPS, installation],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    yield found
    for process in found:
        process.kill()
        process.communicate()


def scope(installation: str) -> Path:
    return TREE / delegation.top(installation).lstrip("/")


def goes(folder: Path) -> bool:
    deadline = time.monotonic() + SECONDS
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not folder.exists()


def test_where_groups_lie_is_a_question_of_the_host() -> None:
    assert own_place() == (DELEGATED if delegation.delegated() else CGROUPFS)
    assert owner_cgroup("x1", "a", DELEGATED) == "/orchestr8.slice/orchestr8-x1.scope/a"


@on_systemd
def test_it_is_there_for_all_who_keep_it_and_goes_with_the_last(
    installation: str, keeping: list[subprocess.Popen[str]]
) -> None:
    for process in keeping:
        assert process.stdout
        assert process.stdout.readline() == "kept\n"
    folder = scope(installation)
    members = (folder / delegation.KEEPER / "cgroup.procs").read_text().split()
    assert len(members) == 3
    assert (folder / "cgroup.procs").read_text() == "", "so it may hand controllers down"
    for process in keeping[:2]:
        process.kill()
        process.wait()
    assert folder.is_dir()
    keeping[2].kill()
    assert goes(folder)


@on_systemd
def test_an_owner_in_it_has_its_quota_and_is_read_back(installation: str) -> None:
    owners = OwnerCgroups(installation, DELEGATED)
    quota = Quota(cpu_millicores=1500, memory_bytes=64 * MIB, pids=100)
    owners.ensure("payments", quota)
    owners.ensure("payments", quota)
    assert owners.quotas() == {"payments": quota}, "who keeps it is no owner"
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    assert owners.quotas() == {"payments": quota}
    subprocess.run(["systemctl", "stop", delegation.unit(installation)], check=True)
    assert owners.quotas() == {}
    owners.ensure("payments", quota)
    assert owners.quotas() == {"payments": quota}, "what somebody stopped is begun again"
    owners.remove("payments")
    assert owners.quotas() == {}
    subprocess.run(["systemctl", "stop", delegation.unit(installation)], check=True)


@on_systemd
def test_what_a_box_is_promised_outlives_a_reload_of_systemd(installation: str) -> None:
    """It sets the slice and the scope anew then, and whoever is in them is promised no more."""
    owners = OwnerCgroups(installation, DELEGATED)
    owners.ensure("payments", Quota())
    path = f"{delegation.top(installation)}/payments/payments--api--1"
    box = hierarchies.make(hierarchies.require("memory"), path, ("memory",))
    memory.guarantee(box, 8 * MIB)
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    owner, its_scope, its_slice = box.parents[:3]
    assert [low(one) for one in (box, owner, its_scope)] == [8 * MIB] * 3
    assert low(its_slice) >= 8 * MIB
    box.rmdir()
    memory.guaranteed_less(box)
    assert [low(one) for one in (owner, its_scope)] == [0, 0]
    subprocess.run(["systemctl", "stop", delegation.unit(installation)], check=True)


def low(group: Path) -> int:
    return int((group / "memory.low").read_text())
