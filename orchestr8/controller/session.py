"""One command's hold on this machine: store, engine and the contents that the engine asks for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.network import Ranges
from orchestr8.boxes.records import Hold
from orchestr8.boxes.use import Ceilings
from orchestr8.contract.model import ImageFacts
from orchestr8.controller.authority import EVERYTHING, Asker, Authority, authority_of
from orchestr8.controller.clock import CLOCK, Clock, Patience, no, nothing, working, yes
from orchestr8.controller.contents import HeldContents
from orchestr8.controller.fleet import Stored, stored_fleet
from orchestr8.controller.keepsake import Kept, write_kept
from orchestr8.controller.overrides import counting
from orchestr8.controller.pulses import Pulses
from orchestr8.controller.settings import TICK_SECONDS, Settings
from orchestr8.engines.ground import Ground
from orchestr8.engines.protocol import Borders
from orchestr8.engines.select import Choice, choose, open_borders
from orchestr8.errors import UnavailableError
from orchestr8.host.routes import free_ranges
from orchestr8.names import BoxId, ServiceName
from orchestr8.store.chain import Entry
from orchestr8.store.store import Store

if TYPE_CHECKING:
    from orchestr8.boxes.desired import Desired
    from orchestr8.controller.execute import Executor

ENGINE_KEY = "engine"
ENGINE_ID_KEY = "engine_id"
RANGES_KEY = "ranges"
_Answer = TypeVar("_Answer")


class Session(Struct, dict=True):
    """Everything that a command needs; borders are opened when they are first asked for."""

    settings: Settings
    store: Store
    patience_ms: int = 0
    """How long a change waits for another one to end."""
    new_engine: bool = False
    """Whether an engine with another id than the one written down takes that one's place."""
    clock: Clock = CLOCK
    pulses: Pulses | None = None
    """What boxes said when they were asked last, where somebody keeps asking."""
    needed: Callable[[], bool] = no
    """Whether something else needs whoever waits at a gate."""
    heard: Callable[[], bool] = no
    """Whether something was heard that nobody has looked at yet."""
    ending: Callable[[], bool] = no
    """Whether whoever acts here is to end soon."""
    meanwhile: Callable[[], None] = nothing
    """What is done while calls take their time."""
    under_way: list[Executor] = field(default_factory=list)
    """The plans that are carried out now, each within the one before."""
    occupied: set[ServiceName] = field(default_factory=set)
    """The services whose things somebody works at."""
    proved: dict[BoxId, float] = field(default_factory=dict)
    """When boxes were proved last (monotonic seconds)."""
    since: dict[BoxId, float] = field(default_factory=dict)
    """From when boxes are waited for, over all gates of this session (monotonic seconds)."""
    ceilings: Ceilings = field(default_factory=dict)
    """Boxes that the loop holds to less memory than their maximum; never changed, but replaced."""
    asker: Asker | None = None
    """Who asks, where that is not whoever runs this process, who is the platform."""
    turn: Callable[..., Any] | None = None
    """How somebody else, who keeps this machine, is asked to make a change."""
    _holds_lock: bool = False

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Holds the store's lock, with the fleet as it is once the lock is held; one within
        another is a part of it."""
        if self._holds_lock:
            self.forget_stored()
            yield
            return
        with self._writing(server=False):
            yield

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Holds the store's lock for many changes, one after the other; others are told who does.

        Raises UnavailableError where somebody else holds it.
        """
        with self._writing(server=True):
            yield

    @contextmanager
    def _writing(self, *, server: bool) -> Iterator[None]:
        with self.store.writing(self.patience_ms, server=server):
            self._holds_lock = True
            try:
                self.forget_stored()
                yield
            finally:
                self._holds_lock = False

    def patience(self, timeout_ms: float) -> Patience:
        """Waiting for at most this long from now; for a plan within another at no gate."""
        deadline = self.clock.monotonic() + timeout_ms / 1000
        needed = yes if self.under_way else self.needed
        return Patience(deadline, self.clock, needed, self.ending, self.meanwhile, self.since)

    def beside(self, function: Callable[..., _Answer], *arguments: Any) -> _Answer:
        """What a function gives that needs neither store nor turn and may take long: others are
        kept meanwhile, so what was looked at before is old afterwards."""
        if self.meanwhile is nothing:
            return function(*arguments)
        with working(self.clock) as workers:
            answer: Future[_Answer] = workers.submit(function, *arguments)
            while not workers.wait([answer], TICK_SECONDS):
                self.meanwhile()
        self.forget_stored()
        return answer.result()

    def in_turn(self, function: Callable[..., _Answer], *arguments: Any) -> _Answer:
        """What a function gives that changes this machine: made here, or by whoever keeps it."""
        if self.turn is None:
            return function(self, *arguments)
        try:
            answer: _Answer = self.turn(function, *arguments)
        finally:
            self.forget_stored()
        return answer

    @property
    def busy(self) -> frozenset[ServiceName]:
        """The services of the plans that are carried out now, and those that are occupied."""
        return frozenset(self.occupied).union(*(one.services for one in self.under_way))

    def with_what_goes_on(self, desired: Desired) -> Desired:
        """What shall exist, with what is done about it at this moment."""
        given = [one.dealt.items() for one in self.under_way]
        dealt = dict(chain.from_iterable(given)) if given else None
        left = frozenset[int]().union(*(one.left for one in self.under_way))
        return replace(
            desired,
            busy=self.busy, ceilings=self.ceilings, being_dealt=dealt, being_left=left,
        )  # fmt: skip

    @contextmanager
    def occupying(self, services: frozenset[ServiceName]) -> Iterator[None]:
        """Nobody makes or ends boxes of these services meanwhile."""
        self.occupied |= services
        try:
            yield
        finally:
            self.occupied -= services

    def of(self, asker: Asker) -> Session:
        """This session as another's: the same store and the same engine, their name and rights."""
        settings = self.settings._replace(actor=asker.name)
        asked = replace(self, settings=settings, asker=asker, patience_ms=0, new_engine=False)
        kept = ("choice", "contents", "borders", "ranges")
        asked.__dict__.update({name: self.__dict__[name] for name in kept if name in self.__dict__})
        return asked

    @cached_property
    def authority(self) -> Authority:
        """What whoever asks may see and change, by the platform part in force."""
        return authority_of(self.asker, self.stored.fleet.platform) if self.asker else EVERYTHING

    def may(self, owner: str) -> bool:
        """Whether this owner's things are theirs who ask."""
        return self.authority.may(owner)

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
                raise UnavailableError(
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
        opened = self.borders_of(self.store.ledger.installation)
        self.require_same_engine(opened.engine_id)
        return opened

    def require_same_engine(self, engine_id: str) -> None:
        """Raises UnavailableError for an engine at the same place that is another one."""
        written = self.store.ledger.meta(ENGINE_ID_KEY)
        if written and engine_id and written != engine_id and not self.new_engine:
            raise UnavailableError(
                f"{self.choice} is another engine ({engine_id}) than the one that the boxes of "
                f"this state folder run on ({written})",
                "start that one again; if it is gone for good with its boxes, "
                "`orchestr8 apply PATH --new-engine` makes them anew on this one",
            )

    def borders_of(self, installation: str) -> Borders:
        """The engine as an installation of this name has it: for a look at another's boxes."""
        home = (self.settings.boxes or self.store.folder).absolute()
        ground = Ground(
            installation, self.settings.run, self.ranges, home, self.settings.image_bytes_max
        )
        return open_borders(self.choice, self.contents, ground)

    @cached_property
    def ranges(self) -> Ranges:
        """The addresses of this installation: those written down, or ones that are free here."""
        written = self.store.ledger.meta(RANGES_KEY)
        return Ranges(*written.split()) if written else free_ranges()

    @cached_property
    def stored(self) -> Stored:
        """The fleet in force."""
        stored = stored_fleet(self.store.documents, self.held_back)
        given = self.store.interventions.overrides()
        overrides = counting(stored.fleet, given, stored.put_off)
        return replace(stored, overrides=overrides)

    @cached_property
    def pinned(self) -> dict[ServiceName, ImageFacts]:
        """What the image of each service in force meant to the revision that it rests on."""
        stored, pins = self.stored, self.store.pins
        by_revision = {
            rests_on: pins.of_revision(*rests_on) for rests_on in set(stored.revisions.values())
        }
        pinned = {}
        for name, service in stored.fleet.services().items():
            of_revision = by_revision.get(stored.revisions[name], {})
            facts = of_revision.get(service.image) or pins.image(service.image)
            if facts:
                pinned[name] = facts
        return pinned

    @cached_property
    def held_back(self) -> dict[ServiceName, int]:
        """The services that were taken back to an older revision than their set's."""
        return self.store.ledger.held_back()

    @cached_property
    def holds(self) -> dict[ServiceName, Hold]:
        """The holds that count: `down` is stronger than a hold."""
        revisions, down = self.stored.revisions, self.stored.down
        return {
            name: hold
            for name, hold in self.store.interventions.holds().items()
            if revisions.get(name, ("", 0))[0] not in down
        }

    @cached_property
    def strict(self) -> dict[ServiceName, int]:
        """The version of STRICT that each service was placed with; one that went and comes again
        is a fresh one."""
        records = self.store.ledger.records().services
        return {
            name: version
            for name, version in self.store.pins.strict_versions().items()
            if name in records and records[name].key
        }

    def forget_stored(self) -> None:
        """The store has changed: the fleet in force is read anew."""
        for name in ("stored", "held_back", "pinned", "holds", "strict", "authority"):
            self.__dict__.pop(name, None)

    def _kept(self) -> Kept:
        identity = self.store.adoption.identity()
        home = str(self.store.folder.absolute())
        team = self.stored.fleet.platform.mode == "team"
        moved = {
            str(ServiceName(owner, name)): set_name
            for (kind, owner, name), set_name in self.store.documents.homes().items()
            if kind == "service"
        }
        return Kept(identity.key, home, self.ranges.subnet, self.ranges.services, team, moved)

    def write_engine_down(self) -> None:
        """From now on this engine and these addresses, and no other."""
        ledger, borders = self.store.ledger, self.borders
        if not ledger.meta(ENGINE_KEY):
            ledger.remember(ENGINE_KEY, f"{self.choice.engine} {self.choice.endpoint}")
        before = ledger.meta(ENGINE_ID_KEY)
        if borders.engine_id and before != borders.engine_id:
            with self.store.together():
                ledger.remember(ENGINE_ID_KEY, borders.engine_id)
                cause = f"instead of {before}" if before else ""
                self.write_down("pin engine", f"{self.choice} {borders.engine_id}", cause)
        if not ledger.meta(RANGES_KEY):
            ledger.remember(RANGES_KEY, f"{self.ranges.subnet} {self.ranges.services}")

    def write_down(self, kind: str, subject: str, cause: str = "", result: str = "") -> None:
        """A row in the journal: what whoever acts here does now."""
        entry = Entry(self.clock.now_ms(), self.settings.actor, kind, subject, cause, result)
        self.store.journal.append([entry])

    def write_kept(self) -> None:
        """What this store will be missed for, beside the boxes."""
        write_kept(self.borders.keepsake, self._kept())


@contextmanager
def session(settings: Settings, *, make: bool = True) -> Iterator[Session]:
    """Opens the store for one command; without `make` a store that is missing is an error, so that
    whoever serves one does not bring a deleted folder back empty."""
    store = Store(settings.state, make=make)
    try:
        yield Session(settings, store)
    finally:
        store.close()
