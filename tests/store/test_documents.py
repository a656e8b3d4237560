"""Sets and revisions: saved whole or not at all, numbered for ever, in force until superseded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.errors import StoreError
from orchestr8.manifest.model import Source
from orchestr8.store.documents import Deed, Documents
from orchestr8.store.store import Store

BY = Deed("ann", 1_800_000_000_000)
SOURCES = (Source("b.yaml", "second: name\n"), Source("a.yaml", "first: name\n"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    made = Store(tmp_path / "state")
    yield made
    made.close()


@pytest.fixture
def documents(store: Store) -> Documents:
    """Its documents."""
    return store.documents


def test_a_revision_is_what_was_saved(documents: Documents) -> None:
    number = documents.save("shop", SOURCES, {"etc/api.toml": b"\0port = 1"}, (), BY)
    (revision,) = documents.in_force("shop")
    assert (revision.set_name, revision.number, revision.deed) == ("shop", 1, BY)
    assert number == 1
    assert revision.status == "applying"
    assert revision.sources == SOURCES
    assert documents.blob(revision.files["etc/api.toml"]) == b"\0port = 1"


def test_revisions_are_numbered_per_set_and_never_again(documents: Documents) -> None:
    assert documents.save("shop", SOURCES, {}, (), BY) == 1
    assert documents.save("shop", SOURCES, {}, (1,), BY) == 2
    assert documents.save("other", SOURCES, {}, (), BY) == 1
    documents.forget("shop")
    assert documents.save("shop", SOURCES, {}, (), BY) == 3


def test_what_is_superseded_stays_readable_and_is_not_in_force(documents: Documents) -> None:
    documents.save("shop", SOURCES, {"x": b"old"}, (), BY)
    documents.save("shop", SOURCES, {"x": b"new"}, (1,), BY)
    assert [one.number for one in documents.in_force("shop")] == [2]
    assert documents.blob(documents.revision("shop", 1).files["x"]) == b"old"


def test_an_unknown_revision_is_an_error(documents: Documents) -> None:
    with pytest.raises(StoreError, match="the set shop has no revision 7"):
        documents.revision("shop", 7)


def test_a_missing_content_says_how_to_get_it_back(documents: Documents) -> None:
    with pytest.raises(StoreError) as caught:
        documents.blob("0" * 64)
    assert caught.value.remedy == "apply its set again"


def test_a_set_goes_down_and_comes_up_with_its_next_revision(documents: Documents) -> None:
    documents.save("shop", SOURCES, {}, (), BY)
    documents.take_down("shop")
    assert documents.sets() == {"shop": True}
    assert [one.number for one in documents.in_force("shop")] == [1]
    documents.save("shop", SOURCES, {}, (1,), BY)
    assert documents.sets() == {"shop": False}


def test_a_forgotten_set_is_gone_and_its_history_stays(documents: Documents) -> None:
    documents.save("shop", SOURCES, {}, (), BY)
    documents.forget("shop")
    assert documents.sets() == {}
    assert documents.in_force("shop") == ()
    assert documents.revision("shop", 1).sources == SOURCES


def test_a_status_is_of_one_revision(documents: Documents) -> None:
    documents.save("shop", SOURCES, {}, (), BY)
    documents.save("shop", SOURCES, {}, (), BY)
    documents.set_status("shop", 1, "converged")
    assert [one.status for one in documents.in_force("shop")] == ["converged", "applying"]


def test_a_platform_part_is_remembered_for_ever(documents: Documents) -> None:
    assert not documents.platform_ever_stored()
    documents.note_platform()
    documents.note_platform()
    assert documents.platform_ever_stored()


def test_a_digest_gives_nothing_away_without_the_key(tmp_path: Path, store: Store) -> None:
    other = Store(tmp_path / "other")
    assert store.documents.digest(b"x") == store.documents.digest(b"x")
    assert store.documents.digest(b"x") != other.documents.digest(b"x")
    assert len(store.documents.digest(b"")) == 64
    other.close()


def test_equal_contents_are_kept_once(documents: Documents) -> None:
    documents.save("shop", SOURCES, {"x": b"same", "y": b"same"}, (), BY)
    (revision,) = documents.in_force("shop")
    assert revision.files["x"] == revision.files["y"]


def test_a_save_that_fails_half_way_leaves_nothing(documents: Documents) -> None:
    documents.save("shop", SOURCES, {}, (), BY)
    twice = (*SOURCES, None)
    with pytest.raises(AttributeError):
        documents.save("shop", twice, {}, (1,), BY)  # type: ignore[arg-type]
    assert [one.number for one in documents.in_force("shop")] == [1]
    assert documents.save("shop", SOURCES, {}, (1,), BY) == 2
