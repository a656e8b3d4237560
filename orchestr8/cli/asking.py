"""Who gives a command: whoever runs this process, unless it is done for somebody at the API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from msgspec import Struct, field

from orchestr8.boxes.use import Ceilings
from orchestr8.controller.authority import Asker
from orchestr8.controller.clock import no
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.errors import UnavailableError, UsageError

FOLLOWERS_MOST = 16
"""So many may follow something at a server at once: the others of its threads are for commands."""


class Asking(Struct, frozen=True):
    """Somebody at the API, the settings of the server that does it for them, for a change the
    session that holds the store's lock, and whether nobody reads the answer any more. `ceilings` is
    what the loop holds boxes to, and `turn` has it make a change for whoever looks first."""

    asker: Asker
    settings: Settings
    session: Session | None = None
    is_left: Callable[[], bool] = no
    ceilings: Ceilings = field(default_factory=dict)
    turn: Callable[..., Any] | None = None


_asking: ContextVar[Asking] = ContextVar("asking")
_followers = threading.BoundedSemaphore(FOLLOWERS_MOST)


@contextmanager
def asked_by(asking: Asking) -> Iterator[None]:
    """What is done within is done for somebody else."""
    token = _asking.set(asking)
    try:
        yield
    finally:
        _asking.reset(token)


def is_asked() -> bool:
    """Whether this is done for somebody at the API."""
    return _asking.get(None) is not None


def is_left() -> bool:
    """Whether nobody reads any more; whoever types it here interrupts it instead."""
    asking = _asking.get(None)
    return asking is not None and asking.is_left()


@contextmanager
def following() -> Iterator[None]:
    """A command that goes on until its reader leaves; raises UnavailableError where a server has
    too many of them."""
    if not is_asked():
        yield
        return
    if not _followers.acquire(blocking=False):
        raise UnavailableError(
            f"{FOLLOWERS_MOST} follow something here already", "leave --follow out, and ask again"
        )
    try:
        yield
    finally:
        _followers.release()


def settings_for(engine: str = "") -> Settings:
    """The server's settings, or this process's own."""
    asking = _asking.get(None)
    if asking is None:
        return Settings.from_environment(engine)
    if engine:
        raise UsageError("the engine is the server's to choose", "leave --engine out")
    return asking.settings._replace(actor=asking.asker.name)


@contextmanager
def session_with(settings: Settings) -> Iterator[Session]:
    """A session with these settings, as theirs who ask."""
    asking = _asking.get(None)
    if asking is None:
        with session(settings) as own:
            yield own
    elif asking.session is not None:
        yield asking.session.of(asking.asker)
    else:
        with session(settings, make=settings.state != asking.settings.state) as fresh:
            fresh.ceilings, fresh.turn = asking.ceilings, asking.turn
            yield fresh.of(asking.asker)
