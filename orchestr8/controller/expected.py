"""Against lost updates: whoever changes a set may name the revision that the change was made
against, and is refused where the set has moved since.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestr8.controller.authority import is_their_revision
from orchestr8.controller.session import Session
from orchestr8.errors import Place, Problem, RefusedError
from orchestr8.store.documents import Revision


class MovedError(RefusedError):
    """The set is at another revision than the change was made against; nothing was changed."""


def revision_in_force(session: Session, set_name: str) -> int:
    """The number of a set's newest revision in force; 0 where there is none, or it is another's."""
    newest = _newest(session, set_name)
    return newest.number if newest else 0


@contextmanager
def expecting(session: Session, set_name: str, number: int | None) -> Iterator[None]:
    """Holds the store's lock for a change that was made against this revision of a set.

    Raises MovedError where another one is in force; None expects nothing, and holds nothing.
    """
    if number is None:
        yield
        return
    with session.changing():
        newest = _newest(session, set_name)
        if number != (newest.number if newest else 0):
            raise MovedError((_moved(session, set_name, newest, number),))
        yield


def _newest(session: Session, set_name: str) -> Revision | None:
    """By the fleet that the session has read, so that a plan and its revision belong together."""
    own = [
        one
        for one in session.stored.live
        if one.set_name == set_name and is_their_revision(session.authority, one)
    ]
    return own[-1] if own else None


def _moved(session: Session, set_name: str, newest: Revision | None, number: int) -> Problem:
    from orchestr8.controller.history import theirs  # most sets have not moved
    from orchestr8.planning.holds import moment

    place, expected = Place(f"set {set_name}"), f"and not at revision {number}"
    if newest:
        deed = newest.deed
        return Problem(
            place,
            f"it is at revision {newest.number} ({deed.verb} by {deed.actor}, "
            f"{moment(deed.at_ms)}), {expected}",
            f"look at what changed, orchestr8 history --set {set_name}, and expect {newest.number}",
        )
    removed = session.store.journal.newest("remove", f"set {set_name}")
    if removed and theirs(session, set_name):
        at = moment(removed.at_ms)
        what = f"it was removed (by {removed.actor}, {at}), {expected}"
    else:
        what = f"nothing of it is in force, and it is not at revision {number}"
    return Problem(place, what, "expect 0 to begin it anew")
