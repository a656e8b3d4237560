"""The promises about images, volumes, owners, the network, logs, commands and the witness."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.network import Door, Pass, Route
from orchestr8.boxes.spec import SpecFile, SpecSecret, SpecVolume
from orchestr8.engines.protocol import Exec, Logs
from orchestr8.errors import EngineError, RejectedError
from orchestr8.isolation.limits import MIB, Quota
from orchestr8.isolation.profile import Scratch
from orchestr8.manifest.model import CommandCheck, HttpCheck, TcpCheck
from orchestr8.proof.model import Expectation, Verdict
from orchestr8.proof.prove import prove
from tests.conformance.benches import SAYS, Bench


def test_an_image_that_is_present_is_resolved(bench: Bench) -> None:
    facts = bench.borders.images.resolve("probe:1")
    assert facts and facts.id.startswith("sha256:")
    assert facts.reference == "probe:1"
    assert bench.borders.images.resolve("absent:1") is None


def test_an_image_is_resolved_by_its_id_too(bench: Bench) -> None:
    facts = bench.borders.images.resolve("probe:1")
    assert facts
    by_id = bench.borders.images.resolve(facts.id)
    assert by_id and by_id.id == facts.id


def test_fetching_what_is_present_is_success(bench: Bench) -> None:
    assert bench.borders.images.fetch("probe:1") == bench.borders.images.resolve("probe:1")


def test_fetching_what_nobody_has_fails_with_a_remedy(bench: Bench) -> None:
    with pytest.raises(EngineError) as failed:
        bench.borders.images.fetch("localhost:1/absent:1")
    assert failed.value.remedy
    assert bench.borders.images.resolve("localhost:1/absent:1") is None


def volume(bench: Bench, name: str, uid: int) -> DesiredVolume:
    made = DesiredVolume(f"o8-{bench.name}-{os.getpid()}-{name}", "web", name, uid)
    bench.borders.volumes.ensure(made)
    return made


def test_a_volume_is_made_once_and_listed(bench: Bench) -> None:
    made = volume(bench, "rows", 70_000)
    before = bench.borders.volumes.volumes()
    bench.borders.volumes.ensure(made)
    bench.borders.volumes.ensure(replace(made, uid=80_000))
    assert bench.borders.volumes.volumes() == before
    (found,) = [one for one in before if one.name == made.name]
    assert (found.owner, found.volume, found.uid) == ("web", "rows", 70_000)
    assert found.path
    bench.borders.volumes.delete(made.name)
    bench.borders.volumes.delete(made.name)
    assert made.name not in {one.name for one in bench.borders.volumes.volumes()}


def test_volumes_survive_their_boxes(bench: Bench) -> None:
    box = bench.box()
    made = volume(bench, "kept", box.spec.uid)
    with_it = (SpecVolume("/data", made.name, owner_uid=box.spec.uid),)
    box = replace(box, spec=replace(box.spec, volumes=with_it))
    bench.run(box)
    with pytest.raises(RejectedError):
        bench.borders.volumes.delete(made.name)
    bench.clear()
    assert made.name in {one.name for one in bench.borders.volumes.volumes()}
    bench.borders.volumes.delete(made.name)


def test_owners_carry_their_quota(bench: Bench) -> None:
    quota = Quota(cpu_millicores=1_500, memory_bytes=512 * MIB, pids=500)
    for asked in (quota, replace(quota, memory_bytes=768 * MIB), Quota()):
        bench.borders.owners.ensure("quotas", asked)
        bench.borders.owners.ensure("quotas", asked)
        assert bench.borders.owners.quotas()["quotas"] == asked


def test_the_network_is_prepared_once_and_holds_elements(bench: Bench) -> None:
    network = bench.borders.network
    network.prepare()
    state = network.observe()
    assert state.prepared and state.subnet and state.service_range
    base = state.subnet.rpartition(".")[0]
    service = state.service_range.rpartition(".")[0]
    passed = Pass(f"{base}.4", f"{base}.5", 5432)
    route = Route(f"{service}.7", 5432, (f"{base}.5",))
    door = Door("127.0.0.1", 18_080, 80, (f"{base}.5",))
    elements = [passed, route, door]
    network.change(elements, [])
    network.change(elements, [])
    assert network.observe().elements == frozenset(elements)
    moved = replace(route, backends=(f"{base}.6",))
    network.change([moved], [])
    assert network.observe().elements == {passed, moved, door}
    network.change([], [*elements, moved])
    network.change([], elements)
    assert network.observe().elements == frozenset()


def test_listeners_are_told(bench: Bench) -> None:
    assert isinstance(dict(bench.borders.network.listeners()), dict)


def test_logs_are_kept_while_the_box_is(bench: Bench) -> None:
    assert isinstance(bench.boxes, Logs)
    made = bench.box("silent")
    bench.run(made)
    found: tuple[str, ...] = ()
    for _ in range(100):
        found = bench.boxes.logs(made.id, 10)
        if found:
            break
    assert found == (SAYS,)
    bench.boxes.stop(made.id, "SIGKILL", 0)
    assert bench.boxes.logs(made.id, 1) == (SAYS,)
    assert bench.boxes.logs(made.id, 0) == ()


def test_commands_run_in_running_boxes_only(bench: Bench) -> None:
    assert isinstance(bench.boxes, Exec)
    made = bench.box()
    bench.boxes.create(made)
    with pytest.raises(RejectedError, match="does not run"):
        bench.boxes.execute(made.id, ["/bin/true"])
    bench.boxes.start(made.id)
    assert bench.boxes.execute(made.id, ["/bin/true"]).exit_status == 0
    with pytest.raises(RejectedError, match="no command"):
        bench.boxes.execute(made.id, [])


def test_probes_say_what_they_saw(bench: Bench) -> None:
    made = bench.box()
    found = bench.run(made)
    check, pid = bench.borders.probes.check, found.pid or 0
    assert check(made.id, pid, CommandCheck(("/bin/true",)), 5_000) == ""
    bench.boxes.stop(made.id, "SIGKILL", 0)
    for kind in (HttpCheck(8080, "/"), TcpCheck(8080), CommandCheck(("/bin/true",))):
        assert check(made.id, pid, kind, 500)


@pytest.mark.parametrize("rich", [False, True], ids=["strict", "rich"])
def test_what_was_made_is_proved_by_the_witness(bench: Bench, rich: bool) -> None:
    """The translation took effect: every claim about the running box is held."""
    made = bench.box(networked=True)
    volumes: dict[str, str] = {}
    if rich:
        uid = made.spec.uid
        kept = volume(bench, "proved", uid + 1)
        spec = replace(
            made.spec,
            files=(SpecFile("/etc/app.toml", "digest-1"),),
            secrets=(SpecSecret("password", "d"),),
            volumes=(SpecVolume("/data", kept.name, owner_uid=uid + 1),),
            profile=replace(
                made.spec.profile, scratch=(Scratch("/var/cache", 4 * MIB, executable=True),)
            ),
        )
        made = replace(made, spec=spec)
        (seen,) = [one for one in bench.borders.volumes.volumes() if one.name == kept.name]
        volumes = {"/data": seen.path}
    found = bench.run(made)
    expectation = Expectation(
        id=made.id,
        slot=made.slot,
        spec=made.spec,
        limits=made.limits,
        quota=bench.borders.owners.quotas()["web"],
        address=made.address,
        volumes=volumes,
        features=bench.boxes.features(),
        elements=frozenset(),
    )
    reading = bench.borders.witness.read(made.id, found.pid or 0)
    proof = prove(expectation, replace(reading, network=bench.borders.network.observe()))
    wrong = [finding for finding in proof.findings if finding.verdict is not Verdict.HELD]
    assert wrong == []
