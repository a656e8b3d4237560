"""One command's hold on this machine: store, engine and the contents that the engine asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from orchestr8.boxes.network import Ranges
from orchestr8.controller.contents import HeldContents
from orchestr8.controller.fleet import Stored, stored_fleet
from orchestr8.controller.settings import Settings
from orchestr8.engines.protocol import Borders
from orchestr8.engines.select import Choice, Ground, choose, open_borders
from orchestr8.errors import RejectedError
from orchestr8.host.routes import free_ranges
from orchestr8.names import ServiceName
from orchestr8.store.store import Store

ENGINE_KEY = "engine"
RANGES_KEY = "ranges"


@dataclass
class Session:
    """Everything that a command needs; borders are opened when they are first asked for."""

    settings: Settings
    store: Store

    @cached_property
    def contents(self) -> HeldContents:
        """Files by hash and secrets by name."""
        return HeldContents(self.store.documents.blob, self.settings.secrets)

    @cached_property
    def choice(self) -> Choice:
        """The engine that the first apply wrote down, or the one that answers now.

        Another engine than the one written down would be a second fleet: it is refused.
        """
        written = self.store.ledger.meta(ENGINE_KEY)
        asked = self.settings.engine
        if written:
            name, _, endpoint = written.partition(" ")
            if asked and asked != name:
                raise RejectedError(
                    f"the boxes of this state folder run on {name}, not on {asked}",
                    f"leave --engine out, or set ORCHESTR8_STATE to another folder for {asked}",
                )
            if name == "docker" and os.environ.get("DOCKER_HOST"):
                endpoint = choose(name, os.environ).endpoint
            return Choice(name, endpoint)
        return choose(asked, os.environ)

    @cached_property
    def borders(self) -> Borders:
        """The engine and the host beside it."""
        ground = Ground(self.store.ledger.installation, self.settings.run, self.ranges)
        return open_borders(self.choice, self.contents, ground)

    @cached_property
    def ranges(self) -> Ranges:
        """The addresses of this installation: those written down, or ones that are free here."""
        written = self.store.ledger.meta(RANGES_KEY)
        return Ranges(*written.split()) if written else free_ranges()

    @cached_property
    def stored(self) -> Stored:
        """The fleet in force."""
        return stored_fleet(self.store.documents, self.held_back)

    @cached_property
    def held_back(self) -> dict[ServiceName, int]:
        """The services that were taken back to an older revision than their set's."""
        return self.store.ledger.held_back()

    def forget_stored(self) -> None:
        """The store has changed: the fleet in force is read anew."""
        for name in ("stored", "held_back"):
            self.__dict__.pop(name, None)

    def write_engine_down(self) -> None:
        """From now on this engine and these addresses, and no other."""
        ledger = self.store.ledger
        if not ledger.meta(ENGINE_KEY):
            ledger.remember(ENGINE_KEY, f"{self.choice.engine} {self.choice.endpoint}")
        if not ledger.meta(RANGES_KEY):
            ledger.remember(RANGES_KEY, f"{self.ranges.subnet} {self.ranges.services}")


@contextmanager
def session(settings: Settings) -> Iterator[Session]:
    """Opens the store for one command."""
    store = Store(settings.state)
    try:
        yield Session(settings, store)
    finally:
        store.close()
