"""How a verb comes to the store and the engine, and to a request from what was typed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestr8.cli.texts import Texts, read_paths
from orchestr8.controller.request import Request, load_request
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.errors import ManifestError, RefusedError, UsageError
from orchestr8.manifest.problems import with_sources

STATE_VARIABLE = "ORCHESTR8_STATE"
SECRETS_VARIABLE = "ORCHESTR8_SECRETS"
SIMULATION = "memory"


@contextmanager
def opened(engine: str = "") -> Iterator[Session]:
    """A session on this machine's state folder.

    The memory engine simulates a machine for one command; unless a state folder was named it gets
    one that ends with it, so that a first look needs no rights and leaves nothing behind.
    """
    settings = Settings.from_environment(engine)
    if settings.engine == SIMULATION and not os.environ.get(STATE_VARIABLE):
        with _passing(settings) as simulated:
            yield simulated
        return
    with session(settings) as real:
        yield real


@contextmanager
def opened_to_look(engine: str = "") -> Iterator[Session]:
    """A session that leaves nothing behind: where nothing is applied yet, the store is a passing
    one, so that whoever may use the engine may look."""
    settings = Settings.from_environment(engine)
    simulated = settings.engine == SIMULATION and not os.environ.get(STATE_VARIABLE)
    if simulated or not anything_applied(settings):
        with _passing(settings) as passing:
            yield passing
        return
    with session(settings) as real:
        yield real


@contextmanager
def _passing(settings: Settings) -> Iterator[Session]:
    """A session whose state folder ends with it, and in a simulation its secrets, too."""
    with tempfile.TemporaryDirectory(prefix="orchestr8-") as folder:
        state, secrets = Path(folder, "state"), settings.secrets
        if settings.engine == SIMULATION and not os.environ.get(SECRETS_VARIABLE):
            secrets = Path(folder, "secrets")
        with session(settings._replace(state=state, secrets=secrets)) as passing:
            yield passing


def make_up_secrets(session: Session, request: Request) -> None:
    """In a simulation on a machine that has no secrets of the manifests: a stand-in for each."""
    if session.settings.secrets.parent != session.settings.state.parent:
        return
    for secret in load_request(session, request).part.secrets:
        path = session.settings.secrets / secret.owner / secret.file
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)


def check_before_the_first(request: Request, texts: Texts, engine: str) -> None:
    """Before anything is applied a bad manifest must not even make a state folder.

    Later the same checks are made within the store, and the first ones count for nothing more.
    """
    if not anything_applied(Settings.from_environment(engine)):
        with opened_to_look(engine) as session, lines_shown(texts):
            load_request(session, request)


def anything_applied(settings: Settings) -> bool:
    """Whether the state folder has a store; nothing is made by asking."""
    try:
        return (settings.state / "orchestr8.db").exists()
    except OSError:
        return True


@contextmanager
def opened_fleet() -> Iterator[Session]:
    """A session on a fleet that is there; raises UsageError where nothing was ever applied."""
    settings = Settings.from_environment()
    if not anything_applied(settings):
        raise UsageError(
            f"nothing is applied on this machine yet (no store in {settings.state})",
            "begin with `orchestr8 apply PATH`",
        )
    with session(settings) as found:
        yield found


def request_of(paths: Sequence[str], set_name: str, *, pull: bool = False) -> tuple[Request, Texts]:
    """What was typed as a request, and the texts that it consists of."""
    texts = read_paths(paths)
    return Request(tuple(texts.sources), texts.read_file, set_name, pull), texts


@contextmanager
def lines_shown(texts: Texts) -> Iterator[None]:
    """Problems found below get the lines of these texts, with the place underlined."""
    try:
        yield
    except (ManifestError, RefusedError) as error:
        raise type(error)(with_sources(error.problems, texts.sources)) from error
