"""Volumes on a real engine: sizes, copies, and what is asked before data goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts import Engine
from tests.scenarios.fleet import Fleet, fresh

MANIFEST = """\
orchestr8: 1
owner: me
services:
  sized: {image: "probe:1", entrypoint: [/usr/bin/probe, wait], volumes: {/data: sized}}
  plain: {image: "probe:1", entrypoint: [/usr/bin/probe, wait], volumes: {/data: plain}}
volumes: {sized: {size: SIZE}, plain: {}}
"""


@pytest.fixture(scope="module")
def fleet(docker_engine: Engine) -> Iterator[Fleet]:
    """Two boxes, one with a volume of 32 MiB, one with a volume without a size."""
    for made in fresh(docker_engine):
        made.apply_text(MANIFEST.replace("SIZE", "32MiB"))
        yield made


def in_box(fleet: Fleet, service: str, script: str, exit_status: int | None = 0) -> str:
    return fleet.run("exec", service, "--", "sh", "-c", script, exit_status=exit_status)


@pytest.mark.parametrize("docker_engine", ["28"], indirect=True)
def test_a_size_is_enforced_and_proved(fleet: Fleet) -> None:
    said = in_box(fleet, "sized.me", "dd if=/dev/zero of=/data/big bs=1M count=64", None)
    assert "No space left on device" in said
    taken = int(in_box(fleet, "sized.me", "stat -c %s /data/big; rm /data/big"))
    assert 31 << 20 < taken < 34 << 20
    document = fleet.json("prove", "sized.me")
    claims = {one["claim"]: one for one in document["boxes"][0]["findings"]}
    assert claims["volume-sizes"]["verdict"] == "held"
    assert claims["volume-sizes"]["expected"] == "/data 32MiB"
    assert fleet.proved() == 2
    smaller = fleet.apply_text(MANIFEST.replace("SIZE", "16MiB"), exit_status=2)
    assert "-:6:11: volume sized.me has 32MiB, and cannot shrink to 16MiB" in smaller


@pytest.mark.parametrize("docker_engine", ["28"], indirect=True)
@pytest.mark.parametrize("name", ["sized", "plain"])
def test_a_copy_takes_a_risky_change_back(fleet: Fleet, name: str) -> None:
    volume, service = f"{name}.me", f"{name}.me"
    in_box(fleet, service, "echo good > /data/rows")
    said = fleet.run("volume", "copy", volume, "before")
    assert f"copied: {volume}@before" in said
    in_box(fleet, service, "echo bad > /data/rows; echo more > /data/more")
    refused = fleet.run("volume", "restore", volume, "before", exit_status=1)
    assert f"box me--{name}-" in refused
    assert "volume delete" in fleet.run("volume", "delete", volume, exit_status=2)
    fleet.run("volume", "delete", volume, "--name", volume, exit_status=1)
    listed = fleet.json("volume", "ls")
    (shown,) = (one for one in listed["volumes"] if one["volume"] == volume)
    assert (shown["owner"], shown["set"], shown["orphan"]) == ("me", "default", False)
    assert [one["slot"] for one in shown["boxes"]] == [f"0.{service}"]
    assert shown["used_bytes"] > 0
    fleet.run("down")
    said = fleet.run("volume", "restore", volume, "before")
    assert "`orchestr8 apply --set default` starts its boxes again" in said
    fleet.apply_text(MANIFEST.replace("SIZE", "32MiB"))
    assert in_box(fleet, service, "cat /data/*").strip() == "good"
    assert fleet.proved(service) == 1
    fleet.run("volume", "delete", f"{volume}@before", "--name", f"{volume}@before")
    assert fleet.json("volume", "ls")["copies"] == []


@pytest.mark.parametrize("docker_engine", ["28"], indirect=True)
def test_a_volume_is_deleted_when_its_name_is_typed(fleet: Fleet) -> None:
    fleet.run("remove")
    assert "2 volumes are orphans" in fleet.run("volume", "ls")
    for volume in ("sized.me", "plain.me"):
        fleet.run("volume", "delete", volume, "--name", volume)
    assert "there are no volumes" in fleet.run("volume", "ls")
