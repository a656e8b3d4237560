"""Fields set by hand act live, all or none, and count until the manifest's own line is edited."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.engines.memory.faults import Fault
from orchestr8.engines.memory.workload import NEVER_HEALTHY, Workload
from orchestr8.errors import RejectedError
from orchestr8.isolation.limits import Limits
from orchestr8.names import BoxId
from orchestr8.store.store import Store
from tests.cli.shell import Shell

MIB = 1 << 20
WEB = """\
orchestr8: 1
owner: me
services:
  web: {image: "web:1", health: {tcp: 8080}, limits: {memory: 64MiB}}
  db: {image: "db:1", health: {tcp: 5432}}
"""
TWO_DB = """\
orchestr8: 1
owner: me
services:
  db: {image: "db:1", replicas: 2, health: {tcp: 5432}}
"""


def limits(shell: Shell, box: str = "me--web--1") -> Limits:
    """What a box may use."""
    return shell.machine.boxes[BoxId.parse(box)].limits


def test_it_acts_live_and_says_that_the_manifest_differs(shell: Shell) -> None:
    shell.apply(WEB)
    said = shell.type("set web.me limits.memory=256MiB limits.pids=100").output
    assert shell.running == ["me--db--1", "me--web--1"]
    assert limits(shell).memory_max_bytes == 256 * MIB
    assert limits(shell).pids_max == 100
    assert "1 box changed in place, without a restart." in said
    assert "set by hand: web.me limits.memory.max 256MiB (its manifest says 64MiB)." in said
    assert "  fleet.yaml:4:55: limits.memory.max: 256MiB" in said


def test_it_is_shown_wherever_one_looks(shell: Shell) -> None:
    shell.apply(WEB)
    shell.type("set web.me limits.memory=256MiB")
    told = "limits.memory.max 256MiB (its manifest says 64MiB)"
    assert "by hand: limits.memory.max" in shell.type("status").output
    why = shell.type("why web.me").output
    assert told in why
    assert "`orchestr8 set web.me --end` gives it back" in why
    planned = shell.type("plan fleet.yaml --exit-code").output
    assert f"set by hand: web.me {told}; it counts until that line is edited" in planned
    (override,) = shell.type("plan fleet.yaml --output json").document["overrides"]
    assert (override["value"], override["manifest"]) == ("256MiB", "64MiB")


def test_it_lasts_until_its_line_is_edited_and_then_ends_for_good(shell: Shell) -> None:
    shell.apply(WEB)
    shell.type("set web.me limits.memory=256MiB")
    said = shell.apply(WEB.replace("web:1", "web:2"))
    assert limits(shell, "me--web--2").memory_max_bytes == 256 * MIB
    edited = WEB.replace("web:1", "web:2").replace("64MiB", "96MiB")
    shell.write("fleet.yaml", edited)
    ends = "limits.memory.max is the manifest's again (256MiB was set by hand)"
    assert ends in shell.type("plan fleet.yaml").output
    said = shell.type("apply fleet.yaml")
    assert "limits.memory.max of web.me is the manifest's again" in said.output
    assert limits(shell, "me--web--2").memory_max_bytes == 96 * MIB
    shell.apply(WEB.replace("web:1", "web:2"))
    assert limits(shell, "me--web--2").memory_max_bytes == 64 * MIB, "it does not come back"


def test_it_is_there_again_once_the_edited_form_is_taken_back(shell: Shell) -> None:
    within = WEB.replace("health: {tcp: 8080}", "health: {tcp: 8080}, update: {within: 1s}")
    shell.apply(within)
    shell.type("set web.me limits.memory=256MiB")
    shell.machine.workloads["web:2"] = NEVER_HEALTHY
    edited = within.replace("64MiB", "96MiB")
    shell.apply(edited.replace("web:1", "web:2"), status=5)
    assert shell.running == ["me--db--1", "me--web--1"]
    assert limits(shell).memory_max_bytes == 256 * MIB
    assert "by hand: limits.memory.max" in shell.type("status").output
    shell.write("db.yaml", TWO_DB)
    shell.type("apply db.yaml")
    assert limits(shell).memory_max_bytes == 256 * MIB
    shell.apply(edited.replace("web:1", "web:3"))
    assert limits(shell, "me--web--3").memory_max_bytes == 96 * MIB
    shell.apply(within.replace("web:1", "web:3"))
    assert limits(shell, "me--web--3").memory_max_bytes == 64 * MIB, "it does not come back"


def test_a_manifest_that_says_the_same_ends_it_quietly(shell: Shell) -> None:
    shell.apply(WEB)
    shell.type("set web.me limits.memory=256MiB")
    shell.apply(WEB.replace("64MiB", "256MiB"))
    assert limits(shell).memory_max_bytes == 256 * MIB
    assert "by hand" not in shell.type("status").output


def test_a_guarantee_above_a_maximum_that_nobody_wrote_is_refused(shell: Shell) -> None:
    shell.apply(WEB)
    said = shell.type("set db.me limits.memory.guarantee=1GiB", 2).errors
    assert "the guarantee of 1GiB is above the maximum of 128MiB (the default)" in said
    assert limits(shell, "me--db--1").memory_guarantee_bytes is None


def test_healing_keeps_it(shell: Shell) -> None:
    shell.apply(WEB)
    shell.type("set web.me limits.memory=256MiB")
    shell.crash("me--web--1")
    shell.type("apply")
    assert limits(shell, "me--web--2").memory_max_bytes == 256 * MIB


def test_replicas_come_and_go(shell: Shell) -> None:
    shell.apply(WEB)
    shell.type("set web.me replicas=2")
    assert shell.running == ["me--db--1", "me--web--1", "me--web--2"]
    assert "is as its manifest says" in shell.type("set web.me --end").output
    assert shell.running == ["me--db--1", "me--web--1"]


def test_the_manifest_s_own_value_is_none_set_by_hand(shell: Shell) -> None:
    shell.apply(WEB)
    shell.type("set web.me limits.memory=256MiB limits.pids=100")
    shell.type("set web.me limits.memory=64MiB")
    assert "by hand: limits.pids" in shell.type("status").output
    shell.type("set web.me --end")
    assert "by hand" not in shell.type("status").output
    assert limits(shell) == Limits(memory_max_bytes=64 * MIB)


def test_what_the_engine_refuses_takes_all_of_it_back(shell: Shell) -> None:
    shell.apply(WEB)
    refusal = Fault("boxes.update", RejectedError("the kernel takes no such limit"), times=None)
    shell.machine.faults.order(refusal)
    said = shell.type("set web.me limits.memory=96MiB limits.pids=100", 1).output
    assert "all of it was taken back; web.me is as it was" in said
    assert "changed in place" not in said
    shell.machine.faults.clear()
    assert limits(shell) == Limits(memory_max_bytes=64 * MIB)
    assert "by hand" not in shell.type("status").output


def test_a_lower_maximum_waits_for_the_box_and_the_rest_counts_at_once(shell: Shell) -> None:
    shell.apply(WEB)
    box_id = BoxId.parse("me--web--1")
    box = shell.machine.boxes[box_id]
    shell.machine.boxes[box_id] = replace(box, workload=Workload(memory_bytes=50 * MIB))
    said = shell.type("set web.me limits.memory=16MiB limits.pids=100").output
    assert "web.me waits: limits.memory.max 16MiB: 0.web.me holds 50MiB" in said
    assert limits(shell) == Limits(memory_max_bytes=64 * MIB, pids_max=100)


def test_a_removed_set_takes_it_along(shell: Shell) -> None:
    shell.apply(WEB)
    shell.type("set web.me limits.memory=256MiB")
    shell.type("remove")
    shell.apply(WEB)
    assert "by hand" not in shell.type("status").output


def test_the_quota_is_judged(shell: Shell) -> None:
    shell.apply(
        "orchestr8: 1\nplatform: {owners: {me: {quota: {memory: 1GiB}}}}\n", "--set platform"
    )
    shell.apply(WEB)
    said = shell.type("set web.me limits.memory=2GiB", 3).errors
    assert "limits.memory 2GiB of web.me is above the quota of owner me, 1GiB" in said
    assert limits(shell).memory_max_bytes == 64 * MIB


def test_all_or_none(shell: Shell) -> None:
    shell.apply(WEB)
    shell.type("set web.me limits.memory=256MiB limits.pids=0", 2)
    assert limits(shell) == Limits(memory_max_bytes=64 * MIB)


def test_what_is_held_or_down_is_not_set(shell: Shell) -> None:
    shell.apply(WEB)
    shell.type("hold web.me --until 1h --reason x")
    assert "held until" in shell.type("set web.me limits.pids=100", 3).errors
    shell.type("hold web.me --end")
    shell.type("down")
    assert "the set default is down" in shell.type("set web.me limits.pids=100", 2).errors


def test_the_journal_has_it(shell: Shell) -> None:
    shell.apply(WEB)
    shell.type("set web.me limits.memory=256MiB")
    store = Store(shell.folder / "state")
    rows = [(row.kind, row.subject, row.cause) for row in store.journal.rows()]
    store.close()
    assert ("set", "web.me", "limits.memory.max 256MiB (its manifest says 64MiB)") in rows


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "nothing is set"),
        ("--end limits.pids=1", "--end takes no fields"),
        ("limits.memory", '"limits.memory" sets nothing'),
        ("limits.memroy=1GiB", 'did you mean "limits.memory"?'),
        ("image=x", "no field that changes in place by hand"),
        ("limits.pids=1 limits.pids=2", "limits.pids is set twice"),
        ("limits.memory=1GiB limits.memory.max=2GiB", "limits.memory.max is set twice"),
        ("limits.memory=256M", 'the unit "M" is ambiguous'),
        ("limits.memory=5MiB", "too little for a box"),
        ("limits.cpu=64", "more than this machine's 4"),
        ("limits.io.read=1MiB/s", "the engine memory cannot enforce limits.io"),
        ("limits.memory.guarantee=1GiB", "is above the maximum of 64MiB"),
        ("replicas=-1", "replicas"),
        ("limits.pids=", "limits.pids"),
        ('"limits.pids=1}, image: {x: y"', "limits.pids"),
    ],
)
def test_wrong_words_are_told_as_a_manifest_s_would_be(shell: Shell, words: str, told: str) -> None:
    shell.apply(WEB)
    assert told in shell.type(f"set web.me {words}", 2).errors
    assert "by hand" not in shell.type("status").output
