"""Pins: what a reference meant stays readable, per revision as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.contract.model import ImageFacts
from orchestr8.names import ServiceName
from orchestr8.store.pins import Pins
from orchestr8.store.store import Store

API, WEB = ServiceName("payments", "api"), ServiceName("web", "front")
FACTS = ImageFacts(
    "api:1", "sha256:" + "1" * 64, "sha256:" + "2" * 64, "1000:1000", ("/api",), ("serve",),
    (("HOME", "/"), ("PATH", "/bin")), "/srv", ("/data",), (8080,), (("a", "b"),), "SIGQUIT",
    "amd64",
)  # fmt: skip
LATER = ImageFacts("api:1", "sha256:" + "3" * 64)


@pytest.fixture
def pins(tmp_path: Path) -> Iterator[Pins]:
    """Empty ones."""
    store = Store(tmp_path / "state")
    yield store.pins
    store.close()


def test_what_a_reference_means_is_what_was_noted_last(pins: Pins) -> None:
    assert pins.image("api:1") is None
    pins.note_images([FACTS])
    assert pins.image("api:1") == FACTS
    pins.note_images([LATER])
    assert pins.image("api:1") == LATER
    pins.note_images([])


def test_what_it_meant_to_a_revision_stays(pins: Pins) -> None:
    pins.pin("shop", 1, {"api:1": FACTS})
    pins.pin("shop", 2, {"api:1": LATER})
    pins.pin("other", 1, {"api:2": LATER})
    assert pins.of_revision("shop", 1) == {"api:1": FACTS}
    assert pins.of_revision("shop", 2) == {"api:1": LATER}
    assert pins.of_revision("shop", 3) == {}


def test_the_version_of_strict_is_a_service_s(pins: Pins) -> None:
    pins.note_strict({API: 1, WEB: 2})
    pins.note_strict({API: 3})
    pins.note_strict({})
    assert pins.strict_versions() == {API: 3, WEB: 2}
