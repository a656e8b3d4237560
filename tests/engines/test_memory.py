"""What the memory engine has beyond the promises that it shares: time, faults, workloads, lies."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import Box, DesiredVolume
from orchestr8.boxes.spec import SpecFile, SpecSecret, SpecVolume
from orchestr8.boxes.world import ObservedBox, State
from orchestr8.contract.model import ImageFacts
from orchestr8.engines.memory.clock import FakeClock
from orchestr8.engines.memory.engine import memory_borders
from orchestr8.engines.memory.faults import Fault, When
from orchestr8.engines.memory.machine import Machine, machine_features
from orchestr8.engines.memory.workload import (
    IGNORES_TERM,
    NEVER_HEALTHY,
    Workload,
    dies_at_once,
    dies_of_memory,
    runs_once,
)
from orchestr8.engines.protocol import Borders
from orchestr8.errors import FeatureMissingError, RejectedError, UnavailableError
from orchestr8.isolation import features
from orchestr8.isolation.limits import MIB, Quota
from orchestr8.isolation.profile import Device, HostPath, Scratch
from orchestr8.manifest.model import TcpCheck
from orchestr8.proof.model import Expectation, Verdict
from orchestr8.proof.prove import prove, prove_all
from tests.engines.boxes import IMAGE_ID, UID, box

PROBE = TcpCheck(8080)


@pytest.fixture
def machine() -> Machine:
    made = Machine(clock=FakeClock())
    made.register(ImageFacts("probe:1", IMAGE_ID))
    return made


@pytest.fixture
def borders(machine: Machine) -> Borders:
    made = memory_borders(machine)
    made.network.prepare()
    for owner in ("web", "data"):
        made.owners.ensure(owner, Quota(cpu_millicores=2_000, memory_bytes=1 << 30, pids=900))
    return made


def run(borders: Borders, made: Box) -> ObservedBox:
    borders.boxes.create(made)
    borders.boxes.start(made.id)
    return seen(borders, made)


def seen(borders: Borders, made: Box) -> ObservedBox:
    (found,) = borders.boxes.observe([made.id]).boxes
    return found


def test_time_passes_only_when_somebody_says_so(machine: Machine, borders: Borders) -> None:
    clock = machine.clock
    assert isinstance(clock, FakeClock)
    machine.workloads["front.web"] = runs_once(5_000)
    made = box()
    assert run(borders, made).state.runs
    clock.advance_ms(4_999)
    assert seen(borders, made).state.runs
    clock.advance_ms(10_000)
    ended = seen(borders, made)
    assert (ended.state, ended.exit_status) == (State.STOPPED, 0)
    assert ended.stopped_ms - ended.started_ms == 5_000


def test_the_nth_call_fails_and_had_no_effect(machine: Machine, borders: Borders) -> None:
    machine.faults.order(Fault("boxes.create", UnavailableError("away"), skip=1))
    first, second = box("web--front--1"), box("web--front--2")
    borders.boxes.create(first)
    with pytest.raises(UnavailableError):
        borders.boxes.create(second)
    assert [found.id for found in borders.boxes.observe().boxes] == [first.id]
    borders.boxes.create(second)
    assert len(borders.boxes.observe().boxes) == 2


def test_a_lost_answer_had_its_effect(machine: Machine, borders: Borders) -> None:
    made = box()
    lost = Fault("boxes.create", UnavailableError("no answer"), when=When.AFTER)
    machine.faults.order(lost)
    with pytest.raises(UnavailableError):
        borders.boxes.create(made)
    assert seen(borders, made).state is State.CREATED
    borders.boxes.create(made)


def test_a_fault_meets_only_its_subject(machine: Machine, borders: Borders) -> None:
    machine.faults.order(Fault("*", RejectedError("no"), times=None, subject="web--front--2"))
    borders.boxes.create(box("web--front--1"))
    with pytest.raises(RejectedError):
        borders.boxes.create(box("web--front--2"))
    with pytest.raises(RejectedError):
        borders.boxes.start(box("web--front--2").id)
    machine.faults.clear()
    borders.boxes.create(box("web--front--2"))


def test_every_call_is_recorded(machine: Machine, borders: Borders) -> None:
    machine.faults.calls.clear()
    run(borders, box())
    assert machine.faults.calls == [
        ("boxes.create", "web--front--1"),
        ("boxes.start", "web--front--1"),
        ("boxes.observe", ""),
    ]


@pytest.mark.parametrize(
    ("workload", "status", "out_of_memory"),
    [(dies_at_once(3), 3, False), (dies_of_memory(), 137, True)],
)
def test_workloads_that_die(
    machine: Machine, borders: Borders, workload: Workload, status: int, out_of_memory: bool
) -> None:
    machine.workloads["web--front--1"] = workload
    ended = run(borders, box())
    assert ended.state is State.STOPPED
    assert (ended.exit_status, ended.out_of_memory) == (status, out_of_memory)


def test_health_follows_the_workload(machine: Machine, borders: Borders) -> None:
    clock = machine.clock
    assert isinstance(clock, FakeClock)
    machine.workloads["front.web"] = Workload(healthy_after_ms=500, unhealthy_after_ms=900)
    machine.workloads["back.web"] = NEVER_HEALTHY
    front, back = run(borders, box()), run(borders, box("web--back--1"))
    assert borders.probes.check(front.id, front.pid or 0, PROBE, 100) == (
        "port 8080 refuses connections"
    )
    clock.advance_ms(500)
    assert borders.probes.check(front.id, front.pid or 0, PROBE, 100) == ""
    clock.advance_ms(500)
    assert borders.probes.check(front.id, front.pid or 0, PROBE, 100) != ""
    assert borders.probes.check(back.id, back.pid or 0, PROBE, 100) != ""
    assert borders.probes.check(front.id, 1, PROBE, 100) == "the box does not run"


def test_a_deaf_program_is_ended_after_the_grace(machine: Machine, borders: Borders) -> None:
    machine.workloads["front.web"] = IGNORES_TERM
    made = box()
    before = run(borders, made)
    borders.boxes.stop(made.id, "SIGTERM", 7_000)
    after = seen(borders, made)
    assert after.exit_status == 137
    assert after.stopped_ms - before.started_ms == 7_000


def test_a_reboot_ends_boxes_and_forgets_table_and_cgroups(
    machine: Machine, borders: Borders
) -> None:
    made = box()
    run(borders, made)
    before = borders.boxes.observe().boot_id
    machine.reboot()
    assert seen(borders, made).state is State.STOPPED
    assert borders.boxes.observe().boot_id != before
    assert not borders.network.observe().prepared
    assert borders.owners.quotas() == {}


def test_another_caller_finds_what_the_first_one_left(machine: Machine, borders: Borders) -> None:
    made = box()
    run(borders, made)
    assert seen(memory_borders(machine), made).state.runs


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"image_id": "sha256:" + "9" * 64}, "not present"),
        ({"name": "nobody--front--1"}, "no cgroup"),
        ({"networked": True}, "no address"),
        ({"volumes": (SpecVolume("/data", "gone", owner_uid=UID),)}, "volume gone is not there"),
        ({"memory_max_bytes": 5 * MIB}, "6MiB"),
    ],
)
def test_it_is_as_strict_as_a_real_engine(
    borders: Borders, settings: dict[str, object], words: str
) -> None:
    with pytest.raises(RejectedError, match=words):
        borders.boxes.create(box(**settings))  # type: ignore[arg-type]
    assert borders.boxes.observe().boxes == ()


def test_an_image_cannot_bring_volumes_or_labels_of_ours(
    machine: Machine, borders: Borders
) -> None:
    machine.register(ImageFacts("probe:1", IMAGE_ID, volumes=("/data",)))
    with pytest.raises(RejectedError, match="VOLUME /data"):
        borders.boxes.create(box())
    borders.boxes.create(box("web--front--2", scratch=(Scratch("/data", MIB),)))
    machine.register(ImageFacts("probe:1", IMAGE_ID, labels=(("orchestr8.box", "forged"),)))
    with pytest.raises(RejectedError, match="labels"):
        borders.boxes.create(box())


def test_what_the_machine_lacks_is_refused(machine: Machine, borders: Borders) -> None:
    present = machine.features.present - {features.DEVICES}
    machine.features = replace(machine.features, present=present)
    with pytest.raises(FeatureMissingError, match="device"):
        borders.boxes.create(box(devices=(Device("/dev/fuse"),)))


def test_an_image_is_made_up_only_where_any_will_do(machine: Machine, borders: Borders) -> None:
    assert borders.images.resolve("shop:1") is None
    with pytest.raises(RejectedError):
        borders.images.fetch("shop:1")
    machine.any_image = True
    facts = borders.images.resolve("shop:1")
    assert facts and facts == borders.images.fetch("shop:1")


def expectation(machine: Machine, made: Box) -> Expectation:
    return Expectation(
        id=made.id,
        slot=made.slot,
        spec=made.spec,
        limits=made.limits,
        quota=machine.quotas[made.id.owner],
        address=made.address,
        volumes={v.target: machine.volumes[v.volume].path for v in made.spec.volumes},
        features=machine.features,
        joins=made.joins,
        elements=frozenset(),
    )


RICH = {
    "networked": True,
    "address": "10.231.0.9",
    "files": (SpecFile("/etc/app.toml", "d1"),),
    "secrets": (SpecSecret("password", "d2"),),
    "volumes": (
        SpecVolume("/data", "rows", owner_uid=UID),
        SpecVolume("/in", "rows", True, 70_000),
    ),
    "scratch": (Scratch("/var/cache", 4 * MIB, executable=True),),
    "devices": (Device("/dev/fuse"),),
    "host_paths": (HostPath("/srv/logs", "/logs"),),
    "env": (("A", "1"),),
}


@pytest.mark.parametrize(
    "also",
    [(), (features.NS_USER,), (features.NS_TIME, features.LSM), (features.LSM, features.OWN_LABEL)],
    ids=str,
)
@pytest.mark.parametrize("settings", [{}, RICH, {"user": "root", "uid": 0, "gid": 0,
                         "capabilities": ("CHOWN",)}], ids=["strict", "rich", "root"])  # fmt: skip
def test_a_true_reading_is_proved(
    machine: Machine, borders: Borders, settings: dict[str, object], also: tuple[str, ...]
) -> None:
    machine.features = machine_features(*also)
    borders.volumes.ensure(DesiredVolume("rows", "web", "rows", UID))
    if features.NS_USER in also:
        settings = {"uid": 65_532, "gid": 65_532, **settings}
    made = box(**settings)  # type: ignore[arg-type]
    found = run(borders, made)
    reading = borders.witness.read(made.id, found.pid or 0)
    reading = replace(reading, network=borders.network.observe())
    proof = prove(expectation(machine, made), reading)
    assert [f for f in proof.findings if f.verdict is not Verdict.HELD] == []


@pytest.mark.parametrize("kind", ["pid", "net", "ipc"])
def test_joined_boxes_are_proved(machine: Machine, borders: Borders, kind: str) -> None:
    first = box("data--db--1", uid=UID + 65_536, gid=UID + 65_536)
    second = box(joins=((kind, first.id),), **{kind: "db.data"})
    pairs = []
    for made in (first, second):
        found = run(borders, made)
        reading = borders.witness.read(made.id, found.pid or 0)
        state = borders.network.observe()
        pairs.append((expectation(machine, made), replace(reading, network=state)))
    for proof in prove_all(pairs):
        assert [f for f in proof.findings if f.verdict is not Verdict.HELD] == []


def test_a_lie_breaks_the_proof(machine: Machine, borders: Borders) -> None:
    made = box()
    found = run(borders, made)
    machine.lies[made.id] = lambda reading: replace(
        reading, cgroup={**reading.cgroup, "memory.max": "max"}
    )
    proof = prove(expectation(machine, made), borders.witness.read(made.id, found.pid or 0))
    assert "limits.memory" in {
        finding.claim for finding in proof.findings if finding.verdict is Verdict.BROKEN
    }
