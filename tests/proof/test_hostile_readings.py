"""A workload shapes its reading: nothing in it makes the proof raise, or steers a terminal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from orchestr8.proof import show
from orchestr8.proof.model import Reading, TaskReading, Verdict
from orchestr8.proof.prove import prove
from tests.proof.cases import pair_of, recorded

EXPECTATION, READING = pair_of(recorded()["base"])
_KEYS = sorted(READING.tasks[0].status)

texts = st.one_of(
    st.text(max_size=30), st.sampled_from(["0", "-1", "max", "", " ", "0 0 0", "\x1b["])
)
statuses = st.fixed_dictionaries({}, optional=dict.fromkeys(_KEYS, texts))
tasks = st.builds(
    replace,
    st.just(READING.tasks[0]),
    comm=texts,
    status=statuses,
    uid_map=texts,
    gid_map=texts,
    program=st.none() | texts,
    descriptors=st.dictionaries(st.integers(0, 9), texts, max_size=3),
    limits=st.dictionaries(st.sampled_from(["core", "nofile"]), st.tuples(texts, texts)),
)
mounts = st.builds(
    replace,
    st.sampled_from(READING.mounts),
    target=texts,
    root=texts,
    options=st.frozensets(texts, max_size=3),
    super_options=st.frozensets(texts, max_size=3),
    optional=st.lists(texts, max_size=2).map(tuple),
)
readings = st.builds(
    replace,
    st.just(READING),
    tasks=st.lists(tasks, max_size=3).map(tuple),
    mounts=st.lists(mounts, max_size=4).map(tuple),
    cgroup=st.dictionaries(
        st.sampled_from(["memory.max", "cpu.max", "pids.max", "devices.list"]), texts
    ),
    cgroup_path=texts,
    devices=st.none() | st.lists(texts.map(lambda t: f"{t} c 1:3"), max_size=2).map(tuple),
    interfaces=st.none() | st.lists(texts, max_size=3).map(tuple),
    addresses=st.none() | st.lists(texts, max_size=3).map(tuple),
    sysctls=st.dictionaries(texts, texts, max_size=2),
    hostname=st.none() | texts,
    failures=st.dictionaries(texts, texts, max_size=2),
)


@settings(max_examples=150)
@given(readings, readings)
def test_no_reading_makes_the_proof_raise(reading: Reading, other: Reading) -> None:
    neighbour = replace(EXPECTATION, id=EXPECTATION.id._replace(serial=9))
    proof = prove(EXPECTATION, reading, [(neighbour, other)])
    for line in show.table(proof):
        assert line.isprintable()


@pytest.mark.parametrize("name", [item.name for item in fields(Reading)])
def test_what_is_missing_from_a_reading_never_helps(name: str) -> None:
    default = {"boot_id": "", "tasks": (), "host_namespaces": {}}
    items = {item.name: item for item in fields(Reading)}
    blank: Any = default[name] if name in default else _blank(items[name])
    proof = prove(EXPECTATION, replace(READING, **{name: blank}))
    assert (proof.verdict is not Verdict.HELD) == (name in _NEEDED)


_NEEDED = {
    "tasks", "strays", "mounts", "cgroup", "owner_cgroup", "cgroup_path", "masked", "read_only",
    "devices", "host_devices", "interfaces", "addresses", "sysctls", "hostname", "network",
    "host_parameters", "architecture",
}  # fmt: skip


@pytest.mark.parametrize("name", [item.name for item in fields(TaskReading)])
def test_what_is_missing_from_a_task_never_helps(name: str) -> None:
    items = {item.name: item for item in fields(TaskReading)}
    required = {"pid": 1, "start_time": 0, "comm": "", "status": {}, "namespaces": {}}
    blank: Any = required[name] if name in required else _blank(items[name])
    proof = prove(
        EXPECTATION, replace(READING, tasks=(replace(READING.tasks[0], **{name: blank}),))
    )
    optional = {"pid", "start_time", "comm", "thread_of", "security_label", "descriptor_mounts",
                "filters"}  # fmt: skip
    if name not in optional:
        assert proof.verdict is not Verdict.HELD


def _blank(item: Any) -> Any:
    return item.default_factory() if callable(item.default_factory) else item.default
