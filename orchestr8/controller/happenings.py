"""What happened on this machine, told to those whose it is: the journal, row by row as it ends.

The journal is the one place where everybody who changes something writes, whichever process that
is; so what comes is found by asking it, and whoever was away goes on from the number heard last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from orchestr8.controller.history import theirs
from orchestr8.controller.session import Session
from orchestr8.names import BoxId, ServiceName, name_problem
from orchestr8.store.journal import Ended

PAGE = 500
PAUSE_SECONDS = 0.25
"""How long whoever follows waits between two questions."""
_FOREVER = 1 << 62
_OF_A_SET = re.compile(r"(?:set )?([a-z][a-z0-9-]*)(?: revision ([0-9]+))?")


class Happening(Struct, frozen=True):
    """One thing that happened; `owner` is empty for what is of the whole machine or of a set."""

    number: int
    at_ms: int
    actor: str
    event: str
    subject: str
    owner: str
    service: ServiceName | None
    cause: str
    result: str


def happening(ended: Ended) -> Happening:
    """A row of the journal with whose it is."""
    service = _service(ended.subject)
    owner = service.owner if service else _owner(ended)
    return Happening(
        ended.number, ended.at_ms, ended.actor, ended.kind, ended.subject, owner, service,
        ended.cause, ended.result,
    )  # fmt: skip


def past(session: Session, last: int, service: ServiceName | None = None) -> list[Happening]:
    """The last so many things that happened to what is theirs, oldest first; all with 0."""
    found: list[Happening] = []
    before = _FOREVER
    while page := session.store.journal.ended_before(before, PAGE):
        for one in _seen(session, page, service):
            found.append(one)
            if len(found) == last:
                return found[::-1]
        before = page[-1].number
    return found[::-1]


def newest(session: Session) -> int:
    """The number of the last row that there is."""
    page = session.store.journal.ended_before(_FOREVER, 1)
    return page[0].number if page else 0


def following(
    session: Session, after: int, service: ServiceName | None, is_left: Callable[[], bool]
) -> Iterator[Happening]:
    """What happened after the row of this number, then what happens, until nobody listens.

    Whose it is, is asked anew each time: members change.
    """
    while True:
        page = session.store.journal.ended(after, PAGE)
        if page:
            after = page[-1].number
            session.forget_stored()
            yield from _seen(session, page, service)
        if len(page) < PAGE:
            if is_left():
                return
            session.clock.sleep(PAUSE_SECONDS)


def _seen(
    session: Session, page: tuple[Ended, ...], service: ServiceName | None
) -> Iterator[Happening]:
    for ended in page:
        one = happening(ended)
        if service is not None and one.service != service:
            continue
        if session.authority.platform or _is_theirs(session, one):
            yield one


def _is_theirs(session: Session, one: Happening) -> bool:
    """Whether it is of an owner of theirs, or of a revision or set that is wholly theirs."""
    if one.owner:
        return session.may(one.owner)
    match = _OF_A_SET.fullmatch(one.subject)
    if not match:
        return False
    revisions = theirs(session, match[1])
    if match[2]:
        return any(known.number == int(match[2]) for known in revisions)
    return one.event in ("down", "up", "remove") and bool(revisions)


def _service(subject: str) -> ServiceName | None:
    """The service of a box's id, of a box by its slot, its own name, or of its relaxation."""
    subject = subject.rpartition(" of ")[2]
    try:
        return BoxId.parse(subject).service_name
    except ValueError:
        slot, _, rest = subject.partition(".")
        return ServiceName.read(rest if slot.isdecimal() else subject)


def _owner(ended: Ended) -> str:
    """The owner of what is no service: a quota names it, a volume begins with it."""
    if ended.kind == "set quota":
        return ended.subject
    owner, separator, _ = ended.subject.partition("--")
    return owner if separator and not name_problem(owner) else ""
