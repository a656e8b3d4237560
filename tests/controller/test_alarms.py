"""What somebody is called for: levels that are compared turn by turn, each its owner's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.controller.alarms import BROKEN, FAILING, SOURCE, TROUBLE, WAITS, Watch
from orchestr8.controller.calling import message, untold
from orchestr8.controller.cycle import Cycle, walk
from orchestr8.controller.request import aim_in_force
from orchestr8.controller.session import Session
from orchestr8.controller.sources import REFUSED, UNREACHABLE
from orchestr8.engines.memory.workload import dies_at_once
from orchestr8.names import PLATFORM, BoxId, ServiceName
from orchestr8.planning.plan import Mark, Reason, Step
from orchestr8.store.alarms import Alarm, Key
from orchestr8.store.sources import SourceRecord
from tests.controller.looping import looping, until
from tests.controller.road import Road, manifest

TEAM = """\
orchestr8: 1
platform:
  mode: team
  owners:
    pay: {oncall: "https://hooks.example/pay"}
    data: {quota: {memory: 64MiB}}
  sources:
    pay: {git: /srv/pay.git, owner: pay, verify: none}
"""
API = ServiceName("pay", "api")
FAILS = Key("pay", FAILING, "api.pay")


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A team's machine with one service."""
    made = Road(tmp_path)
    for reference, mark in (("api:1", "a"), ("db:1", "b")):
        made.image(reference, mark)
    made.apply({"platform.yaml": TEAM}, "platform")
    made.apply({"pay.yaml": manifest("pay", "api")}, "pay")
    return made


def seen(session: Session) -> Cycle:
    """A look at what there is."""
    session.forget_stored()
    return walk(session, aim_in_force(session))


def standing(session: Session) -> dict[Key, str]:
    """What stands."""
    return {one.key: one.what for one in session.store.alarms.every() if one.standing}


def due(session: Session, under_way: Sequence[str] = ()) -> dict[str, list[Alarm]]:
    """What each owner is to be told."""
    return untold(session, session.store.alarms.every(), under_way)


def test_nothing_is_wrong_where_all_is_well(road: Road) -> None:
    with road.open() as session:
        Watch(session).look(seen(session), {}, ())
        assert session.store.alarms.every() == ()


def test_each_wrong_is_its_owners(road: Road) -> None:
    with road.open() as session:
        box = BoxId("pay", "api", 1)
        session.store.sources.note(SourceRecord("pay", 5, state=UNREACHABLE))
        Watch(session).look(seen(session), {box: "broken claim: root"}, ["seccomp"])
        assert {(key.owner, key.kind) for key in standing(session)} == {
            ("pay", BROKEN), (PLATFORM, BROKEN), ("pay", UNREACHABLE),
        }  # fmt: skip
        Watch(session).trouble("no engine answers")
        assert Key(PLATFORM, TROUBLE, "this machine") in standing(session)
        assert len(standing(session)) == 4, "where nothing can be looked at, nothing is over"
        Watch(session).look(seen(session), {}, ())
        assert {key.kind for key in standing(session)} == {UNREACHABLE}
        kinds = [row.kind for row in session.store.journal.rows() if row.kind.startswith("alarm")]
        results = [row.result for row in session.store.journal.rows() if "alarm" in row.kind]
    assert kinds.count("alarm broken") == 4
    assert results.count("raised") == 4 and results.count("over") == 3


def test_what_waits_is_told_only_when_it_waits_for_long(road: Road) -> None:
    with road.open() as session:
        cycle = seen(session)
        step = Step(Mark.WAITS, API, 0, 1, "waits", "memory", reason=Reason.CAPACITY)
        held = replace(step, service=ServiceName("pay", "other"), reason=Reason.HELD)
        cycle = replace(cycle, plan=replace(cycle.plan, steps=(step, held)))
        Watch(session).look(cycle, {}, ())
        assert standing(session) == {Key("pay", WAITS, "api.pay"): "waits: memory"}
        assert due(session) == {}


def test_a_source_that_is_away_for_a_moment_calls_nobody_and_ends_no_alarm(road: Road) -> None:
    key = Key("pay", SOURCE, "source pay")
    asked = SourceRecord("pay", 5, seen="b" * 40, good="a" * 40)
    with road.open() as session:
        for state, kinds in ((REFUSED, {SOURCE}), (UNREACHABLE, {SOURCE, UNREACHABLE})):
            session.store.sources.note(replace(asked, state=state))
            Watch(session).look(seen(session), {}, ())
            assert {one.kind for one in standing(session)} == kinds
            session.store.alarms.note_told(session.store.alarms.every()[:1])
        assert standing(session)[key] == "refused"
        assert due(session) == {}
        session.store.sources.note(replace(asked, state=UNREACHABLE, seen=asked.good))
        Watch(session).look(seen(session), {}, ())
        assert [one.key for one in due(session)["pay"]] == [key]


def test_a_crash_loop_is_one_alarm_until_it_is_mended(road: Road) -> None:
    with looping(road):
        road.machine.workloads["api:1"] = dies_at_once(7)
        for box_id in list(road.machine.boxes):
            road.machine.crash(box_id, 7)

        def stands() -> bool:
            with road.open() as session:
                return FAILS in standing(session)

        until(stands)
    with road.open() as session:
        (alarm,) = (one for one in session.store.alarms.every() if one.key == FAILS)
        assert "fails again and again" in alarm.what and "7" in alarm.what
        session.store.alarms.note_told([alarm])
        session.store.ledger.clear_failures(API)
        Watch(session).look(seen(session), {}, ())
        (over,) = (one for one in session.store.alarms.every() if one.key == FAILS)
        assert not over.standing
        assert due(session)["pay"] == [over]
    first, last = (message("pay", [one])["alarms"][0] for one in (alarm, over))
    assert first["id"] == last["id"]
    assert (first["state"], last["state"]) == ("standing", "over")


def test_what_came_and_went_untold_is_never_told(road: Road) -> None:
    key = Key("pay", "broken", "pay--api--1")
    with road.open() as session:
        alarms = session.store.alarms
        alarms.note({key: "x"}, (), 1_000)
        alarms.note({}, [key], 2_000)
        assert due(session) == {} and alarms.every() == ()
        alarms.note({key: "x"}, (), 3_000)
        (stood,) = due(session)["pay"]
        alarms.note({}, [key], 4_000)
        assert due(session, ["pay"]) == {}, "a message about it is under way"
        alarms.note_told([stood])
        assert alarms.every() == (Alarm(key, "x", 3_000, False, True),), "its end is to be told"
        alarms.note({key: "y"}, (), 5_000)
        assert due(session) == {}, "it is back before its end was told"
        alarms.note({}, [key], 6_000)
        (over,) = due(session)["pay"]
        alarms.note({key: "z"}, (), 7_000)
        alarms.note_told([over])
        assert [one.what for one in due(session)["pay"]] == ["z"], "an end was told in between"
