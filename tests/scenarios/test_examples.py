"""Every example runs as its page says: applied, working, proved; applied again, nothing happens."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from tests.scenarios.fleet import ROOT, Fleet, page


@dataclass(frozen=True)
class Example:
    """What an example needs, and how many boxes of it keep running."""

    running: int
    secrets: tuple[tuple[str, str], ...] = ()
    port: int | None = None
    says: bytes = b""


EXAMPLES = {
    "01-hello": Example(1, port=8080, says=b"hello"),
    "02-page": Example(1, port=8082),
    "03-data": Example(1, secrets=(("me", "db-password"),)),
    "04-teams": Example(2),
    "05-shop": Example(4, secrets=(("data", "db-password"), ("payments", "db-password"))),
}
FOLDERS = sorted(
    folder.name for folder in (ROOT / "examples").iterdir() if folder.name[:2].isdecimal()
)


def test_every_example_is_tried() -> None:
    assert FOLDERS == sorted(EXAMPLES) != []


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_runs_as_printed(fleet: Fleet, name: str) -> None:
    example = EXAMPLES[name]
    for owner, secret in example.secrets:
        fleet.secret(owner, secret, "a password\n")
    words = (f"examples/{name}", "--set", "example")

    fleet.run("apply", *words)
    assert len(fleet.containers(everything=False)) == example.running
    if example.port:
        assert example.says in page(example.port)

    assert fleet.proved() == example.running

    before = {(one["Id"], one["State"]["StartedAt"]) for one in fleet.containers()}
    since = time.time()
    said = fleet.run("apply", *words)
    assert "nothing to do" in said
    assert fleet.events(since) == []
    assert {(one["Id"], one["State"]["StartedAt"]) for one in fleet.containers()} == before

    fleet.run("remove", "--set", "example")
    assert fleet.containers() == []
