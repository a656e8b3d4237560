"""What a tag means: asked once, kept by each revision, asked anew for one set alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.engines.memory.workload import dies_at_once
from orchestr8.errors import Exit
from orchestr8.names import ServiceName
from tests.controller.road import Road, manifest

WEB, BLOG = (
    {"web.yaml": manifest("web", "front app:1")},
    {"blog.yaml": manifest("blog", "page app:1")},
)


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A machine that has the image app:1."""
    made = Road(tmp_path)
    made.image("app:1", "a")
    return made


def test_a_tag_that_moves_changes_nothing_until_it_is_asked_anew(road: Road) -> None:
    assert road.apply(WEB, "web").revision == 1
    road.image("app:1", "b")
    again = road.apply(WEB, "web")
    assert (again.changed, again.revision) == (False, 1)
    pulled = road.apply(WEB, "web", pull=True)
    assert (pulled.exit, pulled.revision) == (Exit.DONE, 2)
    assert road.boxes() == {"web--front--2": "b"}
    assert not road.apply(WEB, "web").changed


def test_another_set_keeps_what_the_tag_meant_to_it(road: Road) -> None:
    road.apply(WEB, "web")
    road.apply(BLOG, "blog")
    road.image("app:1", "b")
    road.apply(WEB, "web", pull=True)
    assert road.boxes() == {"blog--page--1": "a", "web--front--2": "b"}
    assert not road.apply(BLOG, "blog").changed
    changed = {"blog.yaml": manifest("blog", "page app:1", "feed app:1")}
    road.apply(changed, "blog")
    assert road.boxes() == {"blog--feed--1": "a", "blog--page--1": "a", "web--front--2": "b"}


def test_a_fresh_set_takes_what_was_found_out_last(road: Road) -> None:
    road.apply(WEB, "web")
    road.image("app:1", "b")
    road.apply(WEB, "web", pull=True)
    road.image("app:1", "c")
    road.apply(BLOG, "blog")
    assert road.boxes() == {"blog--page--1": "b", "web--front--2": "b"}


def test_a_new_image_that_fails_goes_back_to_what_the_tag_meant(road: Road) -> None:
    road.apply(WEB, "web")
    broken = road.image("app:1", "b")
    road.machine.workloads[broken.id] = dies_at_once()
    applied = road.apply(WEB, "web", pull=True)
    assert applied.exit is Exit.ROLLED_BACK
    assert applied.rolled_back == {ServiceName("web", "front"): 1}
    assert road.boxes() == {"web--front--1": "a"}


def test_the_default_set_s_services_rest_on_revisions_of_their_own(road: Road) -> None:
    road.apply(WEB)
    road.image("app:1", "b")
    road.apply(BLOG, pull=True)
    assert road.boxes() == {"blog--page--1": "b", "web--front--1": "a"}
    assert not road.apply(WEB).changed
    assert road.boxes() == {"blog--page--1": "b", "web--front--1": "a"}


def test_revisions_of_before_there_were_pins_keep_their_meaning(road: Road) -> None:
    road.apply(WEB, "web")
    road.apply(BLOG, "blog")
    with road.open() as opened:
        opened.store.pins._database.rows("DELETE FROM pins")
    road.image("app:1", "b")
    assert not road.apply(BLOG, "blog").changed
    road.apply(WEB, "web", pull=True)
    assert not road.apply(BLOG, "blog").changed
    assert road.boxes() == {"blog--page--1": "a", "web--front--2": "b"}
