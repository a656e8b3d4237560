"""How an apply is told: rows of boxes, last sentences, nothing that acts on a terminal."""

from __future__ import annotations

import pytest

from orchestr8.cli.board import Board
from orchestr8.cli.conclusion import Watch, conclusion, failure_lines, last_lines
from orchestr8.cli.document import plain
from orchestr8.cli.terminal import count, milliseconds, table
from orchestr8.controller.advice import Advice
from orchestr8.controller.applied import Applied, Failure
from orchestr8.controller.progress import Phase
from orchestr8.errors import Exit, Place
from orchestr8.names import BoxId, ServiceName
from orchestr8.planning.plan import Mark, Reason, Step

FRONT = ServiceName("web", "front")
BOX = BoxId("web", "front", 1)
AGAIN = "orchestr8 apply shop.yaml"


def _heard(*phases: tuple[str, float | None, bool, str], box: BoxId = BOX) -> Board:
    board = Board()
    for name, spent, failed, detail in phases:
        board.hear(Phase(box, 0, name, spent, failed, detail, FRONT))
    return board


def _up(ready: str = "healthy") -> Board:
    return _heard(
        ("create", None, False, ""), ("create", 41.2, False, ""), ("start", 96, False, ""),
        (ready, 310, False, ""),
    )  # fmt: skip


def test_a_row_shows_its_phases_and_its_proof() -> None:
    board = _up()
    row = board.rows[BOX]
    assert row.is_over and not row.is_finished, "a proof is still to come"
    board.hear(Phase(BOX, 0, "proved", 0.0, False, "27 of 27", FRONT))
    assert row.is_finished
    assert row.line(12) == "0.front.web   create  41  start  96  healthy 310 ms   proved 27 of 27"


def test_where_there_is_little_room_the_first_phases_give_way() -> None:
    row = _up().rows[BOX]
    assert row.line(12, 52) == row.line(12)
    assert row.line(12, 40) == "0.front.web   …  healthy 310 ms"


def test_a_row_shows_what_its_engine_measured_instead_of_the_whole() -> None:
    board = Board()
    made = {"root": 2.61, "cgroup": 0.4, "create": 8.2}
    started = made | {"gate": 0.31, "first": 0.6}
    board.hear(Phase(BOX, 0, "create", 12.3, service=FRONT, parts=made))
    board.hear(Phase(BOX, 0, "start", None, service=FRONT))
    assert board.rows[BOX].cells()[:3] == ["root   3", "cgroup 0.4", "create   8"]
    board.hear(Phase(BOX, 0, "start", 1.4, service=FRONT, parts=started))
    assert board.rows[BOX].cells()[3:] == ["gate 0.3", "first 0.6"]
    assert board.rows[BOX].phases == {"create": 12.3, "start": 1.4}
    assert board.rows[BOX].parts == started


def test_a_row_that_failed_says_in_which_phase() -> None:
    board = _heard(("create", 1, False, ""), ("start", 2, False, ""), ("healthy", 80, True, ""))
    row = board.rows[BOX]
    assert not row.is_finished, "the reason is still to come"
    board.hear(Phase(BOX, 0, "failed", 0.0, True, "it exited (attempt 1)", FRONT))
    assert row.is_finished
    assert row.line(0).endswith("not healthy  80 ms   failed: it exited (attempt 1)")
    assert board.started == 0


def test_a_box_that_goes_is_finished_when_it_is_gone() -> None:
    board = _heard(("stop", 5, False, ""))
    assert not board.rows[BOX].is_finished
    board.hear(Phase(BOX, 0, "remove", 3.0, False, "", FRONT))
    assert board.rows[BOX].is_finished
    assert (board.released, board.started) == (1, 0)


def test_an_image_that_was_fetched_counts_for_its_service() -> None:
    board = Board()
    board.hear(Phase(None, 0, "image", 900.0, False, "", FRONT))
    board.hear(Phase(None, 0, "net", 4.0, False, "", None))
    board.hear(Phase(BOX, 0, "create", 41.0, False, "", FRONT))
    assert board.rows[BOX].cells() == ["image 900", "create  41"]


def _told(applied: Applied, board: Board, watch: Watch = Watch.NOBODY) -> list[str]:
    return conclusion(applied, board, AGAIN, 6, watch=watch)


def test_a_good_end() -> None:
    applied = Applied("shop", 1, True, (BOX,), 912.0, 1_234.0)
    assert _told(applied, _up()) == [
        "1 box started in 912 ms, healthy after 1.2 s; nothing left to do.",
        "Nobody watches these boxes. After a crash or a reboot this brings them back:  "
        "orchestr8 apply   (`orchestr8 enable` does it at boot)",
    ]
    assert "settled after 1.2 s" in _told(applied, _up("settled"))[0]


def test_nothing_to_do_is_one_line() -> None:
    assert _told(Applied("shop", 1, False), Board()) == [
        "nothing to do: 6 services are as declared."
    ]


def _failure(slot: int = 0, **more: object) -> Failure:
    advice = Advice("the root is read-only; owner web may add to front", "scratch: {/x: 16MiB}")
    given = {"lines": ("open() failed", "open() failed", "bye\x1b[31m"), "advice": advice, **more}
    return Failure(FRONT, slot, "the box exited with status 1", 3, **given)  # type: ignore[arg-type]


def test_a_failure_says_what_why_and_what_to_type() -> None:
    lines = failure_lines(Applied("shop", 1, True, failures=(_failure(),)))
    assert [line.strip() for line in lines] == [
        "0.front.web      failed: the box exited with status 1, 3 times in a row",
        "its last lines:",
        "open() failed   (2 times)",
        "bye\\x1b[31m",
        "the root is read-only; owner web may add to front:",
        "scratch: {/x: 16MiB}",
    ]


def test_slots_that_failed_alike_are_told_together() -> None:
    failures = tuple(_failure(slot) for slot in range(3))
    lines = failure_lines(Applied("shop", 1, True, failures=failures))
    assert lines[0].startswith("slots 0, 1 and 2 of front.web failed: ")
    assert lines[0].endswith("3 times in a row each")
    assert len(lines) == 6


def test_a_failure_that_nobody_knows_names_whose_move_it_is() -> None:
    failure = _failure(lines=(), advice=None)
    lines = failure_lines(Applied("shop", 1, True, failures=(failure,)))
    assert lines[1].strip() == "whose move: owner web; `orchestr8 why front.web` says what is known"


def test_a_rollback_and_what_waits() -> None:
    waits = Step(
        Mark.WAITS, ServiceName("data", "db"), 0, 1, "waits", cause="memory: too much",
        reason=Reason.CAPACITY, whose_move="the platform", effect="free 2GiB",
    )  # fmt: skip
    applied = Applied(
        "shop", 2, True, failures=(_failure(),), rolled_back={FRONT: 1}, waiting=(waits,)
    )
    lines = _told(applied, Board())
    assert applied.exit is Exit.ROLLED_BACK
    assert "front.web rolled back to revision 1, which worked; the rest of the set stays" in lines
    assert "! db.data waits: memory: too much; free 2GiB (whose move: the platform)" in lines
    assert lines[-1] == "exit status 5"


def test_a_revision_that_touches_no_box_is_told() -> None:
    (line,) = _told(Applied("platform", 2, False, anew=True), Board())
    assert line.startswith("revision 2 of set platform is in force; nothing to do")


@pytest.mark.parametrize("changed", [True, False])
def test_a_deadline_says_how_to_go_on(changed: bool) -> None:
    lines = _told(Applied("shop", 1, changed, timed_out=True), Board())
    assert lines == [
        f"the time is over; the same command goes on from here:  {AGAIN}",
        "exit status 4",
    ]


def test_lines_of_a_box_are_few_and_harmless() -> None:
    shown = last_lines([f"line {number}" for number in range(30)])
    assert shown == [f"line {number}" for number in range(22, 30)]
    assert last_lines(["\x07", "\x07"]) == ["\\x07   (2 times)"]


def test_durations_as_people_read_them() -> None:
    spent = (0.4, 912, 1_234, 61_000, 3_700_000, 187_200_000)
    shown = ["0 ms", "912 ms", "1.2 s", "1 min 1 s", "1 h 1 min", "2 d 4 h"]
    assert [milliseconds(value) for value in spent] == shown


def test_counts_and_tables() -> None:
    assert (count(1, "box", "boxes"), count(2, "box", "boxes")) == ("1 box", "2 boxes")
    assert table([["A", "B"], ["long", "x"]]) == ["A     B", "long  x"]
    assert table([]) == []


def test_values_become_json() -> None:
    shown = plain({FRONT: [BOX, Exit.DONE, Place("a", 1, 2), _failure().advice, {"b", "a"}]})
    assert shown == {
        "front.web": [
            "web--front--1",
            0,
            "a:1:2",
            {
                "what": "the root is read-only; owner web may add to front",
                "line": "scratch: {/x: 16MiB}",
            },
            ["a", "b"],
        ]
    }
