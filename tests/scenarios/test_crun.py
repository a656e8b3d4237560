"""The shop on the crun engine: no daemon, every wall, and nothing left behind."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator

import pytest

from tests.scenarios.crun_fleet import CrunFleet, fresh_crun
from tests.scenarios.fleet import manifest, page

IMAGES = ("postgres:debian", "redis:debian", "shop-api:1", "shop-front:1")

pytestmark = pytest.mark.on_engine("crun")


@pytest.fixture
def shop() -> Iterator[CrunFleet]:
    for made in fresh_crun():
        password = secrets.token_hex(4)
        for owner in ("data", "payments"):
            made.secret(owner, "db-password", password)
        yield made


def test_the_shop_runs_and_is_proved_without_a_daemon(shop: CrunFleet) -> None:
    shop.take_images(*IMAGES)

    shop.run("apply", "examples/05-shop", "--set", "shop")

    document = shop.json("prove")
    verdicts = [one["verdict"] for box in document["boxes"] for one in box["findings"]]
    assert len(document["boxes"]) == 4
    assert set(verdicts) == {"held"}
    assert {gap["feature"] for gap in document["gaps"]} <= {"lsm"}, "the host's gap alone"
    assert b"The shop" in page(8080)
    assert "nothing to do" in shop.run("apply", "examples/05-shop", "--set", "shop")
    assert shop.mounts() == [], "boxes keep their own copies"
    assert "postgres:debian" in shop.run("image", "ls")

    shop.run("remove", "--set", "shop")

    assert shop.box_folders() == []


@pytest.fixture
def fleet() -> Iterator[CrunFleet]:
    yield from fresh_crun()


def test_a_box_that_ran_out_of_memory_is_said_to_have(fleet: CrunFleet) -> None:
    fleet.take_images("faults:1")
    line = "  web: {image: 'faults:1', args: [memory], limits: {memory: 32MiB}}\n"
    said = fleet.apply_text(manifest(line), exit_status=1)
    assert "the box ran out of memory" in said
    assert "the box ran out of memory" in fleet.run("why", "web.me", exit_status=None)
    assert fleet.box_folders() == []


def test_boxes_of_a_lost_store_are_found_and_taken_over(shop: CrunFleet) -> None:
    shop.take_images("hello:1")
    text = manifest("  web: {image: 'hello:1', volumes: {/data: rows}}\n") + "volumes: {rows: {}}\n"
    shop.apply_text(text)
    before, installation = shop.box_folders(), shop.installation
    for path in (shop.base / "state").glob("orchestr8.db*"):
        path.unlink()

    for words in (("status",), ("plan", "-"), ("apply", "-")):
        said = shop.run(*words, stdin=text, exit_status=1)
        assert f"1 box that it knew is on crun (installation {installation})" in said
    for words in (("why", "web.me"), ("prove",), ("history",), ("restart", "web.me")):
        assert "take them over as they run:  orchestr8 adopt" in shop.run(*words, exit_status=1)
    assert "adopted 1 box and 1 volume" in shop.run("adopt")
    assert "Nothing to do" in shop.run("plan", "-", "--exit-code", stdin=text)
    assert "nothing to do" in shop.apply_text(text)
    assert shop.box_folders() == before
    assert shop.proved() == 1


def test_boxes_of_a_lost_folder_are_known_and_replaced(shop: CrunFleet) -> None:
    shop.take_images("hello:1")
    services = (
        "  web: {image: 'hello:1', volumes: {/data: rows}}\n"
        "  waits: {image: 'hello:1', standby: 1}\n"
    )
    text = manifest(services) + "volumes: {rows: {}}\n"
    shop.apply_text(text)
    before, installation = _tasks(shop), shop.installation
    assert len(before) == 3
    shutil.rmtree(shop.base / "state")

    for words in (("status",), ("plan", "-"), ("apply", "-")):
        said = shop.run(*words, stdin=text, exit_status=1)
        assert f"3 boxes that it knew are on crun (installation {installation})" in said
    said = shop.run("adopt")
    assert "lost with the state folder" in said
    assert "run on as they are" not in said
    assert _tasks(shop) == before, "adopt itself touches nobody"

    shop.take_images("hello:1")
    assert "lost its folder" in shop.run("plan", "-", stdin=text)
    shop.apply_text(text)
    after = _tasks(shop)
    assert len(after) == 3
    assert not set().union(*after.values()) & set().union(*before.values())
    assert shop.proved() == 2
    assert "nothing to do" in shop.apply_text(text)


def _tasks(shop: CrunFleet) -> dict[str, set[str]]:
    """Who lives in each box's groups, by number: a second fleet beside the first would be more."""
    found: dict[str, set[str]] = {}
    for file in shop.control_files("**/cgroup.procs"):
        if "--" in file.parent.name and (numbers := file.read_text().split()):
            found.setdefault(file.parent.name, set()).update(numbers)
    return found
