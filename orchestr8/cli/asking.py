"""Who gives a command: whoever runs this process, unless it is done for somebody at the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct

from orchestr8.controller.authority import Asker
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.errors import UsageError


class Asking(Struct, frozen=True):
    """Somebody at the API, the settings of the server that does it for them, and for a change the
    session that holds the store's lock."""

    asker: Asker
    settings: Settings
    session: Session | None = None


_asking: ContextVar[Asking] = ContextVar("asking")


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
        with session(settings) as fresh:
            yield fresh.of(asking.asker)
