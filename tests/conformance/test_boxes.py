"""The promises about boxes, on every engine."""

from __future__ import annotations

import time
from queue import Queue

import pytest
from msgspec.structs import replace

from orchestr8.boxes.spec import SpecSecret, SpecVolume
from orchestr8.boxes.world import State
from orchestr8.engines.protocol import Happened
from orchestr8.errors import FeatureMissingError, RejectedError
from orchestr8.isolation import features
from orchestr8.isolation.limits import MIB, Limits
from orchestr8.names import BoxId
from tests.conformance.benches import Bench
from tests.conformance.promises import detail, promise

NOBODY = BoxId("web", "nobody", 1)


@promise("boxes.features.honest")
def test_features_are_honest(bench: Bench) -> None:
    """Every word is either present, or missing with a reason."""
    found = bench.boxes.features()
    assert found.present <= features.ALL
    assert {word for word in features.ALL if not found.has(word)} == set(found.why_missing)
    assert all(found.why(word) for word in features.ALL - found.present)
    assert found.cpu_millicores and found.memory_bytes and found.architecture


@promise("boxes.observe.complete")
def test_a_snapshot_is_complete_and_sorted(bench: Bench) -> None:
    made = [bench.box() for _ in range(3)]
    for box in reversed(made):
        bench.boxes.create(box)
    seen = bench.boxes.observe()
    assert [found.id for found in seen.boxes] == [box.id for box in made]
    assert seen.boot_id


@promise("boxes.observe.named")
def test_a_snapshot_of_named_boxes_has_those_that_exist(bench: Bench) -> None:
    first, second = bench.box(), bench.box()
    bench.boxes.create(first)
    bench.boxes.create(second)
    assert [found.id for found in bench.boxes.observe([second.id, NOBODY]).boxes] == [second.id]
    assert bench.boxes.observe([NOBODY]).boxes == ()
    assert bench.boxes.observe([]).boxes == ()


@promise("boxes.observe.carried")
def test_a_box_carries_what_it_was_declared_to_be(bench: Bench) -> None:
    made = bench.box(env=(("GREETING", 'hello "world"\n'),), networked=True)
    made = replace(made, slot=3, set_name="shop", names=(("db.data", "10.231.128.9"),))
    bench.boxes.create(made)
    found = bench.see(made)
    assert found.spec == made.spec
    assert (found.slot, found.set_name) == (3, "shop")
    assert (found.service_key, found.address) == (made.service_key, made.address)
    assert found.names == made.names


@promise("boxes.create.runs-nothing")
def test_a_created_box_runs_nothing(bench: Bench) -> None:
    made = bench.box("silent")
    bench.boxes.create(made)
    found = bench.see(made)
    assert found.state is State.CREATED
    assert (found.pid, found.started_ms, found.exit_status) == (None, 0, None)
    assert bench.boxes.logs(made.id, 10) == ()


@promise("boxes.create.again")
def test_the_same_id_with_the_same_spec_is_success(bench: Bench) -> None:
    made = bench.box()
    bench.boxes.create(made)
    first = bench.see(made)
    bench.boxes.create(made)
    assert bench.see(made) == first
    bench.boxes.start(made.id)
    bench.boxes.create(made)
    assert bench.see(made).state.runs


@promise("boxes.create.another-spec")
def test_the_same_id_with_another_spec_is_rejected(bench: Bench) -> None:
    made = bench.box()
    bench.boxes.create(made)
    other = replace(made, spec=replace(made.spec, workdir="/tmp"))
    with pytest.raises(RejectedError, match="workdir"):
        bench.boxes.create(other)
    assert bench.see(made).spec == made.spec


@promise("boxes.create.fails-closed", "errors.raised.rejected")
def test_a_failed_create_leaves_nothing_behind(bench: Bench) -> None:
    before = bench.footprint()
    gone = bench.box()
    volumes = (SpecVolume("/data", "gone", owner_uid=gone.spec.uid),)
    for failing in (
        replace(gone, spec=replace(gone.spec, image_id="sha256:" + "9" * 64)),
        replace(gone, spec=replace(gone.spec, volumes=volumes)),
        replace(gone, spec=replace(gone.spec, secrets=(SpecSecret("missing", "d"),))),
        replace(gone, limits=Limits(memory_max_bytes=MIB)),
        *([replace(gone, joins=(("pid", NOBODY),))] if bench.shares else []),
    ):
        with pytest.raises(RejectedError) as refused:
            bench.boxes.create(failing)
        assert refused.value.what
        assert bench.footprint() == before
    assert bench.boxes.observe().boxes == ()


@detail("boxes.start.runs")
def test_a_started_box_runs(bench: Bench) -> None:
    made = bench.box()
    began = bench.now_ms()
    found = bench.run(made)
    assert found.state.runs
    assert found.pid and found.pid > 1
    assert began - 1000 <= found.created_ms <= found.started_ms <= bench.now_ms() + 1000


@promise("boxes.start.runs", "boxes.start.again")
def test_starting_a_running_box_is_success(bench: Bench) -> None:
    made = bench.box()
    first = bench.run(made)
    bench.boxes.start(made.id)
    assert bench.see(made) == first


@promise("boxes.start.once")
def test_a_stopped_box_is_not_started_again(bench: Bench) -> None:
    made = bench.box()
    bench.run(made)
    bench.boxes.stop(made.id, "SIGTERM", 5_000)
    with pytest.raises(RejectedError, match="runs once"):
        bench.boxes.start(made.id)
    assert bench.see(made).state is State.STOPPED


@detail("errors.raised.rejected")
def test_a_box_that_is_not_there_is_not_started(bench: Bench) -> None:
    with pytest.raises(RejectedError, match=str(NOBODY)):
        bench.boxes.start(NOBODY)


@promise("boxes.start.fails-closed")
def test_a_failed_start_leaves_nothing_behind(bench: Bench) -> None:
    before = bench.footprint()
    made = bench.box("absent", networked=True)
    with pytest.raises(RejectedError, match="no program /usr/bin/absent"):  # some know it at once
        bench.boxes.create(made)
        bench.boxes.start(made.id)
    assert bench.boxes.observe([made.id]).boxes == ()
    assert bench.footprint() == before


@promise("boxes.observe.ending")
def test_a_box_that_ends_says_how(bench: Bench) -> None:
    made = bench.box("exit 3")
    bench.boxes.create(made)
    bench.boxes.start(made.id)
    found = bench.see_ended(made)
    assert (found.exit_status, found.out_of_memory, found.pid) == (3, False, None)
    assert found.started_ms <= found.stopped_ms


@promise("boxes.observe.ending")
def test_a_box_that_outgrows_its_memory_says_so(bench: Bench) -> None:
    made = bench.box("memory", memory_max_bytes=16 * MIB)
    bench.boxes.create(made)
    bench.boxes.start(made.id)
    found = bench.see_ended(made)
    assert (found.exit_status, found.out_of_memory) == (137, True)


@promise("boxes.observe.limits")
def test_limits_are_seen_while_a_box_runs(bench: Bench) -> None:
    made = bench.box(cpu_max_millicores=250, memory_max_bytes=64 * MIB, pids_max=99)
    bench.boxes.create(made)
    waits = bench.see(made).limits
    assert waits == (made.limits if bench.boxes.features().has(features.STANDBY) else None)
    bench.boxes.start(made.id)
    assert bench.see(made).limits == made.limits
    bench.boxes.stop(made.id, "SIGKILL", 0)
    assert bench.see(made).limits is None


@promise("boxes.update.in-place")
@pytest.mark.parametrize("memory", [32 * MIB, 256 * MIB], ids=["lower", "raise"])
def test_limits_change_in_place(bench: Bench, memory: int) -> None:
    made = bench.box()
    before = bench.run(made)
    wanted = Limits(cpu_max_millicores=1_000, memory_max_bytes=memory, pids_max=77)
    bench.boxes.update(made.id, wanted)
    assert bench.see(made) == replace(before, limits=wanted)
    bench.boxes.update(made.id, wanted)
    assert bench.see(made) == replace(before, limits=wanted)


@promise("boxes.update.running")
def test_only_a_running_box_has_limits_to_change(bench: Bench) -> None:
    made = bench.box()
    bench.boxes.create(made)
    with pytest.raises(RejectedError, match="does not run"):
        bench.boxes.update(made.id, Limits())
    bench.boxes.start(made.id)
    bench.boxes.stop(made.id, "SIGKILL", 0)
    with pytest.raises(RejectedError, match="does not run"):
        bench.boxes.update(made.id, Limits())
    with pytest.raises(RejectedError, match="no box"):
        bench.boxes.update(NOBODY, Limits())


@promise("boxes.stop.signal")
def test_a_box_that_heeds_its_signal_ends_before_the_grace(bench: Bench) -> None:
    made = bench.box()
    bench.await_signals(bench.run(made))
    began, began_real = bench.now_ms(), time.monotonic()
    bench.boxes.stop(made.id, "SIGTERM", 120_000)
    found = bench.see(made)
    assert (found.state, found.exit_status) == (State.STOPPED, 0)
    assert bench.now_ms() - began < 100_000 and time.monotonic() - began_real < 100


@detail("boxes.stop.signal")
def test_without_a_signal_the_image_decides(bench: Bench) -> None:
    made = bench.box()
    bench.await_signals(bench.run(made))
    bench.boxes.stop(made.id, "", 30_000)
    assert bench.see(made).exit_status == 0


@promise("boxes.stop.grace")
def test_a_box_that_ignores_its_signal_is_ended_after_the_grace(bench: Bench) -> None:
    made = bench.box("deaf")
    bench.await_signals(bench.run(made))
    began = bench.now_ms()
    bench.boxes.stop(made.id, "SIGTERM", 700)
    found = bench.see(made)
    assert (found.state, found.exit_status) == (State.STOPPED, 137)
    assert 690 <= bench.now_ms() - began < 10_000


@promise("boxes.stop.absent")
def test_stopping_what_does_not_run_is_harmless(bench: Bench) -> None:
    bench.boxes.stop(NOBODY, "SIGTERM", 1_000)
    made = bench.box()
    bench.boxes.create(made)
    bench.boxes.stop(made.id, "SIGTERM", 1_000)
    assert bench.see(made).state is State.CREATED
    bench.boxes.start(made.id)
    bench.boxes.stop(made.id, "SIGKILL", 0)
    stopped = bench.see(made)
    bench.boxes.stop(made.id, "SIGTERM", 1_000)
    assert bench.see(made) == stopped


@promise("boxes.remove.running")
def test_a_running_box_is_not_removed(bench: Bench) -> None:
    made = bench.box()
    bench.run(made)
    with pytest.raises(RejectedError, match="runs"):
        bench.boxes.remove(made.id)
    assert bench.see(made).state.runs


@promise("boxes.remove.everything", "boxes.remove.absent")
@pytest.mark.parametrize("started", [False, True])
def test_all_that_create_made_goes(bench: Bench, started: bool) -> None:
    before = bench.footprint()
    made = bench.box(networked=True, secrets=(SpecSecret("password", "d"),))
    bench.boxes.create(made)
    if started:
        bench.boxes.start(made.id)
        bench.boxes.stop(made.id, "SIGKILL", 0)
    bench.boxes.remove(made.id)
    assert bench.footprint() == before
    assert bench.boxes.observe().boxes == ()
    bench.boxes.remove(made.id)


@promise("endings.ended_from_outside.told")
def test_a_box_that_was_told_to_end_is_known(bench: Bench) -> None:
    told, by_itself = bench.box(), bench.box("exit 3")
    bench.run(told)
    assert not bench.boxes.ended_from_outside(told.id), "it runs"
    bench.boxes.stop(told.id, "SIGTERM", 1_000)
    bench.run(by_itself)
    bench.see_ended(by_itself)
    assert bench.boxes.ended_from_outside(told.id)
    assert not bench.boxes.ended_from_outside(by_itself.id)
    assert not bench.boxes.ended_from_outside(NOBODY)


@promise("events.listen.told")
def test_a_box_that_ends_is_told_to_whoever_listens(bench: Bench) -> None:
    heard: Queue[Happened] = Queue()
    first, second = bench.box("exit 3"), bench.box()
    end = bench.boxes.listen(heard.put)
    try:
        bench.run(second)
        bench.run(first)
        bench.see_ended(first)
        bench.boxes.stop(second.id, "SIGKILL", 0)
        left = {first.id, second.id}
        while left:
            left.discard(heard.get(timeout=60).box)  # type: ignore[arg-type]
    finally:
        end()


@promise("boxes.write_names.in-place", "boxes.write_names.absent")
def test_names_are_rewritten_in_place(bench: Bench) -> None:
    made = replace(bench.box(networked=True), names=(("db.data", "10.231.128.9"),))
    before = bench.run(made)
    names = (("cache.data", "10.231.128.8"), ("db.data", "10.231.128.9"))
    bench.boxes.write_names(made.id, names)
    assert bench.see(made) == replace(before, names=names)
    with pytest.raises(RejectedError):
        bench.boxes.write_names(NOBODY, names)


@detail("boxes.create.prepares")
@pytest.mark.parametrize("kind", ["pid", "net", "ipc"])
def test_a_box_joins_another_ones_namespace(bench: Bench, kind: str) -> None:
    first = replace(bench.box(owner="data", networked=True), shares=("ipc",))
    second = replace(bench.box(**{kind: "front.data"}), joins=((kind, first.id),))
    if not bench.shares:
        with pytest.raises(FeatureMissingError, match=r"ns\.share"):
            bench.boxes.create(second)
        return
    with pytest.raises(RejectedError, match="does not run"):
        bench.boxes.create(second)
    bench.run(first)
    found = bench.run(second)
    assert found.state.runs
    assert found.joins == ((kind, first.id),)


@promise("callers.many.together")
def test_many_boxes_at_once(bench: Bench) -> None:
    """Calls may come from several threads."""
    from concurrent.futures import ThreadPoolExecutor

    made = [bench.box(networked=True) for _ in range(6)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(bench.run, made))
    assert all(one.state.runs for one in found)
    assert len({one.pid for one in found}) == len(made)
