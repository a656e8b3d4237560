"""When a relaxation ends: one function for validate, plan, loop, proof and reports alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta


def end_of(until: str) -> datetime:
    """The moment an end means: a date is the end of that day in UTC, a time carries its zone.

    Raises ValueError with the reason.
    """
    try:
        if len(until) == len("2027-02-28"):
            return datetime.combine(date.fromisoformat(until), time(0), UTC) + timedelta(days=1)
        moment = datetime.fromisoformat(until)
    except (ValueError, OverflowError):
        raise ValueError(
            f'"{until}" is not a date like 2027-02-28 or a time like 2027-02-28T12:00:00Z'
        ) from None
    if moment.tzinfo is None:
        raise ValueError(f'"{until}" has no time zone; add Z for UTC')
    return moment.astimezone(UTC)


def has_ended(until: str, now: datetime) -> bool:
    """Whether an end has passed; the empty text never ends."""
    return bool(until) and end_of(until) <= now


def days_left(until: str, now: datetime) -> int:
    """Whole days from now to the end, negative after it."""
    return (end_of(until) - now).days
