"""A person's hand on real boxes: limits set live, a move, a hold, a restart, a newer release."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.scenarios.fleet import ROOT, Fleet, manifest

WEB = "  web: {image: 'hello:1', health: {http: ':8080/'}, limits: {memory: 32MiB}}\n"
OTHER = "  other: {image: 'hello:1', health: {http: ':8080/'}}\n"
NEXT_STRICT = """
from msgspec.structs import replace
STRICT_2 = replace(STRICT_1, version=2, rlimits=STRICT_1.rlimits[:2])
VERSIONS[2] = STRICT_2
"""


@pytest.fixture
def next_release(tmp_path: Path) -> Path:
    """This release with a second STRICT, and with one more field in every box's spec."""
    shutil.copytree(ROOT / "orchestr8", tmp_path / "orchestr8")
    isolation = tmp_path / "orchestr8" / "isolation"
    with (isolation / "strict.py").open("a") as file:
        file.write(NEXT_STRICT)
    with (isolation / "apparmor.py").open("a") as file:
        file.write("\nPROFILES[2] = PROFILES[1]\n")
    field = "    image_env: tuple[str, ...] = ()\n"
    profile = (isolation / "profile.py").read_text()
    assert profile.count(field) == 1
    more = f'{field}    keyring: str = "{{}}"\n'
    (isolation / "profile.py").write_text(profile.replace(field, more.format("shared")))
    grant = tmp_path / "orchestr8" / "contract" / "grant.py"
    text = grant.read_text()
    start = "    grants: list[Grant] = []\n    in_effect"
    assert text.count(start) == 1
    newer = '    if profile.strict > 1:\n        profile = replace(profile, keyring="private")\n'
    grant.write_text(text.replace(start, newer + start))
    return tmp_path


@pytest.mark.parametrize("docker_engine", ["28"], indirect=True)
def test_a_person_s_hand(fleet: Fleet, next_release: Path) -> None:
    both = manifest(WEB + OTHER)
    fleet.apply_text(both)
    before, other = fleet.container("web.me"), fleet.container("other.me")

    fleet.run("set", "web.me", "limits.memory=64MiB", "limits.pids=99")
    after = fleet.container("web.me")
    assert after["Id"] == before["Id"], "no restart"
    assert after["HostConfig"]["Memory"] == 64 << 20
    assert after["HostConfig"]["PidsLimit"] == 99
    assert "by hand: limits.memory.max, limits.pids" in fleet.run("status")
    assert fleet.proved() == 2, "the proof expects what was set"
    assert "nothing to do" in fleet.apply_text(both)

    plan = fleet.base / "plan.json"
    newer = both.replace("memory: 32MiB", "memory: 48MiB")
    fleet.run("plan", "-", "--out", str(plan), stdin=newer)
    said = fleet.apply_text(manifest(WEB), "--set", "shop")
    assert "web.me moves from set default to set shop; its boxes stay" in said
    assert fleet.container("web.me")["Id"] == before["Id"]
    said = fleet.run("apply", str(plan), exit_status=3)
    assert "web.me: revision 1 of set shop is in force, and was revision 1 of set default" in said
    assert fleet.container("web.me")["HostConfig"]["Memory"] == 64 << 20

    fleet.run("hold", "other.me", "--until", "1h", "--reason", "its disk is changed")
    fleet.client.remove_container(other["Id"], force=True)
    fleet.run("restart", "web.me")
    (restarted,) = fleet.containers(everything=False)
    assert restarted["Name"].startswith("/me--web--")
    assert restarted["Id"] != before["Id"]
    assert restarted["HostConfig"]["Memory"] == 64 << 20
    fleet.run("hold", "other.me", "--end")
    fleet.run("apply", "--wait")
    ids = {one["Id"] for one in fleet.containers(everything=False)}
    assert len(ids) == 2

    as_next = {"PYTHONPATH": str(next_release), "PYTHONSAFEPATH": "1"}
    if os.environ.get("PYTHONPATH"):
        as_next["PYTHONPATH"] += os.pathsep + os.environ["PYTHONPATH"]
    assert "Nothing to do" in fleet.run(
        "plan", "-", "--set", "shop", "--exit-code", stdin=manifest(WEB), **as_next
    )
    assert "nothing to do" in fleet.run("apply", **as_next)
    assert "STRICT 2 is there, and other.me, web.me have an older one" in fleet.run(
        "status", **as_next
    )
    said = fleet.run("upgrade", "--set", "shop", **as_next)
    assert "strict 1 -> 2" in said
    assert "keyring shared -> private" in said
    assert {one["Id"] for one in fleet.containers(everything=False)} & ids, "the other set stays"
    assert fleet.container("web.me")["HostConfig"]["Memory"] == 64 << 20
    assert "nothing to do" in fleet.run("apply", **as_next)
