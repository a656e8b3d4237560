"""What was applied before is made true again, and a service gets fresh boxes."""

from __future__ import annotations

import threading

from orchestr8.engines.memory.faults import Fault
from orchestr8.engines.memory.workload import NEVER_HEALTHY
from orchestr8.errors import RejectedError
from orchestr8.store.lock import writer_lock
from tests.cli.shell import Shell

WEB = """\
orchestr8: 1
owner: me
services:
  web: {image: "web:1", health: {tcp: 8080}}
"""
TWICE = WEB.replace("health:", "replicas: 2, health:")
JOB = 'orchestr8: 1\nowner: me\nservices:\n  job: {image: "job:1", run: once}\n'


def test_apply_without_a_path_heals_every_set(shell: Shell) -> None:
    shell.apply(WEB)
    shell.apply(WEB.replace("web:", "api:", 1), "--set named")
    shell.write("fleet.yaml", "")
    shell.crash("me--web--1")
    shell.crash("me--api--1")
    shell.type("apply")
    assert shell.running == ["me--api--2", "me--web--2"]
    assert "nothing to do: 2 services are as declared" in shell.type("apply").output


def test_a_set_that_is_down_comes_up_only_by_name(shell: Shell) -> None:
    shell.apply(WEB)
    shell.apply(WEB.replace("web:", "api:", 1), "--set named")
    shell.type("down --set named")
    said = shell.type("apply").output
    assert "left down: the set named" in said
    assert "nothing to do: 1 service is as declared" in said
    shell.type("apply --set named")
    assert shell.running == ["me--api--2", "me--web--1"]


def test_what_cannot_be_applied_again(shell: Shell) -> None:
    assert "nothing is applied" in shell.type("apply", 2).errors
    shell.apply(WEB)
    assert 'there is no set "shop"' in shell.type("apply --set shop", 2).errors
    assert "--pull needs manifests" in shell.type("apply --pull", 2).errors


def test_what_was_taken_back_stays_so_when_it_is_applied_again(shell: Shell) -> None:
    shell.apply(WEB)
    shell.machine.workloads["web:2"] = NEVER_HEALTHY
    newer = WEB.replace("web:1", "web:2").replace("health:", "update: {within: 1s}, health:")
    shell.apply(newer, status=5)
    assert "nothing to do" in shell.type("apply").output
    assert "rolled back to revision 1" in shell.type("status").output


def test_a_change_waits_for_its_turn(shell: Shell) -> None:
    shell.apply(WEB)
    locked, over = threading.Event(), threading.Event()

    def another() -> None:
        with writer_lock(shell.folder / "state"):
            locked.set()
            over.wait()

    other = threading.Thread(target=another)
    other.start()
    locked.wait()
    said = shell.type("apply", 1)
    assert "another orchestr8 is changing this machine" in said.errors
    threading.Timer(0.3, over.set).start()
    shell.type("apply --wait --timeout 1m")
    other.join()


def test_its_turn_may_never_come(shell: Shell) -> None:
    shell.apply(WEB)
    with writer_lock(shell.folder / "state"):
        said = shell.type("apply --wait --timeout 300ms", 1)
    assert "another orchestr8 is changing this machine" in said.errors


def test_restart_replaces_each_box_start_first(shell: Shell) -> None:
    shell.apply(TWICE)
    said = shell.type("restart web.me").output
    assert shell.running == ["me--web--3", "me--web--4"]
    assert "2 boxes started" in said
    assert "2 boxes released" in said
    told = [
        line.split()[:2] for line in said.splitlines() if line[:1].isdigit() and "." in line[:3]
    ]
    assert sorted(told) == [
        ["0.web.me", "create"], ["0.web.me", "stop"],
        ["1.web.me", "create"], ["1.web.me", "stop"],
    ]  # fmt: skip
    for slot in ("0.web.me", "1.web.me"):
        assert told.index([slot, "create"]) < told.index([slot, "stop"])
    shell.type("restart web.me --slot 1")
    assert shell.running == ["me--web--3", "me--web--5"]
    assert "nothing to do" in shell.type("apply").output


def test_restart_runs_a_job_again(shell: Shell) -> None:
    shell.apply(JOB)
    shell.type("restart job.me")
    boxes = [str(box) for box in shell.machine.boxes]
    assert boxes == ["me--job--2"]


def test_a_restart_that_fails_leaves_the_old_box(shell: Shell) -> None:
    shell.apply(WEB.replace("health:", "update: {within: 1s}, health:"))
    shell.machine.workloads["web.me"] = NEVER_HEALTHY
    said = shell.type("restart web.me --timeout 20s", 1)
    assert "not healthy within" in said.output
    assert shell.running == ["me--web--1"]


def test_what_cannot_be_restarted(shell: Shell) -> None:
    shell.apply(WEB)
    assert "there is no service api.me" in shell.type("restart api.me", 2).errors
    assert "did you mean web.me?" in shell.type("restart wep.me", 2).errors
    assert "did you mean web.me?" in shell.type("restart web", 2).errors
    assert "did you mean web.me?" in shell.type("why 0.web.me", 2).errors
    assert "write service.owner" in shell.type("restart api", 2).errors
    assert "7.web.me has no box" in shell.type("restart web.me --slot 7", 2).errors
    shell.type("down")
    assert "the set default is down" in shell.type("restart web.me", 2).errors


def test_a_set_is_forgotten_once_its_boxes_are_gone(shell: Shell) -> None:
    shell.apply(WEB)
    shell.machine.faults.order(Fault("boxes.stop", RejectedError("it stays", "wait"), times=None))
    assert "the same command goes on from here" in shell.type("remove", 1).output
    assert shell.running == ["me--web--1"]
    shell.machine.faults.clear()
    assert "are forgotten" in shell.type("remove").output
    assert shell.running == []
