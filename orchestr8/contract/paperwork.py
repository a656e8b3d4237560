"""What a relaxation owes beside consent: a reason, and an end that is neither past nor too far."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from orchestr8.contract.asked import Asked
from orchestr8.contract.consent import Denied
from orchestr8.contract.expiry import days_left, end_of, has_ended
from orchestr8.isolation.consent import Danger
from orchestr8.manifest.model import Policy


def missing(asked: Asked, danger: Danger, policy: Policy) -> Iterator[Denied]:
    """The manifest lines that are owed; none for what a plain field implies."""
    if asked.implied or danger is Danger.MINOR:
        return
    if not asked.why:
        yield Denied(
            f"relaxation {asked.label} needs a reason (danger: {danger.value})",
            "add a line beside it:  why: what it is for",
        )
    if not asked.until and (danger is Danger.HOST or policy.ends_required):
        longest = f", at most {policy.longest_days} days away" if danger is Danger.HOST else ""
        yield Denied(
            f"relaxation {asked.label} needs an end (danger: {danger.value})",
            f"add a line beside it:  until: a date{longest}",
        )


def out_of_time(asked: Asked, danger: Danger, policy: Policy, now: datetime) -> Denied | None:
    """Why the end that is written cannot be granted anew: it has passed, or is too far away."""
    if not asked.until:
        return None
    if has_ended(asked.until, now):
        return Denied(
            f"relaxation {asked.label} ended {asked.until}",
            "take the line out, or agree on a new end",
        )
    if danger is Danger.HOST and end_of(asked.until) > now + timedelta(
        days=policy.longest_days + 1
    ):
        return Denied(
            f"relaxation {asked.label} would last {days_left(asked.until, now)} days; the policy "
            f"allows {policy.longest_days}",
            f"choose an end within {policy.longest_days} days",
        )
    return None
