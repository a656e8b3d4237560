"""What a killed command began gets a result from the next one, and what others are at does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestr8.controller.carrying import carry_out
from orchestr8.controller.deeds import EXECUTE, journalled
from orchestr8.controller.recording import CUT_SHORT, close_cut_short
from orchestr8.controller.session import Session
from orchestr8.names import BoxId
from orchestr8.planning.plan import Plan
from orchestr8.planning.release import release_boxes
from tests.controller.road import Road, manifest


class Killed(BaseException):
    """The process ends here."""


def test_a_command_in_a_box_that_goes_on_is_not_ended_by_an_apply(tmp_path: Path) -> None:
    road = Road(tmp_path)
    road.image("api:1", "a")
    road.apply({"shop.yaml": manifest("shop", "api")})
    with road.open() as session, journalled(session, EXECUTE, "shop--api--1") as deed:
        be_killed_at(session, release_boxes([BoxId("shop", "api", 1)], "somebody asked"))
        close_cut_short(session)
        deed.result = "exit status 0"
    with road.open() as session:
        rows = session.store.journal.rows()
        assert not session.store.journal.under_way()
    kinds = {row.number: row.kind for row in rows}
    told = [(kinds[row.intent], row.result) for row in rows if row.intent]
    assert [result for kind, result in told if kind == EXECUTE] == ["exit status 0"]
    assert [kind for kind, result in told if result == CUT_SHORT] == ["stop", "remove"]


def test_a_deed_whose_process_was_killed_has_its_result_after_the_next_apply(
    tmp_path: Path,
) -> None:
    road = Road(tmp_path)
    road.image("api:1", "a")
    road.apply({"shop.yaml": manifest("shop", "api")})
    child = os.fork()
    if not child:
        with road.open() as session, journalled(session, "CopyVolume", "rows@now"):
            os._exit(0)
    os.waitpid(child, 0)
    road.apply({"shop.yaml": manifest("shop", "api")})
    with road.open() as session:
        assert not session.store.journal.under_way()
        assert session.store.journal.ended_before(10**9, 1)[0][3:] == (
            "CopyVolume", "rows@now", "asked for", CUT_SHORT
        )  # fmt: skip


def be_killed_at(session: Session, plan: Plan) -> None:
    """A command that comes as far as its first call."""

    def die(*_: object) -> None:
        raise Killed

    with pytest.raises(Killed):
        carry_out(session, plan, die, session.patience(1_000))
