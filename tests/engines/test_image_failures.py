"""What the programs that move and unpack images say, and what we make of it."""

from __future__ import annotations

import pytest

from orchestr8.engines.crun.image_failures import failure, last_words
from orchestr8.errors import RejectedError, UnavailableError

PINGING = "initializing source docker://r.example/app:1: pinging container registry r.example: "
CASES = (
    (PINGING + 'Get \\"https://r.example/v2/\\": dial tcp: connection refused', UnavailableError,
     "r.example does not answer"),
    ("reading blob: Get blobs: read: connection reset by peer", UnavailableError, "to the end"),
    ("reading manifest 1 in r.example/app: received unexpected HTTP status: 503 Service "
     "Unavailable", UnavailableError, "does not answer"),
    (PINGING + "http: server gave HTTP response to HTTPS client", RejectedError, "without TLS"),
    (PINGING + "x509: certificate signed by unknown authority", RejectedError, "certificate"),
    ("reading manifest 1: unauthorized: authentication required", RejectedError, "no login"),
    ("unable to retrieve auth token: invalid username/password", RejectedError, "no login"),
    ("reading manifest 2 in r.example/app: manifest unknown", RejectedError, "no such image"),
    ("(Mirrors also failed: [m/app:2: manifest unknown]): dial tcp: i/o timeout",
     UnavailableError, "does not answer"),
    ("writing blob: Digest did not match, expected sha256:a, got sha256:b", RejectedError,
     "not what its digest names"),
    ("no image found in manifest list for architecture amd64", RejectedError, "no variant"),
    ("storing blob to file: write /x: no space left on device", RejectedError, "disk is full"),
    ("create rootfs: unpack layer: unpack entry: a: short write: unexpected EOF", RejectedError,
     "a layer of the image is broken"),
    ("create rootfs: unpack layer: unpack entry: b: link: no such file or directory",
     RejectedError, "a layer of the image is broken"),
    ("create rootfs: unpack manifest: layer sha256:a: diffid mismatch: got b expected c",
     RejectedError, "a layer of the image is broken"),
    ("create rootfs: unpack rootfs: layer a: blob is not correct mediatype: x", RejectedError,
     "of a kind that umoci cannot unpack"),
    ("create rootfs: get config blob: parse x: json: cannot unmarshal string into Go struct field",
     RejectedError, "cannot be read"),
    ("loading image from docker engine: Cannot connect to the Docker daemon at unix:///x",
     UnavailableError, "no Docker Engine answers"),
)  # fmt: skip


@pytest.mark.parametrize(("said", "kind", "meant"), CASES)
def test_a_failure_says_what_it_means_and_what_to_do(
    said: str, kind: type[Exception], meant: str
) -> None:
    line = f'time="2026-01-01T00:00:00Z" level=fatal msg="{said}"\n'
    found = failure("fetching the image app:1", f"Getting image source\n{line}", "r.example")
    assert type(found) is kind
    assert found.what.startswith("fetching the image app:1: ")
    assert meant in found.what
    assert "time=" not in found.what
    assert found.remedy


def test_the_words_of_both_programs_are_read() -> None:
    assert last_words("") == "no reason given"
    assert last_words("   • unpack\n   ⨯ create rootfs: unpack entry: link: no such file") == (
        "create rootfs: unpack entry: link: no such file"
    )
    assert (
        last_words('time="x" level=fatal msg="Error parsing image name \\"docker://a:1\\": b"')
        == "b"
    )
    assert last_words("time=x level=fatal msg=short") == "short"


def test_what_a_registry_is_called_is_no_format() -> None:
    found = failure("fetching", 'msg="unauthorized {0.__class__}"', "{registry}%n.example")
    assert "%n.example" in found.what
