"""An older store comes back, and gives nothing out twice.

What was made since the backup is known from three sides: the store that is replaced, if it can
still be read, the boxes and volumes on the engine, and a margin for what nobody remembers. All of
it is in the records of the restored store before it takes the other's place.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.boxes.records import Records, ServiceRecord
from orchestr8.controller.adopt import Adopted, lost, take_over
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.errors import EngineError, StoreError, UnavailableError, UsageError
from orchestr8.names import ServiceName
from orchestr8.planning.holds import moment
from orchestr8.planning.plan import Allocations
from orchestr8.planning.recognise import SERIALS_SKIPPED
from orchestr8.store.backup import UNPACKED, Header, put_in_place, unpacked
from orchestr8.store.lock import writer_lock
from orchestr8.store.standing import Standing, standing, standing_of_any
from orchestr8.store.store import Store


class Restored(Struct, frozen=True):
    """What was restored: `replaced` is where the store lies that was there, `adopted` what runs
    that the backup did not know, `raised` the services whose serials went on."""

    header: Header
    replaced: Path | None
    adopted: Adopted | None
    raised: tuple[ServiceName, ...]


def restore(
    settings: Settings, path: Path, *, put_aside: bool, new_engine: bool = False
) -> Restored:
    """Puts a backup in the place of the state folder's store.

    Raises UsageError where the store that is there is whole and may not be put aside, or is
    another installation's, as are boxes whose store was there; UnavailableError where the engine
    cannot say what runs.
    """
    with (
        writer_lock(settings.state),
        _cleared(settings.state),
        unpacked(path, settings.state) as (folder, header),
    ):
        there = standing_of_any(settings.state)
        if there.installation:
            _require_replaceable(there, header, path, put_aside=put_aside)
        readable = bool(there.installation) and not there.newer
        newer = _records_of(settings.state) if readable else None
        with session(settings._replace(state=folder, boxes=settings.state)) as own:
            own.new_engine = new_engine
            if not there.installation:
                _require_its_own(own, header, settings.state)
            raised = _raise_serials(own, newer)
            adopted = _take_what_runs(own)
            own.write_engine_down()
            own.write_down(
                "restore",
                f"backup of {moment(header.at_ms)}",
                "what was given out since stays given out",
                ", ".join(map(str, raised)) or "done",
            )
        replaced = put_in_place(folder, settings.state)
    with session(settings) as own:
        own.write_kept()
    return Restored(header, replaced, adopted, raised)


@contextmanager
def _cleared(state: Path) -> Iterator[None]:
    """Without what a restore that was killed had unpacked."""
    for left in state.glob(f"{UNPACKED}*"):
        shutil.rmtree(left, ignore_errors=True)
    yield


def _require_replaceable(there: Standing, header: Header, path: Path, *, put_aside: bool) -> None:
    """Raises UsageError for a whole store that nobody has given up."""
    if there.installation != header.installation:
        raise UsageError(
            f"the store in {there.folder} is of installation {there.installation}, the backup of "
            f"{header.installation}",
            "set ORCHESTR8_STATE to another folder, or move that store away",
        )
    if not put_aside:
        whole = "was written by a newer orchestr8" if there.newer else "is whole"
        raise UsageError(
            f"the store in {there.folder} {whole}, and the backup is of {moment(header.at_ms)}: "
            "what was applied since would be in force no more",
            f"`orchestr8 backup restore {path} --yes` puts that store aside; nothing is deleted",
        )


def _require_its_own(own: Session, header: Header, state: Path) -> None:
    """Raises UsageError where the boxes of a lost store run on, and the backup is another's: it
    would begin a second fleet beside them."""
    if found := lost(own, state):
        raise UsageError(
            f"the store that was in {state} is gone, and {found}; the backup is of "
            f"{header.installation} and knows none of them",
            "take them over as they run:  orchestr8 adopt\n"
            "or bring back a backup of their own store\n"
            "to leave them and restore this one beside them set ORCHESTR8_STATE to another folder",
        )


def _records_of(folder: Path) -> Records:
    store = Store(folder)
    try:
        return store.ledger.records()
    finally:
        store.close()


def _raise_serials(own: Session, newer: Records | None) -> tuple[ServiceName, ...]:
    """Serials, ranges and addresses go on where the replaced store was; where that is lost, by a
    margin. The services whose serial is another now."""
    ledger = own.store.ledger
    older = ledger.records()
    raised: dict[ServiceName, ServiceRecord] = {}
    if newer is None:
        for name, record in older.services.items():
            raised[name] = replace(record, serial_last=record.serial_last + SERIALS_SKIPPED)
        ledger.allocate(Allocations(tuple(raised.values())))
        return tuple(sorted(raised))
    taken = {record.uid_base for record in older.services.values()}
    used = {record.address for record in older.services.values()}
    for name, record in newer.services.items():
        before = older.services.get(name)
        if before and before.serial_last < record.serial_last:
            raised[name] = replace(before, serial_last=record.serial_last)
        elif not before and record.uid_base not in taken and record.address not in used:
            raised[name] = record
    ledger.allocate(Allocations(tuple(raised.values()), (), newer.address_last))
    return tuple(sorted(raised))


def _take_what_runs(own: Session) -> Adopted | None:
    """Boxes that the backup does not know are taken over as they are; None where there is none."""
    try:
        boxes, volumes = own.borders.boxes.observe().boxes, own.borders.volumes.volumes()
    except EngineError as error:
        raise UnavailableError(
            f"what runs cannot be seen, and serials and addresses would be given out twice: "
            f"{error.what}",
            error.remedy or "start the engine, then type the command again",
        ) from error
    seen = {box.id for box in boxes}
    own.store.ledger.forget_boxes(own.store.ledger.records().boxes.keys() - seen)
    return take_over(own, {}) if boxes or volumes else None


def require_store(settings: Settings) -> Store:
    """The store to be backed up; raises UsageError where there is none."""
    there = standing(settings.state)
    if not there.present:
        raise UsageError(
            f"nothing is applied on this machine yet (no store in {settings.state})",
            "begin with `orchestr8 apply PATH`",
        )
    if there.damage:
        raise StoreError(
            f"the store in {settings.state} is damaged: {there.damage}",
            "restore an earlier backup: `orchestr8 backup restore FILE`; or `orchestr8 adopt`",
        )
    return Store(settings.state)
