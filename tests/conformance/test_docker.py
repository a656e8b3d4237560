"""What only Docker promises: that translations took effect, and that nobody else is touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.world import State
from orchestr8.engines.docker.borders import docker_borders
from orchestr8.errors import RejectedError
from orchestr8.isolation.limits import MIB, Limits
from orchestr8.isolation.profile import Scratch
from orchestr8.kernel import cgroups
from tests.conformance.benches import DockerBench, label, said
from tests.conformance.programs import PROGRAMS, Contents
from tests.conformance.promises import detail, promise


@promise("docker.labels.adopted")
def test_the_container_carries_our_labels(real: DockerBench) -> None:
    made = replace(real.box(networked=True), slot=4, set_name="shop")
    real.boxes.create(made)
    found = real.inspect(made)
    assert label(found, "installation") == real.installation
    assert (label(found, "slot"), label(found, "set")) == ("4", "shop")
    assert label(found, "spec")["uid"] == made.spec.uid


@promise("boxes.update.in-place")
def test_a_change_in_place_is_in_the_cgroup_and_in_the_engine(real: DockerBench) -> None:
    made = real.box()
    before = real.run(made)
    started = real.inspect(made)["State"]["StartedAt"]
    wanted = Limits(cpu_max_millicores=300, memory_max_bytes=256 * MIB, pids_max=50)
    real.boxes.update(made.id, wanted)
    assert cgroups.limits_in(cgroups.membership_of(before.pid or 0)) == wanted
    after = real.inspect(made)
    assert (after["State"]["Pid"], after["State"]["StartedAt"]) == (before.pid, started)
    assert after["HostConfig"]["Memory"] == after["HostConfig"]["MemorySwap"] == 256 * MIB


@promise("docker.others.hands")
def test_a_change_by_somebody_else_is_seen(real: DockerBench) -> None:
    made = real.box()
    real.run(made)
    real.client.update_container(str(made.id), mem_limit=64 * MIB, memswap_limit=64 * MIB)
    limits = real.see(made).limits
    assert limits and limits.memory_max_bytes == 64 * MIB


@detail("docker.others.hands")
def test_a_change_written_to_the_cgroup_is_seen(real: DockerBench) -> None:
    made = real.box()
    pid = real.run(made).pid or 0
    membership = cgroups.parse_membership(Path(f"/proc/{pid}/cgroup").read_text())
    folder = cgroups.group_of(membership, cgroups.hierarchies()).folders["pids"]
    Path(folder, "pids.max").write_text("33")
    limits = real.see(made).limits
    assert limits and limits.pids_max == 33


@detail("docker.others.hands")
def test_a_restart_by_somebody_else_is_seen(real: DockerBench) -> None:
    made = real.box()
    before = real.run(made)
    real.client.restart(str(made.id), timeout=0)
    after = real.see(made)
    assert after.state.runs and after.pid != before.pid
    assert after.started_ms > before.started_ms
    assert after.runs_again and not before.runs_again


@detail("docker.others.hands")
def test_a_box_whose_engine_would_start_it_anew_is_told(real: DockerBench) -> None:
    made = real.box()
    real.boxes.create(made)
    real.client.update_container(str(made.id), restart_policy={"Name": "unless-stopped"})
    real.boxes.start(made.id)
    assert real.see(made).runs_again


@detail("docker.others.hands")
def test_a_box_that_somebody_killed_is_stopped(real: DockerBench) -> None:
    made = real.box()
    real.run(made)
    real.client.kill(str(made.id))
    assert real.see_ended(made).exit_status == 137


@detail("docker.others.hands")
def test_a_paused_box_is_stopped_too(real: DockerBench) -> None:
    made = real.box()
    real.await_signals(real.run(made))
    real.client.pause(str(made.id))
    assert (real.see(made).state, real.see(made).paused) == (State.RUNNING, True)
    real.boxes.stop(made.id, "SIGTERM", 20_000)
    assert real.see(made).exit_status == 0


@promise("docker.others.untouched")
def test_others_are_never_touched(real: DockerBench) -> None:
    """A container, a volume, a network and an image of others, by all that is said of them."""
    client = real.client
    volume = client.create_volume(f"foreign-{os.getpid()}")["Name"]
    network = client.create_network(f"foreign-{os.getpid()}", driver="bridge", internal=True)["Id"]
    try:
        with real.foreign_container() as container:

            def seen() -> object:
                return (
                    client.inspect_container(container),
                    client.inspect_volume(volume),
                    client.inspect_network(network),
                    client.inspect_image("hello:1"),
                )

            before = seen()
            made = real.box(networked=True)
            real.run(made)
            real.boxes.update(made.id, Limits(memory_max_bytes=64 * MIB))
            assert container not in {box.engine_id for box in real.boxes.observe().boxes}
            assert volume not in {one.name for one in real.borders.volumes.volumes()}
            with pytest.raises(RejectedError, match="not this installation's"):
                real.borders.volumes.delete(volume)
            with pytest.raises(RejectedError, match="not this installation's"):
                real.borders.volumes.ensure(DesiredVolume(volume, "web", "v", 1))
            real.clear()
            assert seen() == before
    finally:
        client.remove_network(network)
        client.remove_volume(volume)


@promise("docker.others.names")
def test_a_name_that_a_foreign_container_has_is_refused(real: DockerBench) -> None:
    made = real.box()
    other = real.client.create_container("hello:1", name=str(made.id))["Id"]
    before = real.client.inspect_container(other)
    try:
        with pytest.raises(RejectedError, match=f"the name {made.id} belongs to") as refused:
            real.boxes.create(made)
        assert f"docker rename {made.id}" in refused.value.remedy
        for call in (real.boxes.start, real.boxes.remove):
            try:
                call(made.id)
            except RejectedError as error:
                assert "no box" in error.what
        real.boxes.stop(made.id, "SIGKILL", 0)
        assert real.boxes.observe([made.id]).boxes == ()
        assert real.client.inspect_container(other) == before
    finally:
        real.client.remove_container(other)


@detail("docker.others.hands")
def test_a_box_that_somebody_renamed_is_the_same_box(real: DockerBench) -> None:
    made = real.box()
    before = real.run(made)
    real.client.rename(str(made.id), f"renamed-{os.getpid()}")
    another = docker_borders(real.engine.docker_host, real.installation, Contents()).boxes
    for boxes in (real.boxes, another):
        assert boxes.observe([made.id]).boxes == boxes.observe().boxes == (before,)
    real.clear()
    assert real.boxes.observe().boxes == another.observe().boxes == ()


@promise("docker.others.copies")
def test_what_is_made_from_a_copy_of_a_box_is_no_box(real: DockerBench) -> None:
    """A container with all labels of a box, and later with its name as well."""
    made = real.box()
    before = real.run(made)
    image = real.client.commit(str(made.id))["Id"]
    copy = real.client.create_container(image)["Id"]
    try:
        assert real.inspect(made)["Config"]["Labels"].items() <= _labels(real, copy).items()
        assert real.boxes.observe().boxes == (before,)
        assert _counted(real) == 1
        real.clear()
        real.client.rename(copy, str(made.id))
        assert real.boxes.observe().boxes == real.boxes.observe([made.id]).boxes == ()
        assert _counted(real) == 0
        real.boxes.remove(made.id)
        assert _labels(real, copy), "it is somebody else's, and stays"
    finally:
        real.client.remove_container(copy)
        real.client.remove_image(image)


def _counted(real: DockerBench) -> int:
    """How many boxes of the installation its engine tells of."""
    found = real.borders.installations.found()
    return sum(one.boxes for one in found if one.id == real.installation)


def _labels(real: DockerBench, container: str) -> dict[str, str]:
    found: dict[str, str] = real.client.inspect_container(container)["Config"]["Labels"]
    return found


@promise("docker.image.hostile")
def test_a_hostile_image_is_refused(real: DockerBench) -> None:
    facts = real.borders.images.resolve("hostile:1")
    assert facts
    made = real.box()
    made = replace(made, spec=replace(made.spec, image="hostile:1", image_id=facts.id))
    with pytest.raises(RejectedError, match="the label orchestr8"):
        real.boxes.create(made)


@promise("boxes.start.fails-closed")
def test_an_image_for_another_processor_says_so(real: DockerBench) -> None:
    facts = real.borders.images.resolve("foreign:1")
    assert facts
    made = real.box()
    spec = replace(made.spec, image_id=facts.id, entrypoint=facts.entrypoint, args=facts.cmd)
    made = replace(made, spec=spec)
    real.boxes.create(made)
    try:
        real.boxes.start(made.id)
    except RejectedError as error:
        assert "another processor" in error.what
        return
    # older engines start it, and it ends at once
    assert real.see_ended(made).exit_status in (1, 255)
    assert "exec format error" in "".join(real.boxes.logs(made.id, 5))


@detail("docker.image.hostile")
def test_no_anonymous_volume_comes_with_an_image(real: DockerBench) -> None:
    made = real.client.create_container("probe:1", ["/bin/true"], volumes=["/data"])
    image = real.client.commit(made["Id"], repository=f"volume-{os.getpid()}", tag="1")["Id"]
    real.client.remove_container(made["Id"], v=True)
    try:
        box = real.box(scratch=(Scratch("/data", MIB),))
        box = replace(box, spec=replace(box.spec, image_id=image))
        assert real.borders.images.resolve(image).volumes == ("/data",)  # type: ignore[union-attr]
        real.run(box)
        mounts = real.inspect(box)["Mounts"]
        assert [mount for mount in mounts if mount["Type"] == "volume"] == []
        assert " /data " in said(real, box, "cat", "/proc/self/mountinfo")
        real.clear()
    finally:
        real.client.remove_image(image, force=True)


@detail("boxes.start.fails-closed")
def test_a_lost_run_folder_makes_the_start_fail_and_leaves_nothing(real: DockerBench) -> None:
    """As after a reboot: what was staged is gone, and so is the box then."""
    made = real.box()
    real.boxes.create(made)
    real.borders.boxes._parts.preparation.release(made.id)  # type: ignore[attr-defined]
    with pytest.raises(RejectedError, match="the engine does not see"):
        real.boxes.start(made.id)
    assert real.boxes.observe([made.id]).boxes == ()


@promise("boxes.create.fails-closed")
def test_more_cpu_than_the_owner_has_is_refused(real: DockerBench) -> None:
    before = real.footprint()
    cores = os.cpu_count() or 1
    made = real.box(cpu_max_millicores=1000 * (cores + 1))
    with pytest.raises(RejectedError, match="cpu limit is more than"):
        real.boxes.create(made)
    assert real.footprint() == before


@detail("boxes.create.prepares")
def test_programs_are_those_of_the_image_alone(real: DockerBench) -> None:
    """A box with a default program of the image's is never made by accident."""
    made = real.box()
    made = replace(made, spec=replace(made.spec, entrypoint=(), args=PROGRAMS["wait"].command))
    real.run(made)
    found = real.inspect(made)
    assert [found["Path"], *found["Args"]] == list(PROGRAMS["wait"].command)


@detail("boxes.create.again")
def test_a_box_whose_run_folder_was_lost_is_not_made_twice(real: DockerBench) -> None:
    made = real.box()
    other = replace(made, spec=replace(made.spec, workdir="/tmp"))
    real.boxes.create(made)
    real.borders.boxes._parts.preparation.release(made.id)  # type: ignore[attr-defined]
    with pytest.raises(RejectedError, match="another spec"):
        real.boxes.create(other)
    real.boxes.create(made)
    assert real.see(made).state is State.CREATED
    assert len(real.client.containers(all=True, filters={"name": str(made.id)})) == 1
