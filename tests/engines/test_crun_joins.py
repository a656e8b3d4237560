"""Boxes in another one's namespaces on crun: what both see, and what neither may do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.world import ObservedBox, State
from orchestr8.engines.crun.borders import crun_borders
from orchestr8.engines.crun.machine import found_tools
from orchestr8.errors import RejectedError
from orchestr8.proof.model import Expectation, Reading, Verdict
from orchestr8.proof.prove import prove_all
from tests.conformance.crun import CrunBench, ready_crun
from tests.conformance.programs import Contents
from tests.scenarios.fleet import eventually

pytestmark = pytest.mark.on_engine("crun")

KINDS = ("ipc", "net", "pid")
ALONE = ("cgroup", "mnt", "time", "user", "uts")
PEER = "front.data"


@pytest.fixture(scope="module")
def engine() -> Iterator[CrunBench]:
    with ready_crun() as made:
        yield made


@pytest.fixture
def bench(engine: CrunBench) -> Iterator[CrunBench]:
    yield engine
    engine.clear()


def joining(bench: CrunBench, *kinds: str, program: str = "wait") -> tuple[Box, Box]:
    """A box that runs, and one that joins it."""
    first = bench.box(owner="data", networked=True)
    second = bench.box(program, **dict.fromkeys(kinds, PEER))
    bench.run(first)
    second = replace(second, joins=tuple((kind, first.id) for kind in kinds))
    bench.run(second)
    return first, second


def namespaces(found: ObservedBox) -> dict[str, str]:
    folder = Path(f"/proc/{found.pid}/ns")
    return {one.name: str(one.readlink()) for one in folder.iterdir()}


def inside(bench: CrunBench, made: Box, code: str) -> Any:
    """What Python in a box finds."""
    command = ("/usr/bin/python3", "-I", "-c", f"import json, os\nprint(json.dumps({code}))")
    done = bench.boxes.execute(made.id, command)
    assert done.exit_status == 0, done
    return json.loads(done.stdout)


def attempt(bench: CrunBench, made: Box, code: str) -> bytes:
    """What keeps Python in a box from something: the exception's name; empty if nothing did."""
    words = (
        f"import ctypes, os, signal\ntry:\n    {code}\nexcept OSError as e: print(type(e).__name__)"
    )
    done = bench.boxes.execute(made.id, ("/usr/bin/python3", "-I", "-c", words))
    assert done.exit_status == 0, done
    return bytes(done.stdout).strip()


def pair(bench: CrunBench, made: Box) -> tuple[Expectation, Reading]:
    expectation = Expectation(
        id=made.id,
        slot=made.slot,
        spec=made.spec,
        limits=made.limits,
        quota=bench.borders.owners.quotas()[made.id.owner],
        address=made.address,
        volumes={},
        features=bench.boxes.features(),
        joins=made.joins,
        elements=frozenset(),
    )
    reading = bench.borders.witness.read(made.id, bench.see(made).pid or 0)
    return expectation, replace(reading, network=bench.borders.network.observe())


@pytest.mark.parametrize("kinds", [*((kind,) for kind in KINDS), KINDS], ids="-".join)
def test_both_have_what_was_granted_and_nothing_else(
    bench: CrunBench, kinds: tuple[str, ...]
) -> None:
    before = bench.footprint()
    first, second = joining(bench, *kinds)
    theirs, mine = namespaces(bench.see(first)), namespaces(bench.see(second))
    assert {kind for kind in (*KINDS, *ALONE) if theirs[kind] == mine[kind]} == set(kinds)
    seen = inside(bench, second, "{n: os.readlink(f'/proc/self/ns/{n}') for n in "
                                 f"{(*KINDS, *ALONE)}}}")  # fmt: skip
    assert seen.items() <= mine.items(), "a command is in the same"
    for proof in prove_all([pair(bench, first), pair(bench, second)]):
        assert [one for one in proof.findings if one.verdict is not Verdict.HELD] == []
    bench.clear()
    assert bench.footprint() == before


def test_a_box_that_nobody_let_in_is_seen(bench: CrunBench) -> None:
    first, second = joining(bench, *KINDS)
    told, reading = pair(bench, second)
    secret = replace(told, joins=(), spec=replace(told.spec, profile=first.spec.profile))
    for proof in prove_all([pair(bench, first), (secret, reading)]):
        broken = {one.claim for one in proof.findings if one.verdict is Verdict.BROKEN}
        assert "alone.namespaces" in broken


def test_shared_memory_is_one(bench: CrunBench) -> None:
    first, second = joining(bench, "ipc")
    inside(bench, second, "open('/dev/shm/told', 'w').write('of the second')")
    assert inside(bench, first, "open('/dev/shm/told').read()") == "of the second"
    assert inside(bench, first, "open('/dev/shm/told', 'w').write('of the first')")
    assert inside(bench, second, "open('/dev/shm/told').read()") == "of the first"


def test_a_network_is_one(bench: CrunBench) -> None:
    first, second = joining(bench, "net")
    names = "sorted(os.listdir('/sys/class/net'))"
    assert "eth0" in inside(bench, first, names)
    assert inside(bench, first, names) == inside(bench, second, names)
    assert attempt(bench, second, "open('/sys/class/net/lo/mtu', 'w')") == b"OSError"


def test_processes_are_seen_and_not_touched(bench: CrunBench) -> None:
    """Each keeps ids of its own, so seeing is all; its peer's first task is number 1."""
    first, second = joining(bench, "pid")
    assert inside(bench, second, "open('/proc/1/comm').read()") == "probe\n"
    assert {"1", "2"} <= set(inside(bench, first, "os.listdir('/proc')"))
    for code in (
        "os.kill(1, signal.SIGKILL)", "os.listdir('/proc/1/root')", "open('/proc/1/environ')",
        "open('/proc/1/mem', 'rb')", "os.listdir('/proc/1/fd')", "open('/proc/sysrq-trigger', 'w')",
        "open('/proc/sys/kernel/core_pattern', 'w')", "os.pidfd_send_signal(os.pidfd_open(1), 9)"
        if hasattr(os, "pidfd_send_signal") else "signal.pidfd_send_signal(os.pidfd_open(1), 9)",
    ):  # fmt: skip
        assert attempt(bench, second, code), code
    assert bench.see(first).state.runs


def test_what_a_box_leaves_in_anothers_processes_ends_with_it(bench: CrunBench) -> None:
    before = bench.footprint()
    first, second = joining(bench, "pid")
    inside(bench, second, "'left' if os.fork() else (os.setsid(), os.closerange(0, 3), "
                          "os.execv('/usr/bin/sleep', ['sleep', '3600']))")  # fmt: skip
    # cat, since what was listed may be gone when it is read
    listed = "os.popen('cat /proc/[0-9]*/stat 2>/dev/null')"
    seen = f"[line.split()[1:3] for line in {listed}]"
    left = ["(sleep)", "S"]
    eventually(lambda: left in inside(bench, first, seen), 60)
    bench.boxes.stop(second.id, "SIGTERM", 10_000)
    assert left not in inside(bench, first, seen)
    bench.boxes.remove(second.id)
    bench.clear()
    assert bench.footprint() == before


def test_it_ends_with_the_one_whose_processes_it_joins(bench: CrunBench) -> None:
    first, second = joining(bench, "pid")
    bench.boxes.stop(first.id, "SIGKILL", 0)
    eventually(lambda: bench.see(second).state is State.STOPPED, 60)
    assert bench.see(second).exit_status == 137


def test_a_runtime_that_shows_the_hosts_sys_is_found_out(bench: CrunBench, tmp_path: Path) -> None:
    """The sysfs trap: in a network namespace that is not the box's own, crun binds the host's /sys,
    which can be written and has all cgroups below it."""
    trap = tmp_path / "crun"
    trap.write_text(_TRAP.format(crun=found_tools().crun))
    trap.chmod(0o755)
    tmp_path.chmod(0o755)
    tools = replace(found_tools(), crun=str(trap))
    boxes = crun_borders(Contents(), bench.ground, tools).boxes
    before, made = bench.footprint(), bench.box()
    with pytest.raises(RejectedError, match=r"the host's own (sysfs|cgroup.*) at /sys"):
        boxes.create(made)
    assert bench.footprint() == before
    assert bench.boxes.observe([made.id]).boxes == ()


_TRAP = """#!/usr/bin/python3
import json, os, sys
if "create" in sys.argv:
    file = sys.argv[sys.argv.index("--bundle") + 1] + "/config.json"
    document = json.load(open(file))
    for one in document["linux"]["namespaces"]:
        if one["type"] == "network":
            one["path"] = f"/proc/{{os.getppid()}}/ns/net"
    document["linux"]["sysctl"] = {{}}
    json.dump(document, open(file, "w"))
os.execv({crun!r}, [{crun!r}, *sys.argv[1:]])
"""
