"""Updates, deaths and drift: what an apply mends, and what it takes back."""

from __future__ import annotations

import os
import signal

from tests.scenarios.fleet import Fleet, eventually, manifest

HEALTHY = "  web: {image: 'hello:1', health: {http: ':8080/'}, limits: {memory: 32MiB}}\n"
NEVER_HEALTHY = (
    "  web: {image: 'faults:1', args: [unhealthy], health: {http: ':8080/', within: 3s},\n"
    "        update: {within: 3s}, limits: {memory: 32MiB}}\n"
)


def test_an_update_that_never_gets_healthy_goes_back_and_exits_5(fleet: Fleet) -> None:
    fleet.apply_text(manifest(HEALTHY))
    before = fleet.container("web.me")

    said = fleet.apply_text(manifest(NEVER_HEALTHY), exit_status=5)

    assert "not healthy within 3s" in said
    assert "revision 1" in said
    after = fleet.container("web.me")
    assert after["Id"] == before["Id"], "start-first: the old box never went away"
    assert len(fleet.containers()) == 1, "nothing of the failed box stays"
    assert fleet.proved() == 1


def test_a_stop_first_update_that_fails_brings_the_old_revision_back(fleet: Fleet) -> None:
    stop_first = "update: {order: stop-first, within: 3s}"
    fleet.apply_text(manifest(HEALTHY.replace("limits:", f"{stop_first}, limits:")))
    fleet.apply_text(
        manifest(NEVER_HEALTHY.replace("update: {within: 3s}", stop_first)), exit_status=5
    )
    assert "hello" in fleet.container("web.me")["Config"]["Labels"]["orchestr8.spec"]
    assert fleet.json("status")["services"][0]["boxes"][0]["state"] == "healthy"


def test_a_killed_box_is_replaced_by_the_next_apply(fleet: Fleet) -> None:
    text = manifest(HEALTHY)
    fleet.apply_text(text)
    dead = fleet.container("web.me")
    pid = int(dead["State"]["Pid"])
    assert pid > 1
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not fleet.containers(everything=False))

    fleet.apply_text(text)

    assert fleet.container("web.me")["Id"] != dead["Id"]
    assert len(fleet.containers()) == 1


def test_a_box_removed_by_hand_is_replaced_by_the_next_apply(fleet: Fleet) -> None:
    text = manifest(HEALTHY)
    fleet.apply_text(text)
    fleet.client.remove_container(fleet.container("web.me")["Id"], force=True)
    fleet.apply_text(text)
    assert fleet.container("web.me")["State"]["Running"]


def test_a_limit_changed_at_the_engine_is_drift_and_is_put_back_in_place(fleet: Fleet) -> None:
    text = manifest(HEALTHY)
    fleet.apply_text(text)
    box = fleet.container("web.me")
    fleet.client.update_container(box["Id"], mem_limit="64m", memswap_limit="64m")

    planned = fleet.run("plan", "-", "--exit-code", stdin=text, exit_status=10)
    assert "64MiB -> 32MiB" in planned
    fleet.apply_text(text)

    after = fleet.container("web.me")
    assert after["Id"] == box["Id"]
    assert after["HostConfig"]["Memory"] == 32 << 20


def test_links_and_reasons_change_without_a_new_box(fleet: Fleet) -> None:
    two = manifest(
        "  web: {image: 'hello:1', health: {http: ':8080/'}, connects: [other:8080]}\n"
        "  other: {image: 'hello:1', health: {http: ':8080/'}}\n"
        "  third: {image: 'hello:1', health: {http: ':8080/'}}\n"
    )
    fleet.apply_text(two)
    before = {one["Id"] for one in fleet.containers()}
    fleet.apply_text(two.replace("[other:8080]", "[other:8080, third:8080]"))
    assert {one["Id"] for one in fleet.containers()} == before


def test_a_job_runs_once_and_again_only_when_it_changes(fleet: Fleet) -> None:
    job = "  job: {image: 'probe:1', run: once, args: ['true']}\n"
    fleet.apply_text(manifest(job))
    (first,) = fleet.containers()
    fleet.apply_text(manifest(job))
    assert [one["Id"] for one in fleet.containers()] == [first["Id"]]
    fleet.apply_text(manifest(job.replace("['true']", "[echo, again]")))
    (second,) = fleet.containers()
    assert second["Id"] != first["Id"]
    assert "again" in fleet.run("logs", "job.me")


def test_what_leaves_a_named_set_is_released_and_the_default_set_never_loses(fleet: Fleet) -> None:
    both = manifest("  one: {image: 'hello:1'}\n  two: {image: 'hello:1'}\n")
    one = manifest("  one: {image: 'hello:1'}\n")
    fleet.apply_text(both, "--set", "named")
    fleet.apply_text(one, "--set", "named")
    assert len(fleet.containers()) == 1
    fleet.run("remove", "--set", "named")
    fleet.apply_text(both)
    fleet.apply_text(one)
    assert len(fleet.containers()) == 2
