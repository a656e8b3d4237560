"""How a verb comes to the store and the engine, and to a request from what was typed."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestr8.cli.asking import is_asked, session_with, settings_for
from orchestr8.cli.reach import reach
from orchestr8.cli.texts import Texts
from orchestr8.controller.request import Request, load_request
from orchestr8.controller.session import Session
from orchestr8.controller.settings import Settings
from orchestr8.errors import EngineError, ManifestError, RefusedError, UsageError
from orchestr8.host import half_made
from orchestr8.store.documents import DEFAULT_SET

STATE_VARIABLE = "ORCHESTR8_STATE"
SECRETS_VARIABLE = "ORCHESTR8_SECRETS"
SIMULATION = "memory"


@contextmanager
def opened(engine: str = "") -> Iterator[Session]:
    """A session on this machine's state folder.

    The memory engine simulates a machine for one command; unless a state folder was named it gets
    one that ends with it, so that a first look needs no rights and leaves nothing behind.
    """
    settings = settings_for(engine)
    if settings.engine == SIMULATION and not os.environ.get(STATE_VARIABLE):
        with _passing(settings) as simulated:
            yield simulated
        return
    with session_with(settings) as real:
        yield real


@contextmanager
def opened_to_look(engine: str = "") -> Iterator[Session]:
    """A session that leaves nothing behind: where nothing is applied yet, the store is a passing
    one, so that whoever may use the engine may look."""
    settings = settings_for(engine)
    simulated = settings.engine == SIMULATION and not os.environ.get(STATE_VARIABLE)
    if simulated or not anything_applied(settings):
        with _passing(settings) as passing:
            yield passing
        return
    with session_with(settings) as real:
        yield real


@contextmanager
def opened_beside(engine: str = "") -> Iterator[tuple[Settings, Session]]:
    """This machine's settings, and a session on a store that passes: for a look at what is there
    before the real store is opened or made."""
    settings = settings_for(engine)
    with _passing(settings._replace(boxes=settings.state)) as passing:
        yield settings, passing


@contextmanager
def _passing(settings: Settings) -> Iterator[Session]:
    """A session whose state folder ends with it, and in a simulation its secrets, too."""
    with _passing_folder() as folder:
        state, secrets = Path(folder, "state"), settings.secrets
        if settings.engine == SIMULATION and not os.environ.get(SECRETS_VARIABLE):
            secrets = Path(folder, "secrets")
        with session_with(settings._replace(state=state, secrets=secrets)) as passing:
            yield passing


@contextmanager
def _passing_folder() -> Iterator[Path]:
    """A folder that ends with the command; the next one sweeps what a killed one left."""
    place = _own_place()
    if place is None:
        with tempfile.TemporaryDirectory(prefix="orchestr8-") as name:
            yield Path(name)
        return
    half_made.sweep(place)
    with half_made.inner_folder(place) as folder:
        yield folder


def _own_place() -> Path | None:
    """A folder of this user's alone for what passes, or None: its name is known to all, and
    somebody else may have been there before."""
    place = Path(os.environ.get("TMPDIR") or "/tmp") / f"orchestr8-{os.geteuid()}"
    with suppress(OSError):
        place.mkdir(mode=0o700)
    try:
        seen = place.lstat()
    except OSError:
        return None
    alone = seen.st_uid == os.geteuid() and not seen.st_mode & 0o077
    return place if alone and stat.S_ISDIR(seen.st_mode) else None


def is_passing(session: Session) -> bool:
    """Whether a session is of a simulation that ends with this command, state folder and all."""
    return session.choice.engine == SIMULATION and not os.environ.get(STATE_VARIABLE)


def make_up_secrets(session: Session, request: Request) -> None:
    """In a simulation on a machine that has no secrets of the manifests: a stand-in for each."""
    settings = session.settings
    if settings.engine != SIMULATION or settings.secrets.parent != settings.state.parent:
        return
    declared = load_request(session, request).part.secrets
    session.contents.make_up(secret for secret in declared if secret.sealed)
    for secret in declared:
        if secret.sealed:
            continue
        path = session.settings.secrets / secret.owner / secret.file
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)


def check_before_the_first(request: Request, texts: Texts, engine: str) -> None:
    """Before anything is applied a bad manifest must not even make a state folder.

    Later the same checks are made within the store, and the first ones count for nothing more.
    """
    require_not_lost(engine)
    if not anything_applied(settings_for(engine)):
        with opened_to_look(engine) as session, lines_shown(texts):
            load_request(session, request)


def require_not_lost(engine: str = "") -> None:
    """Raises StoreError where there is no store and boxes run that had theirs in this folder.

    An engine that does not answer cannot tell, and what is asked of it next says so.
    """
    settings = settings_for(engine)
    simulated = settings.engine == SIMULATION and not os.environ.get(STATE_VARIABLE)
    if is_asked() or simulated or anything_applied(settings):
        return  # a server has looked before it began
    from orchestr8.controller import adopt

    beside = settings._replace(boxes=settings.state)
    with _passing(beside) as passing, suppress(EngineError):
        adopt.require_not_lost(passing, settings.state)


def anything_applied(settings: Settings) -> bool:
    """Whether the state folder has a store; nothing is made by asking.

    An empty file is none: it would be filled as a new store, and a second fleet would begin. A
    server has its store from its first moment on, so that of its store the content is looked at.
    """
    if is_asked():
        with session_with(settings) as served:
            store = served.store
            return bool(store.documents.sets_ever() or store.adoption.waiting())
    try:
        return (settings.state / "orchestr8.db").stat().st_size > 0
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def of_yours(session: Session) -> str:
    """What follows "no box" and its like where whoever asks sees only what is theirs; whether
    others have any is not told."""
    return "" if session.authority.platform else " of yours"


@contextmanager
def opened_fleet(engine: str = "") -> Iterator[Session]:
    """A session on a fleet that is there; raises UsageError where nothing was ever applied, and
    StoreError where boxes say that something was."""
    settings = settings_for(engine)
    if not anything_applied(settings):
        require_not_lost(engine)
        raise UsageError(
            f"nothing is applied on this machine yet (no store in {settings.state})",
            "begin with `orchestr8 apply PATH`",
        )
    with session_with(settings) as found:
        yield found


def request_of(
    paths: Sequence[str], set_name: str | None, *, pull: bool = False
) -> tuple[Request, Texts]:
    """What was typed as a request, and the texts that it consists of.

    Services move to a set only if that was named, be it the default set.
    """
    texts = reach().texts(paths)
    name, takes_over = set_name or DEFAULT_SET, set_name is not None
    return Request(tuple(texts.sources), texts.read_file, name, pull, takes_over=takes_over), texts


@contextmanager
def lines_shown(texts: Texts) -> Iterator[None]:
    """Problems found below get the lines of these texts, with the place underlined."""
    try:
        yield
    except (ManifestError, RefusedError) as error:
        from orchestr8.manifest.problems import with_sources  # needed where something is wrong only

        raise type(error)(with_sources(error.problems, texts.sources)) from error
