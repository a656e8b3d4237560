"""The small readers of Docker's answers: times, states, images, frames, what an engine can do."""

from __future__ import annotations

import os
import struct
from typing import Any

import pytest

from orchestr8.boxes.world import State
from orchestr8.engines.docker.boxes import DockerBoxes, Parts
from orchestr8.engines.docker.carried import carried_spec
from orchestr8.engines.docker.details import details_of, milliseconds
from orchestr8.engines.docker.images import DockerImages, inspected_facts
from orchestr8.engines.docker.labels import BOX, INSTALLATION
from orchestr8.engines.docker.machine import DockerMachine
from orchestr8.engines.docker.streams import lines
from orchestr8.engines.docker.translate import cpu_shares, stop_signal
from orchestr8.errors import RejectedError
from orchestr8.frames import Frames
from orchestr8.isolation import features
from orchestr8.isolation.limits import Limits
from orchestr8.names import BoxId


class Answers:
    """Stands for a client that gets one answer to everything."""

    endpoint = "unix:///run/docker.sock"

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer

    def get(self, *_: str) -> dict[str, Any]:
        return self._answer

    def find(self, *_: str) -> dict[str, Any]:
        return self._answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0001-01-01T00:00:00Z", 0),
        ("", 0),
        ("soon", 0),
        ("1970-01-01T00:00:01.5Z", 1_500),
        ("2026-11-24T07:26:55.123456789Z", 1_795_505_215_123),
        ("2026-11-24T08:26:55+01:00", 1_795_505_215_000),
    ],
)
def test_times(text: str, expected: int) -> None:
    assert milliseconds(text) == expected


@pytest.mark.parametrize(
    ("finished", "policy", "again"),
    [
        ("0001-01-01T00:00:00Z", "no", False),
        ("0001-01-01T00:00:00Z", "", False),
        ("2026-11-24T07:26:55.1Z", "no", True),
        ("0001-01-01T00:00:00Z", "always", True),
    ],
)
def test_a_box_that_ran_before_or_would_run_again(finished: str, policy: str, again: bool) -> None:
    state = {"Status": "running", "Pid": os.getpid(), "FinishedAt": finished}
    host = {"RestartPolicy": {"Name": policy, "MaximumRetryCount": 0}}
    assert details_of({"State": state, "HostConfig": host}).runs_again is again


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("created", State.CREATED), ("running", State.RUNNING), ("paused", State.RUNNING),
        ("restarting", State.RUNNING), ("exited", State.STOPPED), ("dead", State.STOPPED),
        ("removing", State.STOPPED),
    ],
)  # fmt: skip
def test_states(status: str, state: State) -> None:
    found = details_of({"State": {"Status": status, "Pid": 0, "ExitCode": 3}})
    assert found.state is state
    assert found.pid is None
    assert found.exit_status == (3 if state is State.STOPPED else None)


@pytest.mark.parametrize("pid", [0, -1, None])
def test_a_pid_that_is_none_never_gets_out(pid: int | None) -> None:
    assert details_of({"State": {"Status": "running", "Pid": pid}}).pid is None


def test_what_was_true_of_a_process_that_is_gone_is_not_true_any_more() -> None:
    gone = details_of({"State": {"Status": "running", "Pid": 2**22 - 1}})
    assert not gone.still_true(State.STOPPED)
    stopped = details_of({"State": {"Status": "exited"}})
    assert stopped.still_true(State.STOPPED) and not stopped.still_true(State.RUNNING)


@pytest.mark.parametrize("text", ["", "x", "[]", '{"uid": "many"}'])
def test_a_label_that_cannot_be_read_is_no_spec(text: str) -> None:
    assert carried_spec({"orchestr8.spec": text}) is None


def test_facts_of_an_image() -> None:
    facts = inspected_facts(
        "registry:5000/shop/api:1",
        {
            "Id": "sha256:1",
            "Architecture": "x86_64",
            "RepoDigests": ["other@sha256:2", "registry:5000/shop/api@sha256:3"],
            "Config": {
                "Env": ["A=b=c", "BARE"],
                "Volumes": {"/b": {}, "/a": {}},
                "ExposedPorts": {"80/tcp": {}, "80/udp": {}, "443/tcp": {}},
                "Labels": {"k": "v"},
                "Entrypoint": None,
                "Cmd": ["x"],
            },
        },
    )
    assert facts.digest == "sha256:3"
    assert facts.env == (("A", "b=c"), ("BARE", ""))
    assert (facts.volumes, facts.ports) == (("/a", "/b"), (80, 443))
    assert (facts.entrypoint, facts.cmd, facts.architecture) == ((), ("x",), "amd64")
    assert inspected_facts("x:1", {"Id": "sha256:1", "Config": None}).digest == ""


@pytest.mark.parametrize("reference", ["../containers/x", "a/../b", "a?b=c", "a b", "", "a//b"])
def test_a_name_that_leads_elsewhere_is_no_image(reference: str) -> None:
    with pytest.raises(RejectedError, match="no name of an image"):
        DockerImages(Answers({})).resolve(reference)  # type: ignore[arg-type]


def test_an_end_counts_where_the_clock_was_set_back_since_the_start() -> None:
    """An engine refuses to be asked for what was after now."""
    box_id = BoxId("me", "a", 1)
    carried = {INSTALLATION: "here", BOX: str(box_id)}
    ended = {
        "Id": "1",
        "Config": {"Labels": carried},
        "HostConfig": {"Mounts": [{"Source": f"/run/shown/{box_id}/hosts"}]},
        "State": {"Status": "exited", "StartedAt": "2999-01-01T00:00:00Z", "ExitCode": 1},
    }
    nothing: Any = None
    client: Any = Answers(ended)
    parts = Parts("here", client, nothing, nothing, nothing, nothing, nothing)
    assert not DockerBoxes(parts).ended_from_outside(box_id)


def machine(**info: Any) -> DockerMachine:
    return DockerMachine(Answers(info), "net", idmapped_mounts=True)  # type: ignore[arg-type]


def test_a_security_module_is_present_only_where_the_engine_uses_it() -> None:
    assert not machine().features.has(features.LSM)
    without_policy = machine(SecurityOptions=["name=selinux"])
    for word in (features.LSM, features.OWN_LABEL):
        assert without_policy.features.has(word) is (not without_policy.why_no_selinux)
    assert "--selinux-enabled" in machine().features.why(features.OWN_LABEL)
    without_kernel = machine(SecurityOptions=["name=apparmor", "name=seccomp,profile=default"])
    assert without_kernel.features.has(features.LSM) is without_kernel.apparmor


def test_old_kernels_have_no_idmapped_mounts() -> None:
    old = DockerMachine(Answers({}), "net", idmapped_mounts=False)  # type: ignore[arg-type]
    assert "5.12" in old.features.why(features.OWNER_IDMAP)


@pytest.mark.parametrize("mode", ["rootless", "userns"])
def test_engines_without_private_uids_are_refused(mode: str) -> None:
    with pytest.raises(RejectedError, match=f"{mode} mode"):
        machine(SecurityOptions=["name=seccomp", f"name={mode}"]).features.has(features.LSM)


def frame(stream: int, content: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(content)) + content


@pytest.mark.parametrize("size", [1, 3, 8, 1000])
def test_frames_come_whole_however_they_are_cut(size: int) -> None:
    text = frame(1, b"one\n") + frame(2, b"") + frame(2, b"two")
    frames, found = Frames(), []
    for start in range(0, len(text), size):
        found += list(frames.feed(text[start : start + size]))
    assert found == [(1, b"one\n"), (2, b""), (2, b"two")]


def test_lines_are_ended_by_line_breaks_only() -> None:
    content = frame(1, b"a long ") + frame(1, b"line\n") + frame(2, b"bad \xff byte\nlast")
    assert lines(content) == ("a long line", "bad \\xff byte", "last")


@pytest.mark.parametrize(
    ("guarantee", "shares"), [(None, 256), (1, 2), (250, 256), (1_000, 1_024), (2_500, 2_560)]
)
def test_shares(guarantee: int | None, shares: int) -> None:
    assert cpu_shares(Limits(cpu_guarantee_millicores=guarantee)) == shares


@pytest.mark.parametrize(
    ("image", "chosen"),
    [("", "SIGTERM"), ("sigquit", "SIGQUIT"), ("WINCH", "SIGWINCH"), ("SIGSTOP", "SIGTERM"),
     ("RTMIN+3", "SIGTERM"), ("9", "SIGTERM")],
)  # fmt: skip
def test_stop_signals(image: str, chosen: str) -> None:
    assert stop_signal(image) == chosen
