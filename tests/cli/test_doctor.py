"""`doctor` works where nothing else does, and names what would mend what is missing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestr8.cli.checks import Check, Grade, Host
from orchestr8.cli.checkup import host_checks
from orchestr8.cli.crun_checkup import bridges_in_use, crun_checks, judged
from orchestr8.cli.mending import mend, offered
from orchestr8.controller.settings import Settings
from orchestr8.errors import UsageError
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


def _made(root: Path, engine: str, files: Mapping[str, str]) -> Host:
    """A host that consists of these files alone."""
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings = Settings(root / "state", root / "run", root / "secrets", engine, "ann")
    return Host(settings, {"PATH": os.environ["PATH"]}, root)


def _host(root: Path, **files: str) -> dict[str, Check]:
    """The checks of such a host."""
    return {check.subject: check for check in host_checks(_made(root, "memory", files))}


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


def test_only_bridges_with_boxes_on_them_can_be_closed_to(tmp_path: Path) -> None:
    for name in ("o8-00000000/brif", "o8-11111111/brif/o8v1", "o8-22222222", "docker0/brif/veth1"):
        (tmp_path / "sys/class/net" / name).mkdir(parents=True)
    assert bridges_in_use(Host(Settings.from_environment(), {}, tmp_path)) == ["o8-11111111"]


def test_selinux_counts_where_it_enforces(tmp_path: Path) -> None:
    found = _host(tmp_path, sys__fs__selinux__enforce="1")
    assert found["SELinux"].grade is Grade.GOOD
    assert "not tried" in found["SELinux"].seen
    found = _host(tmp_path, sys__fs__selinux__enforce="0")
    assert (found["SELinux"].grade, found["SELinux"].mend) == (Grade.LIMITED, "setenforce 1")


def _checks(folder: Path, command: str = "") -> tuple[Check, ...]:
    mend = command or f"chmod 700 {folder}"
    return (
        Check("kernel", Grade.GOOD, "Linux"),
        Check("secrets", Grade.LIMITED, "open to all", mend, safe=True),
        Check("again", Grade.LIMITED, "the same command", mend, safe=True),
        Check("live-restore", Grade.LIMITED, "somebody's choice", f"touch {folder}/not-ours"),
    )


def test_only_safe_commands_are_offered_and_each_once(tmp_path: Path) -> None:
    assert [one.subject for one in offered(_checks(tmp_path))] == ["again"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mends")
def test_what_is_agreed_to_is_mended_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o755)
    assert mend(_checks(tmp_path), agreed=True) == 0
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []
    assert f"chmod 700 {tmp_path}" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mends")
def test_what_fails_is_said_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failing = "echo first >&2; echo it has no such package >&2; exit 100"
    assert mend(_checks(tmp_path, failing), agreed=True) == 1
    assert "failed    again: it has no such package" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mends")
def test_nothing_is_done_where_nobody_can_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    with (
        Path("/dev/null").open() as nobody,
        pytest.raises(UsageError, match="nobody is here") as it,
    ):
        monkeypatch.setattr("sys.stdin", nobody)
        mend(_checks(tmp_path), agreed=False)
    assert "--yes" in it.value.remedy
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_yes_goes_with_fix_alone(console: Console) -> None:
    for words in (["--yes"], ["--fix", "--output", "json"]):
        answer = console.run("doctor", "--engine", "memory", *words)
        assert answer.status == 2
        assert "doctor --fix" in answer.errors + answer.output


def _crun_host(root: Path, **files: str) -> dict[str, Check]:
    """What the engine crun checks of such a host."""
    return {check.subject: check for check in crun_checks(_made(root, "crun", files))}


def test_the_mixture_that_crun_refuses_has_a_command(tmp_path: Path) -> None:
    (tmp_path / "sys/fs/cgroup/memory").mkdir(parents=True)
    unified = "sys__fs__cgroup__unified__cgroup_dot_controllers"
    found = _crun_host(tmp_path, **{unified: "cpuset hugetlb"})["cgroups v1"]
    assert (found.grade, found.safe) == (Grade.BAD, True)
    assert "mount -t cgroup -o hugetlb" in found.mend
    assert "cgroups v1" not in _crun_host(tmp_path, **{unified: "cpuset"})


@pytest.mark.parametrize("options, said", [("rw", True), ("rw,favordynmods", False)])
def test_slow_moves_between_groups_are_said(tmp_path: Path, options: str, said: bool) -> None:
    mounts = f"proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 {options} 0 0\n"
    found = _crun_host(tmp_path, proc__mounts=mounts)
    assert ("cgroups v2" in found) is said
    assert not said or not found["cgroups v2"].safe


def test_a_host_of_systemd_hands_groups_over(tmp_path: Path) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    controllers = {"sys__fs__cgroup__cgroup_dot_controllers": "cpu memory pids"}
    assert "delegation" in _crun_host(tmp_path, **controllers)
    assert "delegation" not in _crun_host(tmp_path / "other", **controllers)


@pytest.mark.parametrize(
    "version, grade, said",
    [
        ("1.8", Grade.BAD, "too old"),
        ("1.8.1", Grade.LIMITED, "CVE-2025-24965"),
        ("1.19.1", Grade.LIMITED, "below 1.20"),
        ("1.20", Grade.GOOD, "crun 1.20"),
        ("2.0.1", Grade.GOOD, "crun 2.0.1"),
    ],
)
def test_old_runtimes_are_refused_or_warned_of(version: str, grade: Grade, said: str) -> None:
    found = judged(f"crun version {version}\ncommit: abc\n")
    assert found.grade is grade
    assert said in found.seen
