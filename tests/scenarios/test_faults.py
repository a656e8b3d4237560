"""What goes wrong on real machines: a sentence, whose move it is, and nothing half-made."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.fleet import ROOT, Fleet, manifest

HELLO = manifest("  web: {image: 'hello:1'}\n")


def nothing_is_left(fleet: Fleet) -> None:
    assert fleet.containers() == []


def test_no_docker(fleet: Fleet) -> None:
    said = fleet.apply_text(HELLO, exit_status=1, DOCKER_HOST="unix:///nowhere/docker.sock")
    assert "no Docker Engine answers at unix:///nowhere/docker.sock" in said


def test_a_remote_docker_is_refused(fleet: Fleet) -> None:
    said = fleet.apply_text(HELLO, exit_status=1, DOCKER_HOST="tcp://192.0.2.1:2375")
    assert "tcp://192.0.2.1:2375" in said
    assert "another machine" in said


AS_NOBODY = """
import importlib, io, os, pkgutil, sys
import orchestr8
text = sys.stdin.read()

def apply(**environment):
    os.environ.update(environment)
    sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
    return run(["apply", "-"])

# All that is ever loaded is loaded before the interpreter's own files are out of reach.
for found in pkgutil.walk_packages(orchestr8.__path__, "orchestr8."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
from orchestr8.__main__ import run
real = {name: os.environ[name] for name in ("DOCKER_HOST", "ORCHESTR8_STATE")}
sys.stderr = io.StringIO()
apply(DOCKER_HOST="unix:///nowhere", ORCHESTR8_STATE=os.environ["REHEARSAL"])
sys.stderr = sys.__stderr__
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.exit(apply(**real))
"""


@pytest.mark.parametrize("state", ["/var/lib/orchestr8-test/closed", "/tmp/orchestr8-open"])
def test_no_permission(fleet: Fleet, state: str) -> None:
    """An ordinary user may use neither the state folder nor the engine."""
    finished = subprocess.run(
        [sys.executable, "-c", AS_NOBODY], cwd=ROOT, input=HELLO, text=True,
        env={**fleet.environment, "ORCHESTR8_STATE": state, "REHEARSAL": str(fleet.base / "no")},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert finished.returncode == 1, finished.stdout
    assert "no permission" in finished.stdout or "this user may not" in finished.stdout
    assert "as root" in finished.stdout
    nothing_is_left(fleet)


def test_an_image_that_nobody_has(fleet: Fleet) -> None:
    said = fleet.apply_text(manifest("  web: {image: 'localhost:1/absent:9'}\n"), exit_status=1)
    assert "localhost:1/absent:9" in said
    nothing_is_left(fleet)


def test_a_port_that_somebody_holds(fleet: Fleet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        line = f"  web: {{image: 'hello:1', publish: {{127.0.0.1:{port}: 8080}}}}\n"
        said = fleet.apply_text(manifest(line), exit_status=1)
        assert str(port) in said
        assert "waits" in said
        nothing_is_left(fleet)


def test_a_name_that_a_foreign_container_has(fleet: Fleet) -> None:
    made = fleet.client.create_container("probe:1", ["/usr/bin/probe", "wait"], name="me--web--1")
    try:
        said = fleet.apply_text(HELLO)
        assert "me--web--1 belongs to a container that is not this installation's" in said
        assert fleet.client.inspect_container(made["Id"])["Name"] == "/me--web--1"
        assert fleet.container("web.me")["Name"] == "/me--web--2", "the next serial is free"
    finally:
        fleet.client.remove_container(made["Id"], force=True)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("exit", "exited with status 1"),
        ("readonly", "scratch:"),
        ("memory", "memory"),
        ("chown", "user.fixed"),
        ("user", "user.fixed"),
    ],
)
def test_a_box_that_dies_is_explained_and_leaves_nothing(
    fleet: Fleet, word: str, told: str
) -> None:
    line = f"  web: {{image: 'faults:1', args: [{word}], limits: {{memory: 32MiB}}}}\n"
    said = fleet.apply_text(manifest(line), exit_status=1)
    assert told in said
    assert "3 times in a row" in said
    nothing_is_left(fleet)
    assert "web" in fleet.run("why", "web.me", exit_status=None)


@pytest.mark.parametrize(("image", "told"), [("foreign:1", "is for "), ("nobinary:1", "absent")])
def test_an_image_that_cannot_start(fleet: Fleet, image: str, told: str) -> None:
    said = fleet.apply_text(manifest(f"  web: {{image: '{image}'}}\n"), exit_status=None)
    assert told in said
    nothing_is_left(fleet)


def test_a_hostile_image_is_refused(fleet: Fleet) -> None:
    said = fleet.apply_text(manifest("  web: {image: 'hostile:1'}\n"), exit_status=2)
    assert "label" in said
    assert "volume" in said
    nothing_is_left(fleet)


def test_a_box_that_never_gets_healthy(fleet: Fleet) -> None:
    line = "  web: {image: 'faults:1', args: [unhealthy], health: {http: ':8080/', within: 2s}}\n"
    said = fleet.apply_text(manifest(line), exit_status=1)
    assert "not healthy within 2s" in said
    nothing_is_left(fleet)


def test_a_full_disk(fleet: Fleet) -> None:
    """The state folder on a file system of one page: nothing is begun."""
    state = fleet.base / "full"
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(state)], check=True)
    try:
        said = fleet.apply_text(HELLO, exit_status=1, ORCHESTR8_STATE=str(state))
        assert "room" in said or "space" in said
    finally:
        subprocess.run(["umount", str(state)], check=True)
    nothing_is_left(fleet)


@pytest.mark.parametrize("text", ["", "][", "orchestr8: 1\nowner: me\nservices: {a: {}}\n", "\0"])
def test_a_bad_manifest_creates_nothing(fleet: Fleet, text: str) -> None:
    said = fleet.apply_text(text, exit_status=2)
    assert "nothing was changed" in said
    nothing_is_left(fleet)


def test_a_second_apply_beside_the_first_is_told_to_wait(fleet: Fleet) -> None:
    import fcntl

    (fleet.base / "state").mkdir()
    descriptor = os.open(fleet.base / "state" / "lock", os.O_RDWR | os.O_CREAT)
    with contextlib.closing(os.fdopen(descriptor, "w")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another orchestr8" in fleet.apply_text(HELLO, exit_status=1)


def test_a_fifo_for_a_manifest_does_not_hang(fleet: Fleet, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    fleet.run("apply", str(tmp_path / "pipe.yaml"), exit_status=2, seconds=20)
