"""How a verb comes to the store and the engine, and to a request from what was typed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from orchestr8.cli.texts import Texts, read_paths
from orchestr8.controller.request import Request
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.errors import ManifestError, RefusedError, UsageError
from orchestr8.manifest.problems import with_sources

STATE_VARIABLE = "ORCHESTR8_STATE"
SIMULATION = "memory"


@contextmanager
def opened(engine: str = "") -> Iterator[Session]:
    """A session on this machine's state folder.

    The memory engine simulates a machine for one command; unless a state folder was named it gets
    one that ends with it, so that a first look needs no rights and leaves nothing behind.
    """
    settings = Settings.from_environment(engine)
    if settings.engine == SIMULATION and STATE_VARIABLE not in os.environ:
        with tempfile.TemporaryDirectory(prefix="orchestr8-") as folder:
            with session(replace(settings, state=Path(folder))) as simulated:
                yield simulated
        return
    with session(settings) as real:
        yield real


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


def passed_over(texts: Texts) -> list[str]:
    """Sentences about YAML files in a folder that are no manifests."""
    return [f"passed over {name}: none of a manifest's keys" for name in texts.passed_over]
