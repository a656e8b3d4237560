"""Tokens for those who come from elsewhere: made, looked at, taken back, and recognised.

A token is one owner's, or the platform's, and counts while two say so: the platform's part names it
among that owner's members (`token:NAME`), and its own end has not come.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator

from msgspec import Struct

from orchestr8.controller.authority import Asker, authority_of, require_platform
from orchestr8.controller.session import Session
from orchestr8.errors import UsageError
from orchestr8.names import PLATFORM
from orchestr8.planning.holds import moment
from orchestr8.store.store import Store
from orchestr8.store.tokens import TokenRecord

LONGEST_MS = 366 * 86_400_000
_BYTES = 32
_NAME = r"[a-z0-9][a-z0-9-]{0,39}"
_TOKEN = r"o8_[A-Za-z0-9_-]{43}"
_REMEDY = "`orchestr8 token ls` lists them"


class TokenStatus(Struct, frozen=True):
    """A token as people see it; `counts` is whether somebody who has it is let in now."""

    name: str
    owner: str
    made_ms: int
    made_by: str
    until_ms: int
    counts: bool
    why_not: str = ""


def create(session: Session, name: str, owner: str, until_ms: int) -> str:
    """Makes a token and gives its text, which nothing keeps; raises UsageError."""
    _require_person(session)
    now_ms = session.clock.now_ms()
    if not re.fullmatch(_NAME, name):
        raise UsageError(f'"{name}" cannot name a token', "write a-z, 0-9 and hyphens, as in ci")
    if not now_ms < until_ms <= now_ms + LONGEST_MS:
        raise UsageError(
            "--until: a token ends within a year, and not before now", "write --until 30d"
        )
    text = f"o8_{secrets.token_urlsafe(_BYTES)}"
    with session.changing(), session.store.together():
        known = {one.name for one in session.stored.fleet.platform.owners} | {PLATFORM}
        if owner not in known:
            names = ", ".join(sorted(known))
            raise UsageError(
                f'the platform\'s part has no owner "{owner}"',
                f"they are: {names}; one is added there as"
                f'  owners: {{{owner}: {{members: ["token:{name}"]}}}}',
            )
        if session.store.tokens.named(name):
            raise UsageError(
                f"there is a token {name} already", f"orchestr8 token revoke {name}; or {_REMEDY}"
            )
        record = TokenRecord(0, name, owner, now_ms, session.settings.actor, until_ms)
        session.store.tokens.add(record, _digest(text))
        session.write_down("token create", f"token {name}", f"of {owner}, until {moment(until_ms)}")
    return text


def revoke(session: Session, name: str) -> None:
    """Takes a token back; raises UsageError where there is none."""
    _require_person(session)
    with session.changing(), session.store.together():
        if not session.store.tokens.named(name):
            raise UsageError(f'there is no token "{name}"', _REMEDY)
        session.store.tokens.remove(name)
        session.write_down("token revoke", f"token {name}")


def tokens(session: Session) -> tuple[TokenStatus, ...]:
    """All of them, and why one does not count."""
    _require_person(session)
    return tuple(_status(session, one) for one in session.store.tokens.every())


def ending(session: Session, within_ms: int) -> Iterator[TokenRecord]:
    """Members' tokens that end within so many milliseconds, or have ended, and were made for
    longer than that."""
    until_ms = session.clock.now_ms() + within_ms
    for one in session.store.tokens.every():
        is_near = one.until_ms < until_ms and one.until_ms - one.made_ms > within_ms
        if is_near and _is_member(session, one):
            yield one


def asker_of(store: Store, text: str, now_ms: int) -> Asker | None:
    """Who comes with this token; None where it is none, was taken back, or has ended."""
    if not re.fullmatch(_TOKEN, text):
        return None
    found = store.tokens.of_hash(_digest(text))
    return None if found is None or found.until_ms <= now_ms else _asker(found)


def still_counts(store: Store, asker: Asker, now_ms: int) -> bool:
    """Whether the token that somebody came with was neither taken back since, nor has ended."""
    return any(_asker(one) == asker and one.until_ms > now_ms for one in store.tokens.every())


def _asker(record: TokenRecord) -> Asker:
    """Numbers below all accounts, each token its own."""
    return Asker(f"token {record.name}", -2 - record.number, frozenset(), record.name, record.owner)


def _status(session: Session, record: TokenRecord) -> TokenStatus:
    why_not = ""
    if record.until_ms <= session.clock.now_ms():
        why_not = "it has ended"
    elif not _is_member(session, record):
        why_not = f"token:{record.name} is not among the members of {record.owner}"
    return TokenStatus(*record[1:], not why_not, why_not)


def _is_member(session: Session, record: TokenRecord) -> bool:
    return not authority_of(_asker(record), session.stored.fleet.platform).is_nobody


def _require_person(session: Session) -> None:
    """A token makes no tokens: whoever finds one is not to stay for longer than it lasts."""
    require_platform(session.authority, "tokens", "ask whoever runs this machine")
    if session.asker and session.asker.token:
        raise UsageError("a token makes, lists and revokes no tokens", "do it on the machine")


def _digest(text: str) -> str:
    """A plain hash: of 256 random bits nothing can be guessed."""
    return hashlib.sha256(text.encode()).hexdigest()
