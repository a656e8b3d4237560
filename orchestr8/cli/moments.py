"""A time to come, as it is typed: in 2h, on a day, or at a moment with its zone."""

from __future__ import annotations

from orchestr8.errors import UsageError


def until_ms(text: str, example: str) -> int:
    """Milliseconds since the epoch; raises UsageError, with an example of the whole command."""
    from orchestr8 import units
    from orchestr8.contract.expiry import end_of
    from orchestr8.controller.settings import now_ms
    from orchestr8.manifest.scalars import until as read_until

    try:
        if text[-1:].isalpha() and "-" not in text:
            return now_ms() + units.parse_time(text)
        return int(end_of(read_until(text)).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        what, _, remedy = str(error).partition("; ")
        raise UsageError(f"--until: {what}", remedy or f"write  {example}") from error
