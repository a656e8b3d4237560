"""Who is on call hears of a store that cannot be written, and of nothing twice meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from orchestr8.controller.unwritten import KEY, Unwritten
from orchestr8.errors import StoreError
from orchestr8.names import PLATFORM
from orchestr8.store.alarms import Alarm, Alarms, Key
from orchestr8.store.database import Database

FULL = "database or disk is full"
PAY = Key("pay", "failing", "api.pay")


class Disk(Alarms):
    """Alarms on a disk that takes nothing until there is room."""

    has_room = False

    def note_told(self, alarms: Iterable[Alarm]) -> None:
        """Raises StoreError while there is none."""
        if not self.has_room:
            raise StoreError(FULL)
        super().note_told(alarms)


def test_a_store_that_cannot_be_written_is_an_alarm_with_an_end(tmp_path: Path) -> None:
    said, disk = [FULL], Disk(Database(tmp_path))
    unwritten = Unwritten(lambda: said[-1])
    (begun,) = unwritten.beside([], 1_000, ())
    assert begun == Alarm(KEY, FULL, 1_000, standing=True, told=False)
    assert unwritten.beside([], 2_000, ()) == [begun]
    unwritten.note_told([begun], disk)
    (told,) = unwritten.beside([], 3_000, ())
    assert told.told
    said.append("")
    assert unwritten.beside([], 4_000, [PLATFORM]) == [told], "a message is under way"
    (over,) = unwritten.beside([], 5_000, ())
    assert (over.standing, over.told, over.since_ms) == (False, True, 1_000)
    unwritten.note_told([over], disk)
    assert unwritten.beside([], 6_000, ()) == []
    assert not unwritten.is_open


def test_what_a_row_says_or_is_over_untold_is_no_alarm_beside(tmp_path: Path) -> None:
    said = [FULL]
    unwritten = Unwritten(lambda: said[-1])
    (begun,) = unwritten.beside([], 1_000, ())
    row = begun._replace(since_ms=2_000)
    assert unwritten.beside([row], 2_000, ()) == [row]
    (again,) = unwritten.beside([], 3_000, ())
    assert again.since_ms == 3_000
    said.append("")
    assert unwritten.beside([], 4_000, ()) == []


def test_who_has_heard_is_written_once_there_is_room(tmp_path: Path) -> None:
    disk, unwritten = Disk(Database(tmp_path)), Unwritten(str)
    disk.note({PAY: "slot 0 fails"}, (), 1_000)
    unwritten.note_told(disk.every(), disk)
    (begun,) = unwritten.beside(disk.every(), 2_000, ())
    assert begun.told and not disk.every()[0].told
    disk.note({}, [PAY], 3_000)
    (over,) = unwritten.beside(disk.every(), 3_000, ())
    assert over.told and not over.standing, "its end is to be told"
    unwritten.note_told([over], disk)
    assert unwritten.beside(disk.every(), 4_000, ()) == []
    disk.has_room = True
    unwritten.write(disk)
    assert disk.every() == () and not unwritten.is_open
