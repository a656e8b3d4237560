"""Back to an earlier revision: a set as one unit, with its files and what its tags meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.controller.applied import Applied
from orchestr8.controller.rollback import Return, plan_rollback, roll_back
from orchestr8.engines.memory.workload import dies_at_once
from orchestr8.errors import Exit, RefusedError, UsageError
from orchestr8.names import ServiceName
from orchestr8.planning.plan import Mark
from tests.controller.road import HEALTH, TIMEOUT_MS, Road, manifest

FRONT, WORKER, PAGE = (
    ServiceName("web", "front"), ServiceName("web", "worker"), ServiceName("blog", "page"),
)  # fmt: skip
FILES = f"""\
orchestr8: 1
owner: web
services:
  front: {{image: app:1, files: {{/etc/app.toml: ./app.toml}}, {HEALTH}}}
"""


def web(*services: str) -> dict[str, str]:
    """The owner's one file."""
    return {"web.yaml": manifest("web", *services)}


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A machine with three images."""
    made = Road(tmp_path)
    for reference, mark in (("app:1", "a"), ("app:2", "b"), ("work:1", "c")):
        made.image(reference, mark)
    return made


def back(road: Road, set_name: str, number: int = 0) -> tuple[Return, Applied]:
    """Rolls back."""
    with road.open() as opened:
        return roll_back(opened, set_name, number, road.watcher, TIMEOUT_MS)


def statuses(road: Road, set_name: str) -> list[tuple[int, int, str, bool]]:
    """Each revision: its number, which it repeats, what became of it, whether it is in force."""
    with road.open() as opened:
        return [
            (one.number, one.deed.repeats, one.status, one.live)
            for one in opened.store.documents.history(set_name)
        ]


def test_a_set_goes_back_as_a_whole_and_as_a_new_revision(road: Road) -> None:
    road.apply(web("front app:1"), "web")
    road.apply(web("front app:2", "worker work:1"), "web")
    way, applied = back(road, "web")
    assert (way.revision.number, applied.revision, applied.exit) == (1, 3, Exit.DONE)
    assert road.boxes() == {"web--front--3": "a"}
    assert statuses(road, "web") == [
        (1, 0, "converged", False),
        (2, 0, "converged", False),
        (3, 1, "converged", True),
    ]
    with road.open() as opened:
        assert (
            opened.store.documents.revision("web", 3).sources[0].text
            == web("front app:1")["web.yaml"]
        )
        (row,) = [row for row in opened.store.journal.rows() if row.kind == "rollback"]
    assert (row.actor, row.subject, row.cause) == ("ann", "web revision 3", "to revision 1")
    assert not road.apply(web("front app:1"), "web").changed


def test_what_is_planned_is_what_happens_and_changes_nothing_yet(road: Road) -> None:
    road.apply(web("front app:1", "worker work:1"), "web")
    road.apply(web("front app:2"), "web")
    with road.open() as opened:
        outlook = plan_rollback(opened, "web", 1)
        marks = {str(step.service): step.mark for step in outlook.cycle.plan.steps}
    assert marks == {"front.web": Mark.REPLACE, "worker.web": Mark.PROVISION}
    assert road.boxes() == {"web--front--2": "b"}
    assert [number for number, *_ in statuses(road, "web")] == [1, 2]


def test_going_back_twice_goes_two_steps_back(road: Road) -> None:
    for image in ("app:1", "app:2", "work:1"):
        road.apply(web(f"front {image}"), "web")
    assert back(road, "web")[0].revision.number == 2
    assert back(road, "web")[0].revision.number == 1
    assert list(road.boxes().values()) == ["a"]
    with pytest.raises(UsageError) as caught:
        back(road, "web")
    assert "no earlier revision that worked" in caught.value.what
    assert back(road, "web", 3)[1].revision == 6
    assert list(road.boxes().values()) == ["c"]


def test_a_revision_that_never_worked_is_passed_over(road: Road) -> None:
    road.apply(web("front app:1"), "web")
    broken = road.image("app:9", "9")
    road.machine.workloads[broken.id] = dies_at_once()
    assert road.apply(web("front app:9"), "web").exit is Exit.ROLLED_BACK
    road.apply(web("front app:2"), "web")
    assert back(road, "web")[0].revision.number == 1


def test_what_a_tag_meant_comes_back_with_the_revision(road: Road) -> None:
    road.apply(web("front app:1"), "web")
    road.image("app:1", "d")
    road.apply(web("front app:1"), "web", pull=True)
    assert list(road.boxes().values()) == ["d"]
    back(road, "web")
    assert list(road.boxes().values()) == ["a"]
    assert not road.apply(web("front app:1"), "web").changed


def test_files_come_back_with_the_revision(road: Road) -> None:
    road.apply({"web.yaml": FILES}, "web", files={"app.toml": b"first"})
    road.apply({"web.yaml": FILES}, "web", files={"app.toml": b"second"})
    assert back(road, "web")[1].exit is Exit.DONE
    (box,) = [one for one in road.machine.boxes.values() if one.state.runs]
    with road.open() as opened:
        (file,) = box.box.spec.files
        assert opened.store.documents.blob(file.digest) == b"first"


def test_other_sets_are_left_alone(road: Road) -> None:
    road.apply({"blog.yaml": manifest("blog", "page app:2")}, "blog")
    road.apply(web("front app:1"), "web")
    road.apply(web("front app:2"), "web")
    back(road, "web")
    assert road.boxes() == {"blog--page--1": "b", "web--front--3": "a"}
    assert [number for number, *_ in statuses(road, "blog")] == [1]


def test_a_rollback_that_fails_leaves_the_service_as_it_ran(road: Road) -> None:
    road.apply(web("front app:1"), "web")
    road.apply(web("front app:2"), "web")
    road.machine.workloads["app:1"] = dies_at_once()
    applied = back(road, "web")[1]
    assert applied.exit is Exit.ROLLED_BACK
    assert applied.rolled_back == {FRONT: 2}
    assert list(road.boxes().values()) == ["b"]


def test_a_stopped_set_comes_up_again(road: Road) -> None:
    road.apply(web("front app:1"), "web")
    road.apply(web("front app:2"), "web")
    road.down("web")
    back(road, "web", 1)
    assert list(road.boxes().values()) == ["a"]


def test_a_removed_set_comes_back_when_its_revision_is_named(road: Road) -> None:
    road.apply(web("front app:1"), "web")
    road.down("web", forget=True)
    with pytest.raises(UsageError) as caught:
        back(road, "web")
    assert "it was removed" in caught.value.what
    back(road, "web", 1)
    assert road.boxes() == {"web--front--2": "a"}


@pytest.mark.parametrize(
    ("set_name", "number", "what"),
    [("shop", 0, 'no set "shop" was ever applied'), ("web", 7, "has no revision 7; it has 1 to 1")],
)
def test_what_is_not_there_is_told(road: Road, set_name: str, number: int, what: str) -> None:
    road.apply(web("front app:1"), "web")
    with pytest.raises(UsageError) as caught:
        back(road, set_name, number)
    assert what in caught.value.what


def test_the_default_set_takes_back_what_changed_and_keeps_what_came(road: Road) -> None:
    road.apply(web("front app:1"))
    road.apply({"blog.yaml": manifest("blog", "page app:1")})
    road.apply(web("front app:2", "worker work:1"))
    way, applied = back(road, "default")
    assert (way.revision.number, way.kept) == (2, (WORKER,))
    assert applied.exit is Exit.DONE
    assert road.boxes() == {"blog--page--1": "a", "web--front--3": "a", "web--worker--1": "c"}
    assert statuses(road, "default") == [
        (1, 0, "converged", False),
        (2, 0, "converged", True),
        (3, 0, "converged", True),
        (4, 1, "converged", True),
    ]


def test_the_default_set_takes_several_revisions_up_in_their_order(road: Road) -> None:
    road.apply({"both.yaml": manifest("web", "front app:1", "worker app:1")})
    road.apply(web("front app:2"))
    road.apply({"both.yaml": manifest("web", "front work:1", "worker work:1")})
    way, _ = back(road, "default", 2)
    assert [loaded.request.repeats for loaded in way.asked] == [1, 2]
    assert road.boxes() == {"web--front--4": "b", "web--worker--3": "a"}
    fresh = [one[:3] for one in statuses(road, "default")[3:]]
    assert fresh == [(4, 1, "converged"), (5, 2, "converged")]
    assert not back(road, "default", 2)[1].changed


def test_an_older_text_of_the_default_set_is_taken_up_again_by_apply(road: Road) -> None:
    """It is in force in part still, and that does not make it the newest."""
    both = {"both.yaml": manifest("web", "front app:1", "worker app:1")}
    road.apply(both)
    road.apply(web("front app:2"))
    assert road.apply(both).revision == 3
    assert road.boxes() == {"web--front--3": "a", "web--worker--1": "a"}
    assert not road.apply(both).changed


def test_what_came_before_a_removal_does_not_come_back_unasked(road: Road) -> None:
    road.apply(web("worker work:1"))
    road.down("default", forget=True)
    road.apply(web("front app:1"))
    road.apply(web("front app:2"))
    back(road, "default")
    assert list(road.boxes().values()) == ["a"]


def test_a_service_that_moved_out_is_not_taken_back(road: Road) -> None:
    road.apply(web("front app:1", "worker work:1"), "web")
    road.apply(web("front app:1"), "web")
    road.apply(web("worker work:1"), "work")
    with pytest.raises(RefusedError) as caught:
        back(road, "web", 1)
    (problem,) = caught.value.problems
    assert problem.what.startswith("worker.web is in the set work now")
    assert len(road.boxes()) == 2


def test_a_service_that_moved_in_is_not_released(road: Road) -> None:
    road.apply(web("worker work:1"), "work")
    road.apply(web("front app:1"), "web")
    road.down("work", forget=True)
    road.apply(web("front app:1", "worker work:1"), "web")
    with pytest.raises(RefusedError) as caught:
        back(road, "web", 1)
    (problem,) = caught.value.problems
    assert "came into the set web from the set work" in problem.what
    assert len(road.boxes()) == 2


def test_a_service_that_moved_stays_where_it_is_whichever_set_goes_back(road: Road) -> None:
    road.apply({"blog.yaml": manifest("blog", "page app:1")}, "work")
    road.apply(web("front app:1", "worker work:1"), "web")
    both = {"blog.yaml": manifest("blog", "page app:1"), **web("worker work:1")}
    road.apply(both, "work", takes_over=True)
    road.apply(web("front app:2"), "web")
    for set_name, what in (("web", "is in the set work now"), ("work", "from the set web")):
        with pytest.raises(RefusedError) as caught:
            back(road, set_name, 1)
        (problem,) = caught.value.problems
        assert what in problem.what
    assert road.boxes() == {"blog--page--1": "a", "web--front--2": "b", "web--worker--1": "c"}
