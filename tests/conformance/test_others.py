"""The promises about images, volumes, owners, the network, logs and the witness."""

from __future__ import annotations

import os

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.network import Door, Pass, Route
from orchestr8.boxes.spec import SpecFile, SpecSecret, SpecVolume
from orchestr8.boxes.world import State
from orchestr8.engines.protocol import Copies, Exec, Phases
from orchestr8.errors import FeatureMissingError, RejectedError, UnavailableError
from orchestr8.isolation import features
from orchestr8.isolation.limits import MIB, Limits, Quota
from orchestr8.isolation.profile import Scratch
from orchestr8.manifest.model import CommandCheck, HttpCheck, Stop, TcpCheck
from orchestr8.names import ServiceName
from orchestr8.proof.model import Expectation, Verdict
from orchestr8.proof.prove import prove
from tests.conformance.benches import ABSENT, Bench
from tests.conformance.promises import detail, promise


@promise("images.resolve.facts", "images.resolve.fetches-nothing")
def test_an_image_that_is_present_is_resolved(bench: Bench) -> None:
    facts = bench.borders.images.resolve("probe:1")
    assert facts and facts.id.startswith("sha256:")
    assert facts.reference == "probe:1"
    assert bench.borders.images.resolve("absent:1") is None


@detail("images.resolve.facts")
def test_an_image_is_resolved_by_its_id_too(bench: Bench) -> None:
    facts = bench.borders.images.resolve("probe:1")
    assert facts
    by_id = bench.borders.images.resolve(facts.id)
    assert by_id and by_id.id == facts.id


@promise("images.fetch.present")
def test_fetching_what_is_present_is_success(bench: Bench) -> None:
    assert bench.borders.images.fetch("probe:1") == bench.borders.images.resolve("probe:1")


@promise("images.fetch.present", "images.fetch.fails", "images.resolve.fetches-nothing")
def test_an_image_comes_from_its_registry_or_fails_with_a_remedy(bench: Bench) -> None:
    images = bench.borders.images
    with bench.registry() as name:
        tiny, absent = f"{name}/tiny:1", f"{name}/absent:1"
        assert images.resolve(tiny) is None
        facts = images.fetch(tiny)
        assert facts.reference == tiny
        assert facts == images.resolve(tiny) == images.fetch(tiny)
        with pytest.raises(RejectedError) as failed:
            images.fetch(absent)
        assert absent in failed.value.what and failed.value.remedy
        assert images.resolve(absent) is None


def volume(bench: Bench, name: str, uid: int) -> DesiredVolume:
    engine_name, service = f"o8-{bench.name}-{os.getpid()}-{name}", ServiceName("web", "db")
    made = DesiredVolume(engine_name, "web", name, uid, service=service)
    bench.borders.volumes.ensure(made)
    return made


@promise("volumes.volumes.listed", "volumes.ensure.once", "volumes.delete.absent")
def test_a_volume_is_made_once_and_listed(bench: Bench) -> None:
    made = volume(bench, "rows", 70_000)
    before = bench.borders.volumes.volumes()
    bench.borders.volumes.ensure(made)
    bench.borders.volumes.ensure(replace(made, uid=80_000, service=None))
    assert bench.borders.volumes.volumes() == before
    (found,) = [one for one in before if one.name == made.name]
    assert (found.owner, found.volume, found.uid) == ("web", "rows", 70_000)
    assert found.service == made.service
    assert found.path
    bench.borders.volumes.delete(made.name)
    bench.borders.volumes.delete(made.name)
    assert made.name not in {one.name for one in bench.borders.volumes.volumes()}


@promise("volumes.ensure.size", "volumes.delete.absent")
def test_a_volume_with_a_size_has_it_and_grows(bench: Bench) -> None:
    volumes = bench.borders.volumes
    made = replace(volume(bench, "plain", 70_000), volume="sized", size_bytes=16 * MIB)
    with pytest.raises(RejectedError, match="is there without a size"):
        volumes.ensure(made)
    volumes.delete(made.name)
    for size, expected in ((16, 16), (32, 32), (16, 32)):
        volumes.ensure(replace(made, size_bytes=size * MIB))
        (found,) = (one for one in volumes.volumes() if one.name == made.name)
        assert (found.size_bytes, found.ready) == (expected * MIB, True)
    volumes.delete(made.name)
    assert made.name not in {one.name for one in volumes.volumes()}


@promise(
    "copies.copy.moment", "copies.restore.replaces", "copies.discard.absent",
    "copies.copies.listed", "copies.used.told",
)  # fmt: skip
def test_a_copy_is_made_restored_and_discarded(bench: Bench) -> None:
    volumes = bench.borders.volumes
    assert isinstance(volumes, Copies)
    box = bench.box()
    made = volume(bench, "copied", box.spec.uid)
    with_it = (SpecVolume("/data", made.name, owner_uid=box.spec.uid),)
    box = replace(box, spec=replace(box.spec, volumes=with_it))
    bench.run(box)
    (writer,) = bench.boxes.observe([box.id]).boxes
    copy = volumes.copy(made.name, "first", [writer])
    assert (copy.name, copy.label, copy.uid) == (made.name, "first", box.spec.uid)
    assert copy in volumes.copies()
    assert bench.boxes.observe([box.id]).boxes[0].state is State.RUNNING
    with pytest.raises(RejectedError, match="already"):
        volumes.copy(made.name, "first", [writer])
    with pytest.raises(RejectedError, match="has the volume"):
        volumes.restore(made.name, copy)
    bench.clear()
    volumes.restore(made.name, copy)
    assert volumes.used(made.name) >= 0
    volumes.delete(made.name)
    assert copy in volumes.copies(), "a copy outlives its volume"
    volumes.discard(copy)
    volumes.discard(copy)
    assert copy not in volumes.copies()
    volumes.ensure(made)
    with pytest.raises(RejectedError, match="no copy"):
        volumes.restore(made.name, copy)
    volumes.delete(made.name)


@promise("volumes.delete.asked-only", "volumes.delete.in-use")
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


@promise("owners.ensure.again", "owners.quotas.carried")
def test_owners_carry_their_quota(bench: Bench) -> None:
    quota = Quota(cpu_millicores=1_500, memory_bytes=512 * MIB, pids=500)
    for asked in (quota, replace(quota, memory_bytes=768 * MIB), Quota()):
        bench.borders.owners.ensure("quotas", asked)
        bench.borders.owners.ensure("quotas", asked)
        assert bench.borders.owners.quotas()["quotas"] == asked


@promise("network.prepare.again", "network.observe.elements", "network.change.transaction")
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


@promise("network.listeners.told")
def test_a_port_that_somebody_has_is_told(bench: Bench) -> None:
    with bench.taken() as places:
        assert all(bench.borders.network.listeners()[place] for place in places)
    assert not bench.borders.network.listeners().keys() & set(places)


@promise("network.absent.told")
def test_an_address_that_the_host_does_not_have_is_told(bench: Bench) -> None:
    addresses = ("0.0.0.0", "127.0.0.1", ABSENT)
    assert bench.borders.network.absent(addresses) == {ABSENT}


@promise("phases.phases.measured")
def test_who_measures_phases_tells_them_until_the_box_goes(bench: Bench) -> None:
    if not isinstance(bench.boxes, Phases):
        assert bench.name != "crun"
        return
    made = bench.box(networked=True)
    bench.boxes.create(made)
    parts = bench.boxes.phases(made.id)
    assert set(parts) == {"root", "cgroup", "create", "network"}
    bench.boxes.start(made.id)
    told = bench.boxes.phases(made.id)
    assert {**told, **parts} == told
    assert "gate" in told and all(spent > 0 for spent in told.values())
    bench.boxes.stop(made.id, "SIGKILL", 0)
    bench.boxes.remove(made.id)
    assert not bench.boxes.phases(made.id)


@promise("probes.check.answer")
def test_probes_say_what_they_saw(bench: Bench) -> None:
    made = bench.box()
    found = bench.run(made)
    check, pid = bench.borders.probes.check, found.pid or 0
    assert check(made.id, pid, CommandCheck(("/bin/true",)), 60_000) == ""
    bench.boxes.stop(made.id, "SIGKILL", 0)
    for kind in (HttpCheck(8080, "/"), TcpCheck(8080), CommandCheck(("/bin/true",))):
        assert check(made.id, pid, kind, 500)


@promise("witness.read.proves")
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


@promise("boxes.create.prepares")
def test_all_that_was_declared_is_in_place_at_the_start(bench: Bench) -> None:
    peer = replace(bench.box(owner="data", networked=True), shares=("ipc",))
    bench.run(peer)
    joins = (("ipc", peer.id),) if bench.shares else ()
    made = bench.box(networked=True, ipc="front.data" if joins else "private")
    kept = volume(bench, "prepared", made.spec.uid)
    spec = replace(
        made.spec,
        files=(SpecFile("/etc/app.toml", "digest-1"),),
        secrets=(SpecSecret("password", "d"),),
        volumes=(SpecVolume("/data", kept.name, owner_uid=made.spec.uid),),
    )
    names = (("db.data", "10.231.128.9"),)
    made = replace(made, spec=spec, names=names, joins=joins)
    found = bench.run(made)
    reading = bench.borders.witness.read(made.id, found.pid or 0)
    targets = {mount.target for mount in reading.mounts}
    assert {"/etc/app.toml", "/etc/hosts", "/run/secrets", "/data"} <= targets
    assert (found.names, found.joins) == (names, joins)
    bench.clear()
    bench.borders.volumes.delete(kept.name)


@promise("errors.raised.unavailable")
def test_an_engine_that_is_away_is_unavailable_until_it_is_back(bench: Bench) -> None:
    made = bench.box()
    bench.run(made)
    with bench.away() as (borders, come_back):
        assert isinstance(borders.boxes, Exec)
        with pytest.raises(UnavailableError) as away:
            borders.boxes.execute(made.id, ["/bin/true"])
        assert away.value.what and away.value.remedy
        come_back()
        assert borders.boxes.execute(made.id, ["/bin/true"]).exit_status == 0


@promise("errors.raised.feature-missing")
def test_what_this_host_cannot_enforce_is_refused_by_its_name(bench: Bench) -> None:
    before, present = bench.footprint(), bench.boxes.features()
    asking = {
        features.IO: replace(Limits(), io_read_bytes=MIB),
        features.BANDWIDTH: replace(Limits(), bandwidth_out_bits=10**6),
    }
    missing = {word: limits for word, limits in asking.items() if not present.has(word)}
    if not missing:
        pytest.skip(f"{bench.name} enforces everything that a limit can ask")
    for word, limits in missing.items():
        with pytest.raises(FeatureMissingError, match=word):
            bench.boxes.create(replace(bench.box(), limits=limits))
        assert bench.footprint() == before
    running = bench.box()
    seen = bench.run(running)
    for word, limits in missing.items():
        with pytest.raises(FeatureMissingError, match=word):
            bench.boxes.update(running.id, limits)
    assert bench.see(running) == seen


@promise("keepsake.keep.again", "keepsake.kept.next")
def test_what_is_kept_is_found_again(bench: Bench) -> None:
    keepsake = bench.borders.keepsake
    assert keepsake.kept("word") is None
    for content in (b"first", b"\0second"):
        keepsake.keep("word", content)
        keepsake.keep("word", content)
        assert keepsake.kept("word") == content
    assert keepsake.kept("another") is None


@promise("installations.found.everyone", "boxes.observe.carried")
def test_boxes_and_volumes_say_whose_they_are(bench: Bench) -> None:
    def counted() -> tuple[int, int, int]:
        found = {one.id: one for one in bench.borders.installations.found()}
        own = found.get(bench.installation)
        return (own.boxes, own.running, own.volumes) if own else (0, 0, 0)

    boxes, running, volumes = counted()
    stop = Stop("SIGQUIT", 1_500)
    made = replace(bench.box(), uid_base=1_179_648, service_address="10.231.128.7", stop=stop)
    found = bench.run(made)
    assert (found.uid_base, found.service_address, found.stop) == (1_179_648, "10.231.128.7", stop)
    kept = volume(bench, "whose", made.spec.uid)
    assert counted() == (boxes + 1, running + 1, volumes + 1)
    bench.boxes.stop(made.id, "SIGKILL", 0)
    assert counted() == (boxes + 1, running, volumes + 1)
    bench.clear()
    bench.borders.volumes.delete(kept.name)
    assert counted() == (boxes, running, volumes)
