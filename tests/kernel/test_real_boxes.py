"""Real boxes: a tight one holds every claim, and each thing that is loosened breaks its own."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker
import pytest
from msgspec.structs import replace

from orchestr8.isolation.profile import Profile
from orchestr8.kernel import cgroups
from orchestr8.kernel.reader import KernelWitness
from orchestr8.proof.model import Expectation, Proof, Reading, Verdict
from orchestr8.proof.prove import prove, prove_all
from tests.kernel import boxes
from tests.kernel.boxes import STRICT, Running
from tests.kernel.loosened import LOOSENED
from tests.scenarios.fleet import eventually

WITNESS = KernelWitness()


def proved(running: Running) -> Proof:
    return prove(running.expectation, WITNESS.read(running.id, running.pid))


def broken(proof: Proof) -> dict[str, str]:
    return {f.claim: f.observed for f in proof.findings if f.verdict is Verdict.BROKEN}


def test_a_tight_box_holds_every_claim(strict_box: Running) -> None:
    reading = WITNESS.read(strict_box.id, strict_box.pid)
    assert reading.failures == {}
    proof = prove(strict_box.expectation, reading)
    assert [f for f in proof.findings if f.verdict is not Verdict.HELD] == []
    assert proof.verdict is Verdict.HELD


@pytest.mark.parametrize("name", LOOSENED)
def test_what_is_loosened_breaks_its_claims(client: docker.APIClient, name: str) -> None:
    wanted, claims = LOOSENED[name]
    with interface_of_the_host(), boxes.box(client, wanted) as running:
        found = broken(proved(running))
    assert claims <= found.keys(), found


def test_a_process_as_root_breaks_the_claim(strict_box: Running) -> None:
    with strict_box.executing(["sleep", "900"], user="0:0"):
        assert broken(proved(strict_box)).keys() >= {"user"}
    assert broken(proved(strict_box)) == {}


def test_a_privileged_process_breaks_the_claim(strict_box: Running) -> None:
    try:
        with strict_box.executing(["sleep", "900"], user="0:0", privileged=True):
            assert broken(proved(strict_box)).keys() >= {"capabilities"}
    except docker.errors.APIError as error:
        if "unable to apply caps" not in str(error):
            raise
        pytest.skip("this host withholds a capability from the engine itself")


def test_a_further_process_of_the_service_holds(strict_box: Running) -> None:
    with strict_box.executing(["sleep", "900"]) as pid:
        reading = WITNESS.read(strict_box.id, strict_box.pid)
        assert [task.pid for task in reading.tasks] == [strict_box.pid, pid]
        assert broken(prove(strict_box.expectation, reading)) == {}


def test_a_process_of_the_host_in_the_boxs_namespaces_is_seen(strict_box: Running) -> None:
    """What entered by hand is in no cgroup of the box: its pid namespace shows it."""
    with outside("nsenter", "-t", str(strict_box.pid), "-p"):
        found = broken(proved(strict_box))
    assert "alone.processes" in found, found


def test_a_process_of_the_host_in_the_boxs_cgroup_is_judged(strict_box: Running) -> None:
    path = WITNESS.read(strict_box.id, strict_box.pid).cgroup_path
    tree = cgroups.hierarchies()
    folder = next(tree[name].folder(path) for name in cgroups.LIMITING if name in tree)
    with outside() as pid:
        Path(f"{folder}/cgroup.procs").write_text(str(pid))
        found = broken(proved(strict_box))
    expected = {"user", "capabilities", "ns.mnt", "ns.pid", "seccomp", "programs", "cgroup"}
    assert found.keys() >= expected - ({"cgroup"} if "memory" not in tree else set())


def test_a_second_box_in_the_first_ones_namespaces(client: docker.APIClient) -> None:
    """Nobody granted it: it breaks both, and granted it breaks neither."""
    with boxes.box(client, STRICT.loosened(IpcMode="shareable")) as one:
        modes = dict.fromkeys(("PidMode", "IpcMode"), f"container:{one.container}")
        with boxes.box(client, STRICT.loosened(**modes)) as other:
            secret, told = pair(one), pair(other)
            for pairs in ((secret, told), (told, secret)):
                found = broken(prove_all(pairs)[0])
                assert found.keys() >= {"alone.namespaces"}, found
            profile = Profile(pid="box.witness", ipc="box.witness")
            granted = replace(
                other.expectation,
                spec=replace(other.expectation.spec, profile=profile),
                joins=(("pid", one.id), ("ipc", one.id)),
            )
            for proof in prove_all((secret, (granted, told[1]))):
                assert broken(proof) == {}
                assert proof.verdict is Verdict.HELD


def test_two_tight_boxes_have_nothing_in_common(client: docker.APIClient) -> None:
    with boxes.box(client) as one, boxes.box(client) as other:
        for proof in prove_all((pair(one), pair(other))):
            assert proof.verdict is Verdict.HELD, broken(proof)


def test_a_box_that_has_ended_is_unproven(client: docker.APIClient) -> None:
    with boxes.box(client, STRICT) as running:
        client.kill(running.container)
        client.wait(running.container)
        proof = proved(running)
    assert proof.verdict is Verdict.UNPROVEN
    assert proof.count(Verdict.BROKEN) == 0


def test_a_box_whose_processes_never_rest_is_read(client: docker.APIClient) -> None:
    loop = ("/bin/sh", "-c", "while :; do /bin/true; done")
    with boxes.box(client, replace(STRICT, command=loop)) as running:
        for _ in range(10):
            proof = proved(running)
            assert broken(proof) == {}


def test_the_kernels_answer_is_read_in_the_boxs_namespaces(strict_box: Running) -> None:
    """Through /proc/PID/root one would see the reader's own name and parameters."""
    reading = WITNESS.read(strict_box.id, strict_box.pid)
    assert reading.hostname == "box"
    assert os.uname().nodename != "box"
    assert threading.active_count() < 50


def pair(running: Running) -> tuple[Expectation, Reading]:
    return running.expectation, WITNESS.read(running.id, running.pid)


@contextmanager
def interface_of_the_host() -> Iterator[None]:
    """One more than the loopback, whatever else the host has: a box can see that it is there."""
    name = f"o8t{secrets.token_hex(3)}"
    for words in (f"link add {name} type bridge", f"address add 192.0.2.7/32 dev {name}"):
        subprocess.run(["ip", *words.split()], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "delete", name], check=True)


def _runs(group: int, program: str) -> bool:
    """Whether a process of this group has come to be this program."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_it = (folder / "comm").read_text() == f"{program}\n"
            if is_it and os.getpgid(int(folder.name)) == group:
                return True
    return False


@contextmanager
def outside(*way: str) -> Iterator[int]:
    """A program of the host that runs on, on its way through another; ends with all of it."""
    with subprocess.Popen([*way, "sleep", "900"], start_new_session=True) as process:
        try:
            eventually(lambda: _runs(process.pid, "sleep"))
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)
