"""When a relaxation ends: one function for validate, plan, loop, proof and reports alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta


def end_of(until: str) -> datetime:
    """The moment an end means: a date is the end of that day in UTC, a time carries its zone.

    Raises ValueError with the reason.
    """
    try:
        if len(until) == len("2027-02-28"):
            return _after(date.fromisoformat(until))
        moment = datetime.fromisoformat(until)
        if moment.tzinfo:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f'"{until}" is not a date like 2027-02-28 or a time like 2027-02-28T12:00:00Z'
        ) from None
    raise ValueError(f'"{until}" has no time zone; add Z for UTC')


def _after(day: date) -> datetime:
    """The first moment of the next day, or the last there is."""
    if day == date.max:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.combine(day, time(0), UTC) + timedelta(days=1)


def end_ms(until: str) -> int:
    """That moment in milliseconds since the epoch."""
    return int(end_of(until).timestamp() * 1000)


def has_ended(until: str, now: datetime) -> bool:
    """Whether an end has passed; the empty text never ends."""
    return bool(until) and end_of(until) <= now


def days_left(until: str, now: datetime) -> int:
    """Whole days from now to the end, negative after it."""
    return (end_of(until) - now).days
