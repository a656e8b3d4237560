"""Turns until told to stop. One thread owns the store's lock and makes every change.

It wakes on events of the engine, on boxes that get better or worse, on dates that come, and on
requests, which run between two turns. Nothing that it remembers is needed: whoever takes over looks
at what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from msgspec import Struct, field

from orchestr8.boxes.use import Ceilings
from orchestr8.controller.alarms import Watch
from orchestr8.controller.balancing import Balancer
from orchestr8.controller.cycle import Cycle
from orchestr8.controller.keeping import LOOP, Keeper
from orchestr8.controller.patrol import every_seconds
from orchestr8.controller.progress import Event, Listener
from orchestr8.controller.pulses import Pulses
from orchestr8.controller.recording import close_cut_short
from orchestr8.controller.reflex import Reflex
from orchestr8.controller.session import Session
from orchestr8.controller.sight import Sight
from orchestr8.descriptors import NONE_LEFT, REMEDY, none_left
from orchestr8.engines.protocol import Events, Happened
from orchestr8.errors import (
    EngineError,
    ManifestError,
    Orchestr8Error,
    StoreError,
    UnavailableError,
)
from orchestr8.names import BoxId, ServiceName

PLANS_MOST = 4
"""How many plans are carried out at once, each within the one before."""
FULL_LOOK_SECONDS = 30.0
"""How often everything is looked at although nothing was heard; less often where there are so many
boxes that proofs are rarer."""
SOON_SECONDS = 1.0
"""A turn that proves nobody and comes so shortly before that look is that look."""
SILENT_SECONDS_MOST = 900.0
"""A loop that has been at one thing for longer is hung: no call takes so long."""


def _nothing(_: Session) -> None:
    """After every request the store is read anew."""


class _Wake(Struct, frozen=True):
    """Something may have changed: these services, these boxes, or without either everything."""

    services: tuple[ServiceName, ...] = ()
    boxes: tuple[BoxId, ...] = ()


class _Ended(Struct, frozen=True):
    """A box that is watched ended, by the kernel's word; the engine's own may come later."""

    box: BoxId


class _Errand(Struct, frozen=True):
    """A request that somebody waits for."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    answer: Future[Any] = field(default_factory=Future)


_Message = _Wake | _Ended | _Errand


class Loop:
    """The one that keeps a machine as it shall be."""

    def __init__(self, session: Session, listener: Listener) -> None:
        self._session = session
        self._clock = session.clock
        self._listener = listener
        self._inbox: SimpleQueue[_Message] = SimpleQueue()
        self._keeper = Keeper(session, listener)
        self._watch = Watch(session)
        self._reflex = Reflex(
            session, self._keeper.narrator, LOOP, lambda box: self._inbox.put(_Ended(box))
        )
        self._full_look_due = 0.0
        self._due = 0.0
        """When the next turn is due, if nothing is heard before."""
        self._balancer = Balancer(session, listener)
        self._needed = False
        self._stopping = False
        self._trouble = ""
        self._alive = self._clock.monotonic()
        self._has_taken_over = False
        self._is_listening = False
        self._listen_no_more: Callable[[], None] = lambda: None
        self._has_looked = False
        self.turned: Callable[[Cycle | None, float], None] = lambda _, __: None
        """Hears of each turn: what was seen, or None where nothing could be, and the seconds."""

    @property
    def _sight(self) -> Sight:
        return self._keeper.sight

    def run(self) -> None:
        """Keeps until told to stop; boxes run on. Raises UnavailableError where somebody else
        changes this machine, and whatever is nobody's fault but ours."""
        session = self._session
        with session.serving():
            session.needed, session.ending = self._is_needed, lambda: self._stopping
            session.heard = lambda: not self._inbox.empty()
            session.meanwhile = self._meanwhile
            self._listener.tell(Event("started", "everything is looked at"))
            try:
                self._keep()
            finally:
                self._refuse_the_rest()
                self._listen_no_more()
                self._reflex.close()
                self._balancer.lift()
                if session.pulses:
                    session.pulses.close()
        self._listener.tell(Event("stopped", "boxes run on; nobody watches them"))

    def stop(self) -> None:
        """Ends the loop after the calls that it makes now. From any thread or signal."""
        self._stopping = True
        self.wake()

    def wake(self, services: Iterable[ServiceName] = ()) -> None:
        """Something may have changed, of these services or anywhere: there is another look soon.
        From any thread or signal."""
        self._put(_Wake(tuple(services)))

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping

    def reread(self) -> None:
        """Reads the store again and looks at everything. From any thread or signal."""
        self._put(_Errand(_nothing, ()))

    @property
    def ceilings(self) -> Ceilings:
        """What boxes are held to for now. From any thread."""
        return self._session.ceilings

    @property
    def hangs(self) -> bool:
        """Whether it has been at the same thing for longer than anything takes."""
        return self._clock.monotonic() - self._alive > SILENT_SECONDS_MOST

    @property
    def trouble(self) -> str:
        """What keeps it from looking or acting; empty where nothing does."""
        return self._trouble

    @property
    def obstacle(self) -> str:
        """Why boxes are not kept as they shall be; empty where they are."""
        if self._stopping:
            return "it is stopping"
        return self._trouble if self._has_looked else "it has not looked yet"

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Runs `function(session, *arguments)` between two turns, on the loop's thread.

        Gives its result, or raises what it raised; UnavailableError once the loop ends.
        """
        return self.ask(function, *arguments).result()

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """The same without waiting for the answer. From any thread."""
        errand = _Errand(function, arguments)
        self._put(errand)
        if self._stopping:
            self._refuse_the_rest()
        return errand.answer

    def _put(self, message: _Message) -> None:
        self._inbox.put(message)
        self._needed = True

    def _is_needed(self) -> bool:
        """Whether whoever waits at a gate should come back; once for each thing that was heard."""
        needed, self._needed = self._needed, False
        return needed

    def _keep(self) -> None:
        self._due = self._clock.monotonic()
        while not self._stopping:
            self._alive = now = self._clock.monotonic()
            try:
                if now >= self._due:
                    self._due = self._clock.monotonic() + self._turn()
                if self._hear(self._patience()):
                    self._due = self._clock.monotonic()
            except OSError as error:
                if not none_left(error):
                    raise
                pause = self._rest(UnavailableError(NONE_LEFT, REMEDY), now)
                self._due = self._clock.monotonic() + pause

    def _meanwhile(self) -> None:
        """A turn while calls of another plan take their time, if there is something to look at;
        requests wait until that plan is over."""
        if self._stopping or len(self._session.under_way) >= PLANS_MOST:
            return
        is_due, errands = self._clock.monotonic() >= self._due, []
        while (message := self._waiting()) is not None:
            if isinstance(message, _Errand):
                errands.append(message)
            elif isinstance(message, _Wake):
                self._take_in(message)
                is_due = True
        for errand in errands:
            self._inbox.put(errand)
        if self._ask_pulses() or is_due:
            self._session.forget_stored()
            self._due = self._clock.monotonic() + self._turn()

    def _waiting(self) -> _Message | None:
        try:
            return self._inbox.get_nowait()
        except Empty:
            return None

    def _turn(self) -> float:
        """One turn; the seconds until the next, if nothing is heard before."""
        if not self._session.under_way:
            self._needed = False
        self._reflex.stir()
        began = self._clock.monotonic()
        if began >= self._full_look_due - self._soon():
            self._sight.doubt_all()
        try:
            self._take_over()
            self._attend()
            cycle, next_ms = self._keeper.turn()
            self._reflex.tell_what_works(cycle)
            if cycle.plan.empty and not self._session.under_way:
                self._reflex.rest(cycle)
            self._balancer.follow(cycle)
            self._watch.look(cycle, self._keeper.unwanted, self._keeper.patrol.alarms)
        except (EngineError, StoreError, ManifestError) as error:
            return self._rest(error, began)
        now = self._clock.monotonic()
        self._has_looked = True
        self.turned(cycle, now - began)
        if self._sight.is_whole:
            seconds = every_seconds(len(cycle.world.boxes))
            self._full_look_due = now + max(FULL_LOOK_SECONDS, seconds)
        if self._trouble:
            self._trouble = ""
            self._listener.tell(Event("over", "what was in the way is over"))
        return min(next_ms / 1000, max(self._full_look_due - now, 0.0))

    def _rest(self, error: Orchestr8Error, began: float) -> float:
        """Nothing could be seen: the seconds until it is tried again."""
        self._sight.doubt_all()
        self._tell_trouble(error)
        self._has_looked = True
        self.turned(None, self._clock.monotonic() - began)
        return self._keeper.pause_ms() / 1000

    def _soon(self) -> float:
        """How long before the look at everything a turn is that look: proofs draw it to them."""
        proved = self._keeper.patrol.whose_turn()
        return every_seconds(len(self._session.proved)) / 2 if proved else SOON_SECONDS

    def _take_over(self) -> None:
        """What an earlier process was killed at gets its result, as soon as the store can be
        written."""
        if not self._has_taken_over:
            close_cut_short(self._session)
            self._has_taken_over = True

    def _attend(self) -> None:
        """Listens to the engine and asks the boxes, once there is an engine."""
        session = self._session
        boxes = session.borders.boxes
        if session.pulses is None:
            session.pulses = Pulses(session.borders.probes, self._clock)
        if not self._is_listening and isinstance(boxes, Events):
            self._listen_no_more = boxes.listen(self._hear_of)
            self._is_listening = True

    def _hear_of(self, happened: Happened) -> None:
        self._put(_Wake(boxes=(happened.box,) if happened.box else ()))

    def _tell_trouble(self, error: Orchestr8Error) -> None:
        """Says what keeps the loop from looking, once."""
        if isinstance(error, ManifestError):
            what = "; ".join(f"{one.place}: {one.what}" for one in error.problems)
        else:
            what = error.what
        if what != self._trouble:
            self._trouble = what
            with suppress(StoreError):  # a store that cannot be written is told in the log alone
                self._watch.trouble(what)
            self._listener.tell(Event("trouble", what))

    def _patience(self) -> float:
        """How long to wait for a message: until the next turn, or until a box is to be asked."""
        pulses = self._session.pulses
        asked = (pulses.due() if pulses else None, self._balancer.due())
        first = min(at for at in (self._due, *asked) if at is not None)
        return max(first - self._clock.monotonic(), 0.0)

    def _hear(self, seconds: float) -> bool:
        """Waits for messages, and takes all that are there; whether another look is due."""
        is_due, together = False, list[BoxId]()
        message = self._clock.receive(self._inbox, seconds)
        while message is not None:
            if isinstance(message, _Ended):
                together.append(message.box)
            else:
                is_due = True
                self._succeed(together)
                if isinstance(message, _Errand):
                    self._run(message)
                else:
                    self._take_in(message)
            message = self._clock.receive(self._inbox, 0)
        is_due = self._succeed(together) or is_due
        return self._ask_pulses() or is_due

    def _succeed(self, together: list[BoxId]) -> bool:
        """Whether anybody took the place of these boxes, which ended right after one another; the
        list is empty then."""
        ended = tuple(together)
        together.clear()
        if not ended or not self._reflex.ended(ended):
            return False
        self._take_in(_Wake(tuple({one.service_name for one in ended}), ended))
        return True

    def _ask_pulses(self) -> bool:
        """Whether boxes got better or worse; what they hold is looked at, too."""
        pulses = self._session.pulses
        changed = pulses.tick() if pulses else set()
        self._sight.doubt(changed)
        self._sight.doubt(self._balancer.tick())
        return bool(changed)

    def _take_in(self, wake: _Wake) -> None:
        for box_id in wake.boxes:
            self._reflex.heard_of(box_id)
        self._reflex.stir()
        if wake.services or wake.boxes:
            self._sight.doubt(wake.services, wake.boxes)
            # A box that ended is mostly replaced: one look at all that this needs, instead of two.
            self._sight.doubt_host()
        else:
            self._sight.doubt_all()

    def _run(self, errand: _Errand) -> None:
        if not errand.answer.set_running_or_notify_cancel():
            return
        self._reflex.stir()
        self._needed = False
        try:
            errand.answer.set_result(errand.function(self._session, *errand.arguments))
        except Exception as error:
            errand.answer.set_exception(error)
        except BaseException as error:
            errand.answer.set_exception(error)
            raise
        finally:
            self._session.forget_stored()
            self._sight.doubt_all()

    def _refuse_the_rest(self) -> None:
        """Nobody waits for ever for a loop that has ended."""
        self._stopping = True
        while (message := self._waiting()) is not None:
            if isinstance(message, _Errand) and message.answer.set_running_or_notify_cancel():
                message.answer.set_exception(
                    UnavailableError("the server is stopping", "type the command again")
                )
