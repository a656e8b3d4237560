"""`doctor` works where nothing else does, and names what would mend what is missing."""

from __future__ import annotations

import os
from pathlib import Path

from orchestr8.cli.checkup import Check, Grade, Host, examine
from orchestr8.controller.settings import Settings
from tests.cli.console import Console


def test_without_an_engine(console: Console) -> None:
    answer = console.run("doctor")
    assert answer.status == 1
    lines = answer.output.splitlines()
    assert lines[0].startswith("blocked  engine")
    assert "no Docker Engine answers" in lines[0]
    assert lines[1].strip().startswith("mend it:")
    assert "boxes cannot run here: " in lines[-1]
    assert console.left_behind == []


def test_with_the_simulated_one(console: Console) -> None:
    answer = console.run("doctor", "--engine", "memory")
    assert "gaps: what STRICT asks and memory cannot carry here" in answer.output
    assert "ns.user" in answer.output
    assert console.left_behind == []


def test_as_json(console: Console) -> None:
    answer = console.run("doctor", "--engine", "memory", "--output", "json")
    document = answer.document
    assert document["kind"] == "doctor"
    assert document["engine"] == "memory"
    assert "ns.user" in document["gaps"]
    for check in document["checks"]:
        assert check["grade"] in ("ok", "limited", "blocked")
        assert check["grade"] == "ok" or check["mend"], check


def test_a_remote_engine(console: Console) -> None:
    answer = console.run("doctor", DOCKER_HOST="tcp://192.0.2.1:2375")
    assert answer.status == 1
    assert "a Docker Engine on another machine" in answer.output


def test_an_unknown_engine_is_a_usage_error(console: Console) -> None:
    answer = console.run("doctor", "--engine", "podman")
    assert answer.status == 2
    assert 'there is no engine "podman"' in answer.errors


def _host(root: Path, **files: str) -> dict[str, Check]:
    """The checks of a host that consists of these files alone."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings = Settings(root / "state", root / "run", root / "secrets", "memory", "ann")
    checks = examine(Host(settings, {"PATH": os.environ["PATH"]}, root))
    return {check.subject: check for check in checks}


def test_cgroups_of_version_2(tmp_path: Path) -> None:
    controllers = {"sys__fs__cgroup__cgroup_dot_controllers": "cpuset cpu io memory pids"}
    found = _host(tmp_path, **controllers)["cgroups"]
    assert found.grade is Grade.GOOD
    assert found.seen == "version 2 (cpu, cpuset, io, memory, pids)"


def test_cgroups_without_a_controller(tmp_path: Path) -> None:
    found = _host(tmp_path, sys__fs__cgroup__cgroup_dot_controllers="cpu pids")["cgroups"]
    assert found.grade is Grade.BAD
    assert "without memory" in found.seen
    assert "cgroup.subtree_control" in found.mend


def test_cgroups_of_version_1(tmp_path: Path) -> None:
    for name in ("cpu", "memory", "pids", "unified"):
        (tmp_path / "sys/fs/cgroup" / name).mkdir(parents=True)
    found = _host(tmp_path)["cgroups"]
    assert found.grade is Grade.LIMITED
    assert found.seen.startswith("version 1 beside an empty version 2")


def test_the_bridge_filter_and_the_security_module(tmp_path: Path) -> None:
    found = _host(tmp_path)
    assert found["bridge filter"].grade is Grade.BAD
    assert found["bridge filter"].mend.startswith("modprobe br_netfilter")
    assert found["AppArmor"].grade is Grade.LIMITED
    files = {
        "proc__sys__net__bridge__x": "1",
        "sys__module__apparmor__parameters__enabled": "Y\n",
        "proc__sys__net__ipv4__ip_forward": "1\n",
    }
    found = _host(tmp_path, **files)
    assert found["bridge filter"].grade is Grade.GOOD
    assert found["AppArmor"].grade is Grade.GOOD
    assert "forwarding" not in found
