"""A held service is left alone: what would happen to its boxes waits, and says until when.

Links of others to it, and its own, stay as they are declared; they are no box's. Where its set
names it no more, its own stay as they were, and those of others to it go.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from orchestr8.boxes.records import Hold
from orchestr8.names import ServiceName
from orchestr8.planning.moves import Keep, Moves, SlotMove, Wait
from orchestr8.planning.plan import Reason


def in_force(holds: Mapping[ServiceName, Hold], now_ms: int) -> dict[ServiceName, Hold]:
    """The holds that have not ended by themselves; `now_ms` is milliseconds since the epoch."""
    return {name: hold for name, hold in holds.items() if now_ms < hold.until_ms}


def leave_alone(name: ServiceName, moves: Moves, hold: Hold) -> Moves:
    """The moves of a held service: what is there stays, whatever it is, and the rest waits."""
    slots = [move if isinstance(move, Keep | Wait) else _wait(name, move, hold)
             for move in moves.slots]  # fmt: skip
    put_off = (*(one.box for one in moves.adjusts), *(one.box for one in moves.releases))
    waiting = {move.slot for move in slots if isinstance(move, Wait)}
    for box in put_off:
        if box.slot not in waiting:
            waiting.add(box.slot)
            wait = Wait(box.slot, box, *_why(name, hold))
            if 0 <= box.slot < len(slots):
                slots[box.slot] = wait
            else:
                slots.append(wait)
    return Moves(tuple(slots))


def said(hold: Hold) -> str:
    """A hold in one clause: until when, and why."""
    return f"held until {end_of(hold)}: {hold.reason}"


def end_of(hold: Hold) -> str:
    """When a hold ends, in UTC: with its seconds, since it may be one of seconds."""
    end = datetime.fromtimestamp(hold.until_ms / 1000, UTC)
    return f"{end:%Y-%m-%d %H:%M:%S} UTC" if end.second else moment(hold.until_ms)


def moment(at_ms: int) -> str:
    """A time in milliseconds since the epoch, as people write it, in UTC."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _wait(name: ServiceName, move: SlotMove, hold: Hold) -> Wait:
    return Wait(move.slot, move.box, *_why(name, hold))


def _why(name: ServiceName, hold: Hold) -> tuple[Reason, str, str, str, int]:
    """Reason, cause, remedy, whose move, and when it ends by itself."""
    return (
        Reason.HELD,
        said(hold),
        f"`orchestr8 hold {name} --end` ends it",
        f"{hold.actor or f'owner {name.owner}'}, who holds it",
        hold.until_ms,
    )
