"""A service is in exactly one set: prune stays inside it, and a move restarts nothing."""

from __future__ import annotations

import pytest

from tests.cli.shell import Shell

WEB = '  web: {image: "web:1", health: {tcp: 8080}}\n'
API = '  api: {image: "api:1", health: {tcp: 8080}}\n'


def text(*services: str, more: str = "") -> str:
    """A manifest of these services."""
    return f"orchestr8: 1\nowner: me\nservices:\n{''.join(services)}{more}"


def sets(shell: Shell) -> dict[str, str]:
    """Each service and the set that it is in."""
    services = shell.type("status --output json").document["services"]
    return {one["service"]: one["set"] for one in services}


def test_prune_stays_inside_the_named_set(shell: Shell) -> None:
    shell.apply(text(WEB))
    shell.apply(text(API), "--set named")
    shell.apply(text(API.replace("api", "job")), "--set named")
    assert shell.running == ["me--job--1", "me--web--1"]


def test_a_service_does_not_move_by_oversight(shell: Shell) -> None:
    shell.apply(text(WEB), "--set shop")
    said = shell.apply(text(WEB), status=3).errors
    assert "fleet.yaml:4:3: web.me is in the set shop, not in default" in said
    assert "write --set shop, or --set default to move it there" in said
    assert "web.me is in the set shop" in shell.type("plan fleet.yaml", 3).errors
    assert sets(shell) == {"web.me": "shop"}


def test_a_move_is_shown_and_restarts_nothing(shell: Shell) -> None:
    shell.apply(text(WEB, API))
    shell.write("fleet.yaml", text(WEB))
    planned = shell.type("plan fleet.yaml --set shop --exit-code", 10).output
    assert "moves from set default to set shop" in planned
    assert "no restart" in planned
    assert "Apply this:  orchestr8 apply fleet.yaml --set shop" in planned
    said = shell.type("apply fleet.yaml --set shop").output
    assert "web.me moves from set default to set shop; its boxes stay" in said
    assert shell.running == ["me--api--1", "me--web--1"]
    assert sets(shell) == {"api.me": "default", "web.me": "shop"}
    assert "moves" not in shell.type("plan fleet.yaml --set shop --exit-code").output


def test_the_older_set_neither_releases_nor_doubles_what_left_it(shell: Shell) -> None:
    shell.apply(text(WEB, API), "--set old")
    shell.apply(text(WEB), "--set new")
    shell.apply(text(API), "--set old")
    assert shell.running == ["me--api--1", "me--web--1"]
    assert "`orchestr8 apply --set old` brings" in shell.type("down --set old").output
    assert shell.running == ["me--web--1"]
    shell.type("remove --set old")
    assert shell.running == ["me--web--1"]
    assert sets(shell) == {"web.me": "new"}


def test_it_goes_with_its_new_set_and_does_not_come_back_in_the_old(shell: Shell) -> None:
    shell.apply(text(WEB, API), "--set old")
    shell.apply(text(WEB), "--set new")
    shell.type("remove --set new")
    shell.type("apply")
    assert shell.running == ["me--api--1"]
    shell.apply(text(WEB, API), "--set old")
    assert shell.running == ["me--api--1", "me--web--2"]
    assert sets(shell) == {"api.me": "old", "web.me": "old"}


def test_it_may_move_back_with_the_very_text_that_it_had(shell: Shell) -> None:
    shell.apply(text(WEB, API), "--set old")
    shell.apply(text(WEB), "--set new")
    shell.apply(text(WEB, API), "--set old")
    assert sets(shell) == {"api.me": "old", "web.me": "old"}
    shell.apply(text(API.replace("api", "job")), "--set new")
    assert shell.running == ["me--api--1", "me--job--1", "me--web--1"]


def test_it_may_change_as_it_moves(shell: Shell) -> None:
    shell.apply(text(WEB, API))
    shell.apply(text(WEB.replace("web:1", "web:2")), "--set shop")
    assert shell.running == ["me--api--1", "me--web--2"]


def test_a_port_of_the_host_moves_with_its_service(shell: Shell) -> None:
    door = WEB.replace("health", "publish: {127.0.0.1:8080: 8080}, health")
    shell.apply(text(door))
    shell.apply(text(door), "--set shop")
    assert shell.running == ["me--web--1"]


def test_a_volume_that_two_sets_declare_is_as_the_last_apply_says(shell: Shell) -> None:
    mounted = WEB.replace("health", "volumes: {/data: data}, health")
    shell.apply(text(mounted, API, more="volumes: {data: {}}\n"), "--set zoo")
    reading = API.replace("health", "volumes: {/in: data}, health")
    shared = "volumes: {data: {share: {api: rw}}}\n"
    shell.apply(text(mounted, reading, more=shared), "--set alpha")
    assert "nothing to do" in shell.type("apply").output
    boxes = shell.machine.boxes
    assert [one.box.spec.volumes[0].read_only for one in boxes.values()] == [False, False]


def test_a_plan_file_may_move_what_it_shows(shell: Shell) -> None:
    shell.apply(text(WEB))
    shell.write("fleet.yaml", text(WEB))
    shell.type("plan fleet.yaml --set shop --out plan.json")
    shell.type("apply plan.json")
    assert sets(shell) == {"web.me": "shop"}


def test_a_set_that_had_the_platforms_part_says_so_when_it_goes(shell: Shell) -> None:
    shell.write("platform.yaml", "orchestr8: 1\nplatform: {owners: {me: {}}}\n")
    shell.write("fleet.yaml", text(WEB))
    shell.type("apply platform.yaml fleet.yaml --set shop")
    told = "{orchestr8: 1, platform: {mode: solo}}"
    assert told in shell.type("remove --set shop").output
    refused = shell.apply(text(WEB), status=3).errors
    assert "removed with its set" in refused
    assert told in refused
    shell.write("platform.yaml", told)
    shell.type("apply platform.yaml fleet.yaml")
    assert shell.running == ["me--web--2"]


def test_a_quota_goes_with_the_set_that_gave_it(shell: Shell) -> None:
    platform = "platform: {owners: {me: {quota: {memory: 1GiB}}}}\n"
    shell.apply(text(API, more=platform), "--set base")
    shell.apply(text(WEB))
    assert shell.machine.quotas["me"].memory_bytes
    assert "1 box stopped and removed" in shell.type("remove --set base").output
    assert shell.running == ["me--web--1"]
    assert not shell.machine.quotas["me"].memory_bytes
    assert "nothing to do" in shell.type("apply").output


def test_whose_link_a_change_takes_is_said_before_and_after(shell: Shell) -> None:
    shell.apply(text(WEB, API), "--set base")
    shell.write("calls.yaml", text('  job: {image: "job:1", connects: [api:8080]}\n'))
    shell.type("apply calls.yaml --set shop")
    refused = "the next apply of set shop would be refused, and what runs of it runs on: "
    where = "calls.yaml:4:36: job.me connects to api.me:8080, which "
    assert f"! {where}has no box now" in shell.type("down --set base").output
    shell.write("fleet.yaml", text(WEB))
    assert f"{refused}{where}is there no longer" in shell.type("plan fleet.yaml --set base").output
    assert f"! {refused}{where}is there no longer" in shell.apply(text(WEB), "--set base").output
    left = "revision 2 of set base left it out (apply by "
    assert left in shell.type("plan calls.yaml --set shop", 2).errors


def test_whose_link_a_remove_takes_is_a_fact(shell: Shell) -> None:
    shell.apply(text(API), "--set base")
    shell.write("calls.yaml", text('  job: {image: "job:1", connects: [api:8080]}\n'))
    shell.type("apply calls.yaml --set shop")
    (loss,) = shell.type("remove --set base --output json").document["losses"]
    assert loss == {
        "set": "shop",
        "service": "job.me",
        "owner": "me",
        "place": "calls.yaml:4:36",
        "what": "connects to api.me:8080, which is there no longer",
    }


@pytest.mark.parametrize("gone", ["plan", "apply", "remove"])
def test_who_names_a_volume_still_has_it_again(shell: Shell, gone: str) -> None:
    """The set that named it last has the say of it, until it names it no more."""
    mounts = API.replace("}}", "}, volumes: {/d: rows}}")
    shell.apply(text(mounts, more="volumes: {rows: {}}\n"), "--set old")
    shell.apply(text(WEB, more="volumes: {rows: {}}\n"), "--set new")
    shell.write("fleet.yaml", text(WEB))
    words = {"remove": "remove --set new"}.get(gone, f"{gone} fleet.yaml --set new")
    said = shell.type(words).output
    assert "would be refused" not in said
    assert "its volume" not in said
