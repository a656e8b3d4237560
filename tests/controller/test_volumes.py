"""Volumes as people handle them, over the memory engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestr8.controller.apply import apply_request
from orchestr8.controller.making import down
from orchestr8.controller.progress import Phase
from orchestr8.controller.request import Request
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.controller.volumes import (
    copy_volume,
    copy_written,
    delete_volume,
    discard_copy,
    restore_volume,
    volumes,
)
from orchestr8.errors import ManifestError, RejectedError, UsageError
from orchestr8.manifest.model import Source

MANIFEST = """\
orchestr8: 1
owner: shop
services:
  db: {image: "db:1", replicas: 2, volumes: {/data: rows}}
  web: {image: "web:1", volumes: {/pages: pages}}
volumes: {rows: {size: 64MiB}, pages: {}}
"""


class Nobody:
    """Watches and says nothing."""

    def phase(self, phase: Phase) -> None: ...

    def note(self, text: str) -> None: ...


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A simulated machine with the volumes of two boxes and of a third."""
    base = tmp_path_factory.mktemp("machine")
    settings = Settings(base / "state", base / "run", base / "secrets", "memory", "ann")
    with session(settings) as made:
        apply(made, MANIFEST)
        yield made


def apply(machine: Session, text: str) -> None:
    def read(path: str) -> bytes:
        raise FileNotFoundError(2, "No such file or directory")

    asked = Request((Source("m.yaml", text),), read)
    applied = apply_request(machine, asked, Nobody(), 60_000)
    assert not applied.failures, applied.failures


def test_each_volume_has_an_owner_a_set_a_size_and_those_who_have_it(machine: Session) -> None:
    found, copies = volumes(machine)
    told = {one.name: (one.set_name, one.volume.size_bytes, len(one.uses)) for one in found}
    assert told == {
        "pages.shop": ("default", None, 1),
        "rows.shop": ("default", 64 << 20, 1),
        "1.rows.shop": ("default", 64 << 20, 1),
    }
    assert all(one.uses[0].since_ms for one in found)
    assert copies == ()


@pytest.mark.parametrize(
    "sizes, said",
    [
        ("rows: {size: 32MiB}, pages: {}", "volume rows.shop has 64MiB, and cannot shrink"),
        ("rows: {}, pages: {size: 16MiB}", "volume pages.shop is there without a size"),
    ],
)
def test_a_size_that_cannot_be_is_a_problem_of_the_manifest(
    machine: Session, sizes: str, said: str
) -> None:
    text = MANIFEST.replace("rows: {size: 64MiB}, pages: {}", sizes)
    with pytest.raises(ManifestError) as refused:
        apply(machine, text)
    assert said in refused.value.problems[0].what
    assert refused.value.problems[0].place.line == 6


def test_what_a_box_has_is_neither_deleted_nor_restored(machine: Session) -> None:
    copy = copy_volume(machine, "pages.shop", "before")
    assert copy_written(copy) == "pages.shop@before"
    for refused in (
        lambda: delete_volume(machine, "pages.shop"),
        lambda: restore_volume(machine, "pages.shop", "before"),
    ):
        with pytest.raises(RejectedError) as error:
            refused()
        assert "box shop--web--1 has it" in error.value.what
        assert "orchestr8 down" in error.value.remedy


def test_names_that_are_wrong_are_answered_with_near_ones(machine: Session) -> None:
    for call in (
        lambda: delete_volume(machine, "page.shop"),
        lambda: copy_volume(machine, "page.shop", "x"),
    ):
        with pytest.raises(UsageError) as error:
            call()
        assert "did you mean pages.shop?" in error.value.remedy
    with pytest.raises(UsageError, match="has no copy nothing"):
        restore_volume(machine, "pages.shop", "nothing")
    with pytest.raises(UsageError, match="there is no copy"):
        discard_copy(machine, "pages.shop@nothing")


def test_the_end_of_a_volume_is_asked_for_and_journalled(machine: Session) -> None:
    down(machine, "default", Nobody(), 60_000, forget=True)
    machine.forget_stored()
    assert {one.set_name for one in volumes(machine)[0]} == {""}, "orphans"
    restore_volume(machine, "pages.shop", "before")
    delete_volume(machine, "pages.shop")
    assert [copy_written(one) for one in volumes(machine)[1]] == ["pages.shop@before"]
    discard_copy(machine, "pages.shop@before")
    kinds = {row.kind for row in machine.store.journal.rows()}
    assert {"copy volume", "restore volume", "delete volume", "discard copy"} <= kinds
