"""Whoever is on call hears of an end before it comes, of each once, and that it was renewed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestr8.controller.alarms import ENDED, ENDS, PATIENCE_MS, Watch
from orchestr8.controller.calling import untold
from orchestr8.controller.clock import LastingClock
from orchestr8.controller.cycle import walk
from orchestr8.controller.request import aim_in_force
from orchestr8.controller.session import Session
from orchestr8.store.alarms import Key
from orchestr8.store.tokens import TokenRecord
from tests.controller.road import HEALTH, Road

DAY_MS = 86_400_000
USER, EXEC = Key("me", ENDS, "user.fixed of app.me"), Key("me", ENDS, "fs.scratch-exec of app.me")
TOKEN = Key("me", ENDS, "token ci")


class Later(LastingClock):
    """The machine's clock, set on by so many days."""

    days = 0.0

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return super().now_ms() + int(self.days * DAY_MS)


@pytest.fixture
def clock() -> Later:
    """A clock that is right."""
    return Later()


@pytest.fixture
def road(tmp_path: Path) -> Road:
    """A machine with the image that is used."""
    made = Road(tmp_path)
    made.image("app:1", "a")
    return made


def day(days: int) -> str:
    """The day that is so many days ahead, which ends up to a day later than that."""
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


def apply(road: Road, user: str, scratch: str = "") -> None:
    """A service with two relaxations and these ends."""
    until = f", until: {scratch}" if scratch else ""
    lines = f"{{fs.scratch-exec: /tmp{until}}}, {{user.fixed: 999:999, until: {user}}}"
    text = f'services: {{app: {{image: "app:1", {HEALTH}, relax: [{lines}]}}}}'
    road.apply({"a.yaml": f"orchestr8: 1\nowner: me\n{text}\n"})


def apply_platform(road: Road, policy: str) -> None:
    """The platform's part, with a token among an owner's members."""
    part = f"{{owners: {{me: {{members: [token:ci]}}}}, policy: {policy}}}"
    road.apply({"p.yaml": f"orchestr8: 1\nplatform: {part}\n"}, "platform")


def look(session: Session, clock: Later) -> None:
    """A turn of the loop at this time."""
    session.clock = clock
    session.forget_stored()
    Watch(session).look(walk(session, aim_in_force(session)), {}, ())


def standing(session: Session) -> dict[Key, str]:
    """What stands."""
    return {one.key: one.what for one in session.store.alarms.every() if one.standing}


def due(session: Session) -> list[tuple[Key, bool]]:
    """What is to be told, and whether it stands."""
    every = untold(session, session.store.alarms.every()).values()
    return [(one.key, one.standing) for alarms in every for one in alarms]


def test_an_end_is_told_once_some_days_ahead_and_once_it_was_renewed(
    road: Road, clock: Later
) -> None:
    apply(road, day(20), day(9))
    with road.open() as session:
        look(session, clock)
        assert standing(session) == {}
        clock.days = 4
        look(session, clock)
        assert standing(session).keys() == {EXEC}
        assert due(session) == [], "nobody is called at midnight"
        clock.days += PATIENCE_MS[ENDS] / DAY_MS
        assert due(session) == [(EXEC, True)]
        session.store.alarms.note_told(session.store.alarms.every())
        for clock.days in (6, 7, 8):
            look(session, clock)
            assert due(session) == [], "no call a day"
    apply(road, day(20), day(40))
    with road.open() as session:
        look(session, clock)
        assert due(session) == [(EXEC, False)]


def test_each_relaxation_is_told_by_itself(road: Road, clock: Later) -> None:
    apply(road, day(5), day(3))
    with road.open() as session:
        look(session, clock)
        assert standing(session).keys() == {USER, EXEC}


def test_what_was_given_for_some_hours_calls_nobody(road: Road, clock: Later) -> None:
    apply(road, f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%dT%H:%MZ}")
    with road.open() as session:
        look(session, clock)
        assert due(session) == []
        clock.days = 0.5
        look(session, clock)
        assert {key.kind for key in standing(session)} == {ENDED}
        assert ENDS not in {key.kind for key, _ in due(session)}


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("keep", "its boxes run on with it, and no change of the service is placed"),
        ("tighten", "its boxes are replaced by tight ones"),
        ("stop", "its boxes are stopped"),
    ],
)
def test_it_is_said_when_it_ends_on_whose_word_it_is_and_what_follows(
    road: Road, clock: Later, way: str, said: str
) -> None:
    apply_platform(road, f"{{on_expiry: {way}}}")
    until = day(2)
    apply(road, until)
    with road.open() as session:
        look(session, clock)
        assert standing(session) == {USER: f"it ends {until} (owner me); then {said}"}


def test_the_platform_says_how_long_ahead(road: Road, clock: Later) -> None:
    apply_platform(road, "{notice: 20d}")
    apply(road, day(18))
    with road.open() as session:
        look(session, clock)
        assert standing(session).keys() == {USER}


def test_a_token_is_told_as_relaxations_are(road: Road, clock: Later) -> None:
    apply_platform(road, "{}")
    with road.open() as session:
        now_ms = session.clock.now_ms()
        for name, days in (("ci", 30), ("other", 30), ("short", 7)):
            end_ms = now_ms + days * DAY_MS
            session.store.tokens.add(TokenRecord(0, name, "me", now_ms, "ann", end_ms), name)
        for clock.days, known in ((22, set()), (24, {TOKEN}), (31, {TOKEN})):
            look(session, clock)
            assert standing(session).keys() == known, "no member, made for a week, or far away"
        session.store.tokens.remove("ci")
        look(session, clock)
        assert standing(session) == {}


def test_of_a_token_that_ended_unheard_nobody_is_told(road: Road, clock: Later) -> None:
    apply_platform(road, "{}")
    with road.open() as session:
        now_ms = session.clock.now_ms()
        record = TokenRecord(0, "ci", "me", now_ms - 40 * DAY_MS, "ann", now_ms - DAY_MS)
        session.store.tokens.add(record, "ci")
        look(session, clock)
        assert standing(session) == {}
