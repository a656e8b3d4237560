"""From stored texts to fleets: what is in force, and what a new form of a set makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from orchestr8.boxes.records import ServiceRecord
from orchestr8.controller.fleet import merge, stopped, stored_fleet, superseded, with_set
from orchestr8.manifest.load import load_stored
from orchestr8.manifest.model import Fleet, ManifestSet, Source
from orchestr8.names import ServiceName
from orchestr8.planning.plan import Allocations
from orchestr8.store.documents import Deed
from orchestr8.store.store import Store

WEB = "orchestr8: 1\nowner: web\nservices:\n"
FRONT = ServiceName("web", "front")
PLATFORM = "orchestr8: 1\nplatform: {mode: team, owners: {web: {}}}\n"


def text(**images: str) -> str:
    """A manifest of owner web: services and their images."""
    return WEB + "".join(f'  {name}: {{image: "{image}"}}\n' for name, image in images.items())


def part(*texts: str) -> ManifestSet:
    """The set that these texts are."""
    return load_stored([Source(f"{n}.yaml", one) for n, one in enumerate(texts)])


def images_of(one: ManifestSet) -> dict[str, str]:
    """The services of a set, and their images."""
    return {service.name.service: service.image for service in one.services}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    made = Store(tmp_path / "state")
    yield made
    made.close()


def save(store: Store, set_name: str, *texts: str, files: Mapping[str, bytes] | None = None) -> int:
    """Applies texts, as far as the store is concerned."""
    sources = [Source(f"{n}.yaml", one) for n, one in enumerate(texts)]
    stored = stored_fleet(store.documents, store.ledger.held_back())
    gone = superseded(stored.live, set_name, load_stored(sources))
    number = store.documents.save(set_name, sources, files or {}, gone, Deed("ann", 1))
    if any("platform:" in one for one in texts):
        store.documents.note_platform()
    return number


def fleet(store: Store) -> dict[str, dict[str, str]]:
    """What is in force: sets, services, images."""
    stored = stored_fleet(store.documents, store.ledger.held_back())
    return {name: images_of(one) for name, one in stored.fleet.sets.items()}


def live(store: Store, set_name: str) -> list[int]:
    """The revisions of a set that something of is in force."""
    return [revision.number for revision in store.documents.in_force(set_name)]


def test_nothing_stored_is_an_empty_solo_fleet(store: Store) -> None:
    stored = stored_fleet(store.documents, {})
    assert stored.fleet.sets == {}
    assert stored.fleet.platform.mode == "solo"


def test_a_named_set_is_its_last_revision(store: Store) -> None:
    save(store, "shop", text(front="front:1", cache="redis:7"))
    save(store, "shop", text(front="front:2"))
    assert fleet(store) == {"shop": {"front": "front:2"}}
    assert live(store, "shop") == [2]


def test_the_default_set_gains_and_never_loses(store: Store) -> None:
    save(store, "default", text(front="front:1"))
    save(store, "default", text(cache="redis:7"))
    assert fleet(store) == {"default": {"front": "front:1", "cache": "redis:7"}}
    assert live(store, "default") == [1, 2]


def test_a_revision_of_which_nothing_is_left_is_superseded(store: Store) -> None:
    save(store, "default", text(front="front:1"))
    save(store, "default", text(cache="redis:7"))
    save(store, "default", text(front="front:2"))
    assert fleet(store) == {"default": {"front": "front:2", "cache": "redis:7"}}
    assert live(store, "default") == [2, 3]


def test_a_revision_of_which_something_is_left_stays(store: Store) -> None:
    save(store, "default", text(front="front:1", cache="redis:7"))
    save(store, "default", text(front="front:2"))
    assert fleet(store) == {"default": {"front": "front:2", "cache": "redis:7"}}
    assert live(store, "default") == [1, 2]


def test_later_revisions_together_supersede_an_earlier_one(store: Store) -> None:
    save(store, "default", text(front="front:1", cache="redis:7"))
    save(store, "default", text(front="front:2"))
    save(store, "default", text(cache="redis:8"))
    assert fleet(store) == {"default": {"front": "front:2", "cache": "redis:8"}}
    assert live(store, "default") == [2, 3]


def test_volumes_secrets_and_the_platform_part_count_too(store: Store) -> None:
    save(store, "default", text(front="front:1") + "volumes: {data: {}}\n")
    save(store, "default", text(front="front:2") + "secrets: {key: {}}\n")
    save(store, "default", PLATFORM)
    save(store, "default", text(front="front:3"))
    stored = stored_fleet(store.documents, {})
    assert [volume.name for volume in stored.fleet.sets["default"].volumes] == ["data"]
    assert [secret.name for secret in stored.fleet.sets["default"].secrets] == ["key"]
    assert stored.fleet.platform.mode == "team"
    assert live(store, "default") == [1, 2, 3, 4]


def test_sets_do_not_mix(store: Store) -> None:
    save(store, "default", text(front="front:1"))
    save(store, "shop", text(cache="redis:7"))
    save(store, "shop", text(other="redis:7"))
    assert fleet(store) == {"default": {"front": "front:1"}, "shop": {"other": "redis:7"}}


def test_the_platform_part_is_remembered_when_it_is_gone(store: Store) -> None:
    save(store, "platform", PLATFORM)
    store.documents.forget("platform")
    stored = stored_fleet(store.documents, {})
    assert stored.fleet.sets == {}
    assert stored.fleet.platform.mode == "team"


def test_a_set_that_is_down_is_known_and_has_no_boxes(store: Store) -> None:
    save(store, "shop", text(front="front:1") + "  second: {image: x, replicas: 3, standby: 1}\n")
    store.documents.take_down("shop")
    stored = stored_fleet(store.documents, {})
    assert stored.down == {"shop"}
    assert [one.replicas for one in stored.fleet.sets["shop"].services] == [1, 3]
    assert [one.replicas for one in stored.standing().sets["shop"].services] == [0, 0]
    assert [one.standby for one in stored.standing().sets["shop"].services] == [0, 0]


def test_applying_a_set_brings_it_up_again(store: Store) -> None:
    save(store, "shop", text(front="front:1"))
    store.documents.take_down("shop")
    save(store, "shop", text(front="front:1"))
    assert stored_fleet(store.documents, {}).down == frozenset()


def test_a_set_in_its_new_form_takes_its_own_place(store: Store) -> None:
    save(store, "shop", text(front="front:1", cache="redis:7"))
    save(store, "default", text(api="api:1"))
    in_force = stored_fleet(store.documents, {}).fleet
    shop = with_set(in_force, "shop", part(text(front="front:2")))
    assert images_of(shop.sets["shop"]) == {"front": "front:2"}
    default = with_set(in_force, "default", part(text(front="front:2")))
    assert images_of(default.sets["default"]) == {"api": "api:1", "front": "front:2"}
    assert images_of(in_force.sets["default"]) == {"api": "api:1"}


def test_the_newer_part_replaces_what_the_older_named_so() -> None:
    older = part(text(front="front:1", cache="redis:7"), PLATFORM)
    merged = merge(older, part(text(front="front:2")))
    assert images_of(merged) == {"front": "front:2", "cache": "redis:7"}
    assert merged.platform == older.platform


def test_stopping_no_set_changes_nothing() -> None:
    running = Fleet({"shop": part(text(front="front:1"))})
    assert stopped(running, frozenset()) == running
    assert stopped(running, frozenset({"another"})) == running


def hold_back(store: Store, number: int) -> None:
    """Rolls front.web back to an older revision."""
    record = ServiceRecord(FRONT, "key-1", 1, 1_048_576, "10.231.128.1")
    store.ledger.allocate(Allocations((record,)))
    store.ledger.hold_back(FRONT, number)


def test_a_service_that_was_rolled_back_has_its_older_form(store: Store) -> None:
    first = save(store, "shop", text(front="front:1", cache="redis:7"))
    second = save(store, "shop", text(front="front:2", cache="redis:8", api="api:1"))
    hold_back(store, first)
    assert fleet(store)["shop"] == {"front": "front:1", "cache": "redis:8", "api": "api:1"}
    revisions = stored_fleet(store.documents, store.ledger.held_back()).revisions
    assert revisions[FRONT] == ("shop", first)
    assert revisions[ServiceName("web", "cache")] == ("shop", second)


def test_what_the_older_form_named_comes_with_it(store: Store) -> None:
    older = WEB + "  front: {image: 'front:1', volumes: {/data: old}}\nvolumes: {old: {}}\n"
    first = save(store, "shop", older, PLATFORM)
    save(store, "shop", text(front="front:2"), PLATFORM)
    hold_back(store, first)
    stored = stored_fleet(store.documents, store.ledger.held_back())
    assert [volume.name for volume in stored.fleet.sets["shop"].volumes] == ["old"]
    assert stored.fleet.platform.mode == "team"


def test_a_service_is_held_back_where_it_still_is(store: Store) -> None:
    first = save(store, "shop", text(front="front:1", cache="redis:7"))
    save(store, "shop", text(cache="redis:8"))
    hold_back(store, first)
    assert fleet(store)["shop"] == {"cache": "redis:8"}


def test_taking_the_hold_away_gives_the_newest_form_back(store: Store) -> None:
    first = save(store, "shop", text(front="front:1"))
    save(store, "shop", text(front="front:2"))
    hold_back(store, first)
    store.ledger.hold_back(FRONT, 0)
    assert fleet(store)["shop"] == {"front": "front:2"}


MOUNTING = WEB + "  front: {image: 'front:1', files: {/etc/x: ./x}}\n"
MOUNTING_TOO = MOUNTING.replace("front:", "cache:", 1)


def contents(store: Store) -> dict[str, bytes]:
    """The content that each service's only file has."""
    files = stored_fleet(store.documents, store.ledger.held_back()).files
    return {service: store.documents.blob(digest) for (_, service, _), digest in files.items()}


def test_a_service_keeps_its_file_when_another_brings_one_of_the_same_path(store: Store) -> None:
    save(store, "default", MOUNTING, files={"x": b"of front"})
    save(store, "default", MOUNTING_TOO, files={"x": b"of cache"})
    assert contents(store) == {"front": b"of front", "cache": b"of cache"}


def test_only_the_service_that_was_rolled_back_has_its_older_file(store: Store) -> None:
    first = save(store, "shop", MOUNTING, MOUNTING_TOO, files={"x": b"old"})
    save(store, "shop", MOUNTING, MOUNTING_TOO, files={"x": b"new"})
    hold_back(store, first)
    assert contents(store) == {"front": b"old", "cache": b"new"}
