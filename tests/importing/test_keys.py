"""Every key of the Compose specification is carried or answered; none is dropped without a word.

`specification.txt` lists the keys of the specification as Compose 2.40 has it: `*` stands for a
name, `[]` for an item of a list.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestr8.errors import ManifestError
from orchestr8.importing import keys
from orchestr8.importing.compose import imported
from orchestr8.importing.model import Absent, Imported, Project

PATHS = (Path(__file__).parent / "specification.txt").read_text("utf-8").split()
FILES = {
    "app.env": b"A=1\nB='2'\n",
    "app.toml": b"x = 1\n",
    "base.yaml": b"services: {base: {image: other, environment: {BASE: 1}}, app: {user: '7'}}",
    "sub/more.yaml": b"services: {more: {image: 'more:${V:-0}'}}",
    "sub/.env": b"V=1",
    "other/.env": b"V=2",
    "vars.env": b"V=3",
}
NAMES = {
    "services": "app", "networks": "net", "volumes": "data", "secrets": "key", "configs": "conf",
    "models": "llm", "depends_on": "db",
}  # fmt: skip
BASE: dict[str, Any] = {
    "services": {
        "app": {"image": "app:1", "cpu_quota": "25000"},
        "db": {"image": "postgres:16"},
        "user": {"image": "user:1", "secrets": ["key"], "configs": ["conf"]},
        "keeper": {"image": "keeper:1", "volumes": ["data:/data"]},
    },
    "networks": {"net": {}},
    "volumes": {"data": {}},
    "secrets": {"key": {}},
    "configs": {"conf": {}},
}
BESIDE: dict[str, Any] = {
    "include.[]": {"path": "sub/more.yaml"},
    "services.*.blkio_config.device_read_bps.[]": {"path": "/dev/sda", "rate": "1mb"},
    "services.*.blkio_config.device_write_bps.[]": {"path": "/dev/sda", "rate": "1mb"},
    "services.*.build": {"context": "."},
    "services.*.configs.[]": {"source": "conf"},
    "services.*.deploy": {"replicas": 2},
    "services.*.devices.[]": {"source": "/dev/fuse"},
    "services.*.env_file.[]": {"path": "app.env"},
    "services.*.extends": {"service": "db"},
    "services.*.healthcheck": {"test": ["CMD", "true"]},
    "services.*.ports.[]": {"target": 80, "published": "8080"},
    "services.*.secrets.[]": {"source": "key"},
    "services.*.volumes.[]": {"type": "volume", "source": "data", "target": "/data"},
    "services.*.volumes.[].tmpfs": {"size": "1m"},
    "volumes.*": {},
}
"""What has to stand beside a key for it to mean anything."""

READ: dict[str, Any] = {
    "configs": {"conf": {"file": "./app.toml"}},
    "configs.*.content": "x",
    "configs.*.environment": "X",
    "configs.*.file": "./app.toml",
    "include": ["sub/more.yaml"],
    "include.[].env_file": "vars.env",
    "include.[].path": "base.yaml",
    "include.[].project_directory": "other",
    "networks": {"net": {"driver_opts": {"a": "b"}}},
    "secrets": {"key": {}, "other": {}},
    "secrets.*.environment": "X",
    "secrets.*.file": "./key.txt",
    "services": {"app": {"image": "app:2"}},
    "services.*.blkio_config": {"weight": 5},
    "services.*.blkio_config.device_read_bps": [{"path": "/dev/sda", "rate": "1mb"}],
    "services.*.blkio_config.device_read_bps.[].rate": "2mb",
    "services.*.blkio_config.device_read_iops": [{"path": "/dev/sda", "rate": 1}],
    "services.*.blkio_config.device_write_bps": [{"path": "/dev/sda", "rate": "1mb"}],
    "services.*.blkio_config.device_write_bps.[].rate": "2mb",
    "services.*.blkio_config.device_write_iops": [{"path": "/dev/sda", "rate": 1}],
    "services.*.blkio_config.weight": 5,
    "services.*.blkio_config.weight_device": [{"path": "/dev/sda", "weight": 1}],
    "services.*.build": "./app",
    "services.*.build.args": {"A": "1"},
    "services.*.build.context": "./app",
    "services.*.build.dockerfile": "Other",
    "services.*.build.target": "dev",
    "services.*.cap_add": ["CHOWN"],
    "services.*.cgroup": "host",
    "services.*.command": "run",
    "services.*.configs": ["conf"],
    "services.*.configs.[].gid": "1",
    "services.*.configs.[].mode": "0400",
    "services.*.configs.[].source": "other",
    "services.*.configs.[].target": "/other",
    "services.*.configs.[].uid": "1",
    "services.*.container_name": "box",
    "services.*.cpu_count": 2,
    "services.*.cpu_period": "50000",
    "services.*.cpu_quota": "50000",
    "services.*.cpus": 0.5,
    "services.*.depends_on": ["db"],
    "services.*.depends_on.*.condition": "service_completed_successfully",
    "services.*.depends_on.*.required": False,
    "services.*.depends_on.*.restart": True,
    "services.*.deploy": {"replicas": 3},
    "services.*.deploy.mode": "global",
    "services.*.deploy.replicas": 3,
    "services.*.deploy.resources": {"limits": {"memory": "1g"}},
    "services.*.deploy.resources.limits": {"memory": "1g"},
    "services.*.deploy.resources.limits.cpus": "2",
    "services.*.deploy.resources.limits.memory": "1g",
    "services.*.deploy.resources.limits.pids": 7,
    "services.*.deploy.resources.reservations": {"memory": "1g"},
    "services.*.deploy.resources.reservations.cpus": "0.1",
    "services.*.deploy.resources.reservations.devices": [{"capabilities": ["gpu"]}],
    "services.*.deploy.resources.reservations.generic_resources": [{"discrete_resource_spec": {}}],
    "services.*.deploy.resources.reservations.memory": "1g",
    "services.*.deploy.restart_policy": {"condition": "none"},
    "services.*.deploy.restart_policy.condition": "none",
    "services.*.deploy.restart_policy.delay": "5s",
    "services.*.deploy.restart_policy.max_attempts": 3,
    "services.*.deploy.restart_policy.window": "5s",
    "services.*.deploy.update_config": {"order": "stop-first"},
    "services.*.deploy.update_config.delay": "1s",
    "services.*.deploy.update_config.failure_action": "pause",
    "services.*.deploy.update_config.max_failure_ratio": 0.1,
    "services.*.deploy.update_config.monitor": "1s",
    "services.*.deploy.update_config.order": "stop-first",
    "services.*.deploy.update_config.parallelism": 2,
    "services.*.devices": ["/dev/fuse"],
    "services.*.devices.[].permissions": "r",
    "services.*.devices.[].source": "/dev/kvm",
    "services.*.devices.[].target": "/dev/other",
    "services.*.entrypoint": ["run"],
    "services.*.env_file": "app.env",
    "services.*.env_file.[].format": "raw",
    "services.*.env_file.[].path": "vars.env",
    "services.*.environment": {"A": "1"},
    "services.*.expose": ["80"],
    "services.*.extends": {"file": "base.yaml", "service": "base"},
    "services.*.extends.file": "base.yaml",
    "services.*.extends.service": "keeper",
    "services.*.healthcheck": {"test": "true"},
    "services.*.healthcheck.disable": True,
    "services.*.healthcheck.interval": "5s",
    "services.*.healthcheck.retries": 7,
    "services.*.healthcheck.start_interval": "5s",
    "services.*.healthcheck.start_period": "5m",
    "services.*.healthcheck.test": ["CMD", "other"],
    "services.*.healthcheck.timeout": "7s",
    "services.*.hostname": "other",
    "services.*.image": "app:7",
    "services.*.init": True,
    "services.*.ipc": "host",
    "services.*.links": ["db"],
    "services.*.mem_limit": "1g",
    "services.*.mem_reservation": "1g",
    "services.*.network_mode": "host",
    "services.*.networks": {"net": {"priority": 1}},
    "services.*.networks.*.aliases": ["other"],
    "services.*.networks.*.driver_opts": {"a": "b"},
    "services.*.networks.*.gw_priority": 1,
    "services.*.networks.*.interface_name": "eth7",
    "services.*.networks.*.ipv4_address": "10.0.0.1",
    "services.*.networks.*.ipv6_address": "fd00::1",
    "services.*.networks.*.link_local_ips": ["169.254.1.1"],
    "services.*.networks.*.mac_address": "02:42:ac:11:00:02",
    "services.*.networks.*.priority": 1,
    "services.*.pid": "host",
    "services.*.pids_limit": 7,
    "services.*.ports": ["8080:80"],
    "services.*.ports.[].app_protocol": "http",
    "services.*.ports.[].host_ip": "10.0.0.1",
    "services.*.ports.[].mode": "host",
    "services.*.ports.[].name": "web",
    "services.*.ports.[].protocol": "udp",
    "services.*.ports.[].published": "8081",
    "services.*.ports.[].target": 81,
    "services.*.privileged": True,
    "services.*.profiles": ["debug"],
    "services.*.read_only": True,
    "services.*.restart": "always",
    "services.*.scale": 2,
    "services.*.secrets": ["key"],
    "services.*.secrets.[].gid": "1",
    "services.*.secrets.[].mode": "0400",
    "services.*.secrets.[].source": "other",
    "services.*.secrets.[].target": "other",
    "services.*.secrets.[].uid": "1",
    "services.*.security_opt": ["seccomp:unconfined"],
    "services.*.shm_size": "1g",
    "services.*.stop_grace_period": "5s",
    "services.*.stop_signal": "SIGINT",
    "services.*.tmpfs": "/x",
    "services.*.user": "7",
    "services.*.userns_mode": "host",
    "services.*.uts": "host",
    "services.*.volumes": ["data:/data"],
    "services.*.volumes.[].bind": {"propagation": "shared"},
    "services.*.volumes.[].bind.propagation": "shared",
    "services.*.volumes.[].bind.recursive": "disabled",
    "services.*.volumes.[].bind.selinux": "z",
    "services.*.volumes.[].consistency": "cached",
    "services.*.volumes.[].read_only": True,
    "services.*.volumes.[].source": "other",
    "services.*.volumes.[].target": "/other",
    "services.*.volumes.[].tmpfs": {"mode": 511},
    "services.*.volumes.[].tmpfs.mode": 511,
    "services.*.volumes.[].type": "image",
    "services.*.volumes.[].volume": {"nocopy": True},
    "services.*.volumes.[].volume.labels": {"a": "b"},
    "services.*.volumes.[].volume.nocopy": True,
    "services.*.volumes.[].volume.subpath": "x",
    "services.*.working_dir": "/srv",
    "volumes": {"data": {}, "other": {}},
    "volumes.*.driver": "nfs",
}
"""A value of each key that a module reads, unlike what holds without it."""

SILENT = {
    "services.*.blkio_config.device_read_bps.[].path": "the rate is said to hold for all disks",
    "services.*.blkio_config.device_write_bps.[].path": "the rate is said to hold for all disks",
    "services.*.blkio_config.device_read_iops.[].path": "the whole list is answered",
    "services.*.blkio_config.device_read_iops.[].rate": "the whole list is answered",
    "services.*.blkio_config.device_write_iops.[].path": "the whole list is answered",
    "services.*.blkio_config.device_write_iops.[].rate": "the whole list is answered",
    "services.*.blkio_config.weight_device.[].path": "the whole list is answered",
    "services.*.blkio_config.weight_device.[].weight": "the whole list is answered",
    "services.*.env_file.[].required": "a file that is there is read either way",
    "services.*.volumes.[].bind.create_host_path": "a folder of the host is refused either way",
    "services.*.volumes.[].image": "a mount of that kind is answered as a whole",
    "services.*.volumes.[].image.subpath": "a mount of that kind is answered as a whole",
    "services.*.volumes.[].tmpfs.size": "read where the mount is a tmpfs; see the cases",
    **{
        path: "the whole list is answered"
        for path in PATHS
        if path.startswith("services.*.deploy.resources.reservations.") and ".[]" in path
    },
}
"""Keys that make no difference by themselves, and why nothing is lost by that."""


def answer(path: str) -> tuple[str, str]:
    """`read` or the kind of finding that answers a key, and which key's answer that is."""
    part, *rest = path.split(".")
    table = keys.PARTS.get(part, {})
    if not rest or table is None or part not in keys.PARTS:
        return _kind(keys.TOP[part]), part
    for length in range(len(rest), 1, -1):
        known = ".".join(rest[1:length])
        if known in table:
            found = table[known]
            below = rest[length:]
            has_parts = any(name.startswith(f"{known}.") for name in table)
            assert not (below and has_parts and found.kind is None), f"{path} is not in the table"
            return _kind(found), ".".join([part, "*", known])
    raise AssertionError(f"{path} is not in the table")


def _kind(found: keys.Answer) -> str:
    return "read" if found.kind is None else found.kind.name


def document(path: str, value: Any) -> dict[str, Any]:
    """The smallest project in which a key means something, with the key; without it for `...`."""
    made: dict[str, Any] = json.loads(json.dumps(BASE))
    at: Any = made
    parts = path.split(".")
    for index, part in enumerate(parts[:-1]):
        above, below = ".".join(parts[: index + 1]), parts[index + 1]
        key: Any = NAMES[parts[index - 1]] if part == "*" else 0 if part == "[]" else part
        empty: Any = [None] if below == "[]" else {}
        if isinstance(at, list):
            at[0] = at[0] or dict(BESIDE.get(above, {}))
        elif not at.get(key):
            at[key] = dict(BESIDE.get(above, {})) if empty == {} else empty
        at = at[key]
    if value is not ...:
        at[parts[-1]] = value
    return made


def outcome(made: dict[str, Any]) -> Imported:
    """What a project makes; the problem as its text where it cannot be read."""

    def read(path: str) -> bytes | Absent:
        found = json.dumps(made).encode() if path == "compose.yaml" else FILES.get(path)
        return Absent.MISSING if found is None else found

    try:
        return imported(Project(("compose.yaml",), "me", read), "manifest.yaml")
    except ManifestError as error:
        return Imported(error.problems[0].what, ())


def said(found: Imported) -> tuple[str, set[tuple[str, ...]]]:
    """The text and the findings without their columns, which any key moves."""
    return found.text, {(o.kind.name, o.path, o.what, o.nearest) for o in found.findings}


@pytest.mark.parametrize("path", PATHS)
def test_a_key_is_in_the_table(path: str) -> None:
    assert answer(path)


@pytest.mark.parametrize("path", [path for path in PATHS if path not in SILENT])
def test_no_key_is_dropped_without_a_word(path: str) -> None:
    kind, answered = answer(path)
    is_read = kind == "read"
    path = path if is_read else answered
    assert not is_read or path in READ, "give it a sample"
    value = READ[path] if is_read else {"a": "b"} if path.endswith("s") else "x"
    with_key, without = outcome(document(path, value)), outcome(document(path, ...))
    assert said(with_key) != said(without)


WRONG = (
    None, "", 7, "a b 'c", "99999999999999999999", [["x"]], [None], {"a": {"b": {"c": ["d"]}}},
)  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=json.dumps)
def test_whatever_a_key_holds_the_manifest_is_valid(wrong: Any) -> None:
    """What Compose would refuse, too, is answered; it neither stops the import nor gets through."""
    for path in PATHS:
        try:
            made = document(path, wrong)
        except (KeyError, TypeError):
            continue  # what stands above cannot hold it
        found = outcome(made)
        assert [one for one in found.findings if one.place.file == "manifest.yaml"] == [], path


def test_an_unknown_key_is_said() -> None:
    found = outcome(document("services.*.comand", "x"))
    assert any('no key "comand"' in one.what for one in found.findings)


def test_other_programs_keys_are_theirs() -> None:
    assert said(outcome(document("x-mine", {"a": "b"}))) == said(outcome(BASE))


@pytest.mark.parametrize(
    ("mounts", "is_shared"),
    [
        (["data:/data"], True),
        (["./app.toml:/etc/app.toml", "/srv/x:/x"], False),
        (["/nameless"], False),
        ([{"type": "tmpfs", "target": "/x"}], False),
    ],
)
def test_copies_that_shared_a_volume_are_told_that_they_do_not(
    mounts: list[Any], is_shared: bool
) -> None:
    for path in ("services.*.scale", "services.*.deploy.replicas"):
        made = document(path, 3)
        made["services"]["app"]["volumes"] = mounts
        told = [one for one in outcome(made).findings if "volume of its own" in one.what]
        assert bool(told) is is_shared


def test_no_line_of_these_tables_is_surplus() -> None:
    assert set(READ) - set(PATHS) == set()
    assert set(SILENT) - set(PATHS) == set()
    assert {path for path in READ if answer(path)[0] != "read"} == set()
