"""None of Docker's exceptions leaves its folder, and each known message says whose move it is."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker.errors
import pytest
import requests
import urllib3.exceptions
from msgspec import DecodeError

from orchestr8.engines.docker import failures, sdk
from orchestr8.engines.docker.boxes import _require_all_taken
from orchestr8.engines.docker.client import Client
from orchestr8.errors import (
    EngineError,
    FeatureMissingError,
    RejectedError,
    ShortageError,
    UnavailableError,
)
from orchestr8.names import BoxId
from tests.engines.answering import answering

URL = "unix:///run/nobody/docker.sock"
EXCEPTIONS = [
    kind
    for _, kind in inspect.getmembers(docker.errors, inspect.isclass)
    if issubclass(kind, Exception) and kind.__module__ == "docker.errors"
]
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "BuildError": ("reason", []),
    "ContainerError": ("c", 1, "command", "image", b"said"),
    "ContextAlreadyExists": ("name",),
    "ContextNotFound": ("name",),
    "MissingContextParameter": ("name",),
    "TLSParameterError": ("text",),
}


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: str(kind.__name__))
def test_none_is_unmapped(kind: type[Exception]) -> None:
    error = kind(*ARGUMENTS.get(kind.__name__, ("text",)))
    with pytest.raises(EngineError) as translated, sdk.words("creating box x", URL):
        raise error
    assert translated.value.__cause__ is error
    assert translated.value.what.startswith("creating box x")


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ConnectionError("reset"),
        requests.exceptions.ReadTimeout("slow"),
        requests.exceptions.ConnectTimeout("slow"),
        requests.exceptions.ChunkedEncodingError("cut"),
        urllib3.exceptions.ProtocolError("cut"),
        urllib3.exceptions.ReadTimeoutError(None, "", "slow"),  # type: ignore[arg-type]
        ConnectionRefusedError(111, "refused"),
        FileNotFoundError(2, "absent"),
        TimeoutError("slow"),
        BrokenPipeError(32, "broken"),
    ],
    ids=repr,
)
def test_what_is_bare_may_work_later(error: Exception) -> None:
    with pytest.raises(UnavailableError) as translated, sdk.words("listing", URL):
        raise error
    assert translated.value.remedy


@pytest.mark.parametrize(
    "error",
    [
        urllib3.exceptions.ProtocolError("cut"),
        urllib3.exceptions.ReadTimeoutError(None, "", "slow"),  # type: ignore[arg-type]
        ConnectionRefusedError(111, "refused"),
        DecodeError("cut"),
    ],
    ids=repr,
)
def test_what_is_bare_of_a_single_call_may_work_later(error: Exception) -> None:
    with pytest.raises(UnavailableError) as translated, failures.words("listing", URL):
        raise error
    assert translated.value.remedy


def test_no_right_to_the_socket_is_said() -> None:
    inner = urllib3.exceptions.ProtocolError("aborted", PermissionError(13, "denied"))
    with pytest.raises(RejectedError) as translated, sdk.words("listing", URL):
        raise requests.exceptions.ConnectionError(inner)
    assert "may not use the Docker Engine" in translated.value.what
    assert "root" in translated.value.remedy


MESSAGES = [
    # what Docker 20.10 and 28 answer, and what we make of it
    (409, 'Conflict. The container name "/web--front--1" is already in use by container "9f". You '
     "have to remove (or rename) that container to be able to reuse that name.",
     RejectedError, "name web--front--1 belongs to"),
    (404, "No such image: sha256:99", RejectedError, "image is not on this engine"),
    (404, "pull access denied for shop, repository does not exist or may require 'docker login'",
     RejectedError, "no registry gives shop"),
    (404, "manifest for shop:9 not found: manifest unknown", RejectedError,
     "no image of this name"),
    (500, "Get https://registry.example/v2/: dial tcp: lookup registry.example: no such host",
     UnavailableError, "registry does not answer"),
    (500, "Get https://r/v2/: dial tcp 127.0.0.1:1: connect: connection refused",
     UnavailableError, "registry does not answer"),
    (500, 'Get "https://r/v2/": dial tcp: lookup r on 10.0.0.1:53: dial udp 10.0.0.1:53: connect: '
     "network is unreachable", UnavailableError, "registry does not answer"),
    (500, 'Get "https://r/v2/": dial tcp 192.0.2.1:443: connect: no route to host',
     UnavailableError, "registry does not answer"),
    (500, "toomanyrequests: You have reached your pull rate limit.", UnavailableError, "limits"),
    (500, "write /var/lib/docker/tmp/x: no space left on device", RejectedError, "disk"),
    (500, "open /dev/null: too many open files in system", ShortageError, "no file descriptor"),
    (403, "Address already in use", RejectedError, "address is in use"),
    (403, "Pool overlaps with other one on this address space", RejectedError, "address range"),
    (403, "invalid pool request: Pool overlaps with other one on this address space",
     RejectedError, "address range"),
    (404, "could not find an available, non-overlapping IPv4 address pool among the defaults to "
     "assign to the network", RejectedError, "address pools are used up"),
    (404, 'OCI runtime create failed: container_linux.go:380: starting container process caused: '
     'exec: "/usr/bin/absent": stat /usr/bin/absent: no such file or directory: unknown',
     RejectedError, "no program /usr/bin/absent"),
    (400, 'failed to create task for container: failed to create shim task: OCI runtime create '
     'failed: runc create failed: unable to start container process: error during container init: '
     'exec: "serve": executable file not found in $PATH', RejectedError, "no program serve"),
    (403, 'OCI runtime create failed: exec: "/etc/passwd": permission denied: unknown',
     RejectedError, "may not run /etc/passwd"),
    (500, "can't join IPC of container c99: non-shareable IPC (hint: use IpcMode:shareable for "
     "the donor container)", RejectedError, "before anyone might join"),
    (409, "cannot join network of a non running container: c99", RejectedError, "does not run"),
    (400, "Minimum memory limit allowed is 6MB", RejectedError, "below what Docker takes"),
    (500, "failed to write 6291456 to memory.limit_in_bytes: device or resource busy",
     RejectedError, "more memory than the new limit"),
    (500, "write /sys/fs/cgroup/cpu/orchestr8-x/web/9f/cpu.cfs_quota_us: invalid argument",
     RejectedError, "more than its owner's quota"),
    (500, 'error gathering device information while adding custom device "/dev/absent": no such '
     "file or directory", RejectedError, "no device /dev/absent"),
    (500, "connection error: desc = transport: dial unix /run/containerd/containerd.sock",
     UnavailableError, "waits for containerd"),
    (400, "client version 1.20 is too old. Minimum supported API version is 1.44", RejectedError,
     "no API version in common"),
    (503, "anything", UnavailableError, "anything"),
    (500, "a message\nthat nobody knows", RejectedError, "a message that nobody knows"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "text", "kind", "words"), MESSAGES, ids=[words for _, _, _, words in MESSAGES]
)
def test_a_message_says_what_happened_and_whose_move_it_is(
    status: int, text: str, kind: type[EngineError], words: str
) -> None:
    error = failures.answered(text, "creating box x", status)
    assert type(error) is kind
    assert words in error.what
    assert error.remedy and "{" not in error.what + error.remedy


def test_every_row_has_a_remedy_and_fills_its_names() -> None:
    for row in failures.ROWS:
        assert row.what and row.remedy


def test_a_setting_that_the_engine_drops_is_a_missing_feature() -> None:
    box_id = BoxId("web", "front", 1)
    _require_all_taken(box_id, ["IPv4 forwarding is disabled. Networking will not work."])
    with pytest.raises(FeatureMissingError, match="swap limit"):
        _require_all_taken(
            box_id,
            ["Your kernel does not support swap limit capabilities or the cgroup is not mounted. "
             "Memory limited without swap."],
        )  # fmt: skip


@pytest.fixture
def old_engine(tmp_path: Path) -> Iterator[str]:
    """Something that answers like an engine of API 1.40."""
    path, body = tmp_path / "docker.sock", b'{"ApiVersion": "1.40", "Version": "19.03"}'
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    with answering(path, [answer]):
        yield f"unix://{path}"


def test_an_engine_that_is_too_old_is_refused(old_engine: str) -> None:
    with pytest.raises(RejectedError, match=r"speaks API 1\.40, and orchestr8 needs 1\.41"):
        Client(old_engine)
