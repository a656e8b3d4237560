"""A release with a newer STRICT plans nothing until somebody asks for it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.engines.memory.workload import NEVER_HEALTHY
from orchestr8.isolation.apparmor import PROFILES
from orchestr8.isolation.limits import Limits
from orchestr8.isolation.profile import Scratch
from orchestr8.isolation.seccomp import FILTERS
from orchestr8.isolation.strict import STRICT_1, VERSIONS
from orchestr8.names import BoxId
from tests.cli.shell import Shell

MIB = 1 << 20
STRICT_2 = replace(
    STRICT_1,
    version=2,
    scratch=(Scratch("/dev/shm", 8 * MIB), Scratch("/run", MIB), Scratch("/tmp", 8 * MIB)),
    rlimits=STRICT_1.rlimits[:2],
    limits=Limits(cpu_max_millicores=250, memory_max_bytes=64 * MIB, pids_max=100),
)
"""A made-up next version: smaller scratch, one limit less, smaller maxima."""
TWO = """\
orchestr8: 1
owner: me
services:
  web: {image: "web:1", health: {tcp: 8080}, update: {within: 1s}}
  db: {image: "db:1", health: {tcp: 5432}}
"""


def next_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the next version of STRICT is there."""
    monkeypatch.setitem(VERSIONS, 2, STRICT_2)
    monkeypatch.setitem(PROFILES, 2, PROFILES[1])


def versions(shell: Shell) -> dict[str, int]:
    """The version that each running box carries."""
    boxes = shell.machine.boxes.items()
    return {str(i): one.box.spec.profile.strict for i, one in boxes if one.state.runs}


def test_a_version_comes_with_all_that_belongs_to_it() -> None:
    assert VERSIONS.keys() == PROFILES.keys()
    assert {one.seccomp for one in VERSIONS.values()} <= FILTERS.keys()


def test_the_next_release_plans_nothing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.apply(TWO)
    next_release(monkeypatch)
    assert "Nothing to do." in shell.type("plan fleet.yaml --exit-code").output
    shell.type("apply fleet.yaml")
    assert versions(shell) == {"me--db--1": 1, "me--web--1": 1}


def limits(shell: Shell, box: str) -> Limits:
    """What a box may use."""
    return shell.machine.boxes[BoxId.parse(box)].limits


def test_limits_that_nobody_wrote_change_with_the_version_alone(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = TWO.replace("health: {tcp: 5432}", "limits: {pids: 70}, health: {tcp: 5432}")
    shell.apply(text)
    next_release(monkeypatch)
    assert "Nothing to do." in shell.type("plan fleet.yaml --exit-code").output
    shell.apply(text + '  new: {image: "new:1", health: {tcp: 80}}\n')
    assert limits(shell, "me--web--1") == STRICT_1.limits
    assert limits(shell, "me--db--1") == replace(STRICT_1.limits, pids_max=70)
    assert limits(shell, "me--new--1") == STRICT_2.limits
    shell.type("upgrade")
    assert limits(shell, "me--web--2") == STRICT_2.limits
    assert limits(shell, "me--db--2") == replace(STRICT_2.limits, pids_max=70)
    assert "held" in shell.type("prove").output


def test_a_value_set_by_hand_outlasts_another_usual_one(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.apply(TWO)
    shell.type("set web.me limits.memory=256MiB")
    assert "limits.memory.max 256MiB (its manifest does not say)" in shell.type("why web.me").output
    next_release(monkeypatch)
    assert "Nothing to do." in shell.type("plan fleet.yaml --exit-code").output
    shell.type("upgrade")
    assert limits(shell, "me--web--2") == replace(STRICT_2.limits, memory_max_bytes=256 * MIB)


def test_a_guarantee_above_the_newer_usual_maximum_stops_no_upgrade(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = "limits: {memory: {guarantee: 100MiB}}, health: {tcp: 5432}"
    text = TWO.replace("health: {tcp: 5432}", asks)
    shell.apply(text)
    next_release(monkeypatch)
    assert "no problems" in shell.type("validate fleet.yaml").output
    assert "nothing to do" in shell.type("apply fleet.yaml").output
    shell.type("upgrade")
    assert limits(shell, "me--db--2").memory_max_bytes == 100 * MIB
    said = shell.type("apply fleet.yaml", 2).errors
    assert "the guarantee of 100MiB is above the maximum of 64MiB (the default)" in said


def test_whoever_asks_hears_of_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.apply(TWO)
    assert "STRICT" not in shell.type("status").output
    next_release(monkeypatch)
    assert (
        "STRICT 2 is there, and db.me, web.me have an older one: `orchestr8 upgrade --plan`"
        in shell.type("status").output
    )
    assert "placed with STRICT 1; `orchestr8 upgrade --set default`" in (
        shell.type("why web.me").output
    )
    services = shell.type("status --output json").document["services"]
    assert [one["strict"] for one in services] == [1, 1]


def test_healing_and_changes_keep_the_version(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.apply(TWO)
    next_release(monkeypatch)
    shell.crash("me--web--1")
    shell.type("apply")
    shell.type("restart db.me")
    shell.apply(TWO.replace("web:1", "web:2"))
    assert versions(shell) == {"me--db--2": 1, "me--web--3": 1}


def test_a_fresh_service_has_the_newest(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.apply(TWO)
    next_release(monkeypatch)
    shell.apply(TWO + '  new: {image: "new:1", health: {tcp: 80}}\n')
    assert versions(shell)["me--new--1"] == 2
    shell.type("apply")
    assert versions(shell) == {"me--db--1": 1, "me--new--1": 2, "me--web--1": 1}


def test_one_that_went_and_comes_again_is_fresh(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.apply(TWO, "--set shop")
    shell.type("remove --set shop")
    next_release(monkeypatch)
    shell.apply(TWO, "--set shop")
    assert set(versions(shell).values()) == {2}


def test_an_upgrade_shows_its_plan_and_replaces(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.apply(TWO)
    next_release(monkeypatch)
    planned = shell.type("upgrade --plan").output
    assert "± web.me   1      replace  strict 1 -> 2 (forces a new box)  start-first" in planned
    assert "Do this:  orchestr8 upgrade" in planned
    assert versions(shell) == {"me--db--1": 1, "me--web--1": 1}
    said = shell.type("upgrade").output
    assert "strict 1 -> 2" in said
    assert "2 boxes released; nothing left to do" in said
    assert versions(shell) == {"me--db--2": 2, "me--web--2": 2}
    assert "nothing to upgrade: STRICT 2 is the newest" in shell.type("upgrade").output
    assert "nothing to do" in shell.type("apply fleet.yaml").output


def test_one_set_at_a_time(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.apply(TWO)
    shell.apply(TWO.replace("owner: me", "owner: you"), "--set other")
    next_release(monkeypatch)
    shell.type("upgrade --set other")
    assert versions(shell) == {
        "me--db--1": 1, "me--web--1": 1, "you--db--2": 2, "you--web--2": 2,
    }  # fmt: skip
    assert 'there is no set "third"' in shell.type("upgrade --set third", 2).errors


def test_what_does_not_come_up_goes_back(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.apply(TWO)
    next_release(monkeypatch)
    shell.machine.workloads["web.me"] = NEVER_HEALTHY
    said = shell.type("upgrade", 5).output
    assert "web.me goes back to STRICT 1, which worked" in said
    assert versions(shell) == {"me--db--2": 2, "me--web--1": 1}
    assert "nothing to do" in shell.type("apply").output


def test_what_is_held_is_left_alone(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.apply(TWO)
    shell.type("hold web.me --until 1h --reason x")
    next_release(monkeypatch)
    assert "web.me is held, and left alone" in shell.type("upgrade").output
    assert versions(shell) == {"me--db--2": 2, "me--web--1": 1}


def test_the_boxes_are_proved_against_the_version_that_they_carry(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.apply(TWO)
    next_release(monkeypatch)
    shell.type("upgrade")
    verdicts = {one["verdict"] for one in shell.type("prove --output json").document["boxes"]}
    assert verdicts == {"held"}
    assert BoxId.parse("me--web--2") in shell.machine.boxes


def test_a_rollback_does_not_lower_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.apply(TWO, "--set shop")
    shell.apply(TWO.replace("web:1", "web:2"), "--set shop")
    next_release(monkeypatch)
    shell.type("upgrade")
    shell.type("rollback --set shop")
    assert set(versions(shell).values()) == {2}
