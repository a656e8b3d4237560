"""Relaxations and gaps in one line each: how many, what ends next, on whose word."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestr8.cli.terminal import count
from orchestr8.contract.expiry import days_left, end_of
from orchestr8.contract.model import Contract, Contracts, Grant
from orchestr8.isolation.consent import Danger

SELF_APPROVED = "self-approved"


def relaxation_lines(contracts: Contracts, now_ms: int) -> list[str]:
    """How many relaxations are in force, the next end, what has ended, what is self-approved; and
    the ports that are open beyond this machine, which nobody has to relax but everybody should see.
    """
    return [*_relaxations(contracts, now_ms), *_open_ports(contracts)]


def _open_ports(contracts: Contracts) -> list[str]:
    doors = [
        f"{contract.name} {door.address}:{door.host_port}"
        for contract in contracts.services.values()
        for door in contract.publish
        if not door.address.startswith("127.") and contract.service.edge is None
    ]
    return [f"Open beyond this machine, without an edge: {', '.join(doors)}."] if doors else []


def _relaxations(contracts: Contracts, now_ms: int) -> list[str]:
    granted = _granted(contracts)
    if not granted:
        return []
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    in_force = [pair for pair in granted if not pair[1].ended]
    line = f"{count(len(in_force), 'relaxation')} in force"
    ending = [pair for pair in in_force if pair[1].until]
    if ending:
        contract, next_one = min(ending, key=lambda pair: end_of(pair[1].until))
        line += (
            f"; next end {in_days(days_left(next_one.until, now))} ({contract.name} {next_one.id})"
        )
    lines = [line + "."]
    ended = [f"{contract.name} {grant.id}" for contract, grant in granted if grant.ended]
    if ended:
        have = "has" if len(ended) == 1 else "have"
        lines.append(f"{count(len(ended), 'relaxation')} {have} ended: {', '.join(ended)}.")
    alone = [
        f"{contract.name} {grant.id} (danger: {grant.danger.value})"
        for contract, grant in in_force
        if grant.by.startswith(SELF_APPROVED) and grant.danger is not Danger.MINOR
    ]
    if alone:
        lines.append(f"Self-approved, since the platform is one person's: {', '.join(alone)}.")
    return lines


def gap_line(contracts: Contracts) -> list[str]:
    """What STRICT asks and this engine or host cannot carry."""
    if not contracts.gaps:
        return []
    names = ", ".join(gap.feature for gap in contracts.gaps)
    return [f"{count(len(contracts.gaps), 'gap')} on this engine ({names})."]


def as_json(contracts: Contracts) -> dict[str, object]:
    """Every relaxation that is in force or has ended, those of plain fields too, and every gap."""
    return {
        "relaxations": [
            {
                "service": contract.name,
                "id": grant.id,
                "arguments": dict(grant.arguments),
                "danger": grant.danger,
                "consent": grant.consent,
                "by": grant.by,
                "why": grant.why,
                "until": grant.until,
                "ended": grant.ended,
                "implied": grant.implied,
            }
            for contract in contracts.services.values()
            for grant in contract.grants
        ],
        "gaps": [
            {"feature": gap.feature, "asked": gap.asked, "why": gap.why} for gap in contracts.gaps
        ],
    }


def _granted(contracts: Contracts) -> list[tuple[Contract, Grant]]:
    return [
        (contract, grant)
        for contract in contracts.services.values()
        for grant in contract.grants
        if not grant.implied
    ]


def in_days(days: int) -> str:
    """When an end comes, in words."""
    return "today" if days <= 0 else f"in {count(days, 'day')}"
