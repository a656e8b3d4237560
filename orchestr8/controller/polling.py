"""Sources are asked on their own intervals, folders also when something is written there, beside a
loop that makes every change.

To fetch, read and judge may take minutes, so each has a thread of its own; what came of it is
applied between two turns of the loop. Nothing is remembered here that the store does not have.
"""

from __future__ import annotations

import threading

from orchestr8.controller.clock import Clock
from orchestr8.controller.folder_watch import FolderWatch
from orchestr8.controller.found import Found, Outlook, looked_at
from orchestr8.controller.loop import Loop
from orchestr8.controller.progress import Event, Listener
from orchestr8.controller.session import Session
from orchestr8.controller.settings import Settings
from orchestr8.controller.sources import (
    Synced,
    declared_sources,
    outlook,
    take,
    unreachable,
)
from orchestr8.errors import EngineError, Orchestr8Error, UnavailableError
from orchestr8.manifest.model import DeclaredSource
from orchestr8.sources.objects import DamagedError

LOOK_SECONDS = 30.0
"""How often the platform's part is looked at for sources that are new or gone."""
AGAIN_SECONDS = 60.0
"""How soon a source is asked again that could not be fetched from, where its interval is longer."""
APPLY_MS = 600_000
Declared = dict[DeclaredSource, Outlook]
"""The sources of the part in force, and what each will be judged by."""


class Polling:
    """Asks sources until told to stop."""

    def __init__(self, loop: Loop, settings: Settings, clock: Clock, listener: Listener) -> None:
        self._loop = loop
        self._settings = settings
        self._clock = clock
        self._listener = listener
        self._due: dict[DeclaredSource, float] = {}
        self._woken: set[str] = set()
        self._missed: dict[str, float] = {}
        """When those are asked again that could not be fetched from."""
        self._webhooks: dict[str, str] = {}
        self._under_way: set[str] = set()
        self._heard = threading.Event()
        self._folders = FolderWatch(self.wake)
        self._stopping = False

    def run(self) -> None:
        """Asks each source when it is due; comes back once told to stop, or the loop ends."""
        try:
            while not self._stopping:
                try:
                    declared: Declared = self._loop.call(_declared)
                except UnavailableError:
                    return
                except (Orchestr8Error, OSError):
                    declared = {}  # the loop tells what keeps it from reading its store
                try:
                    wait = self._begin(declared)
                except OSError:  # no descriptor for a folder that is to be watched
                    wait = LOOK_SECONDS
                self._heard.wait(wait)
                self._heard.clear()
        finally:
            self._folders.keep(())

    def stop(self) -> None:
        """Ends it; a fetch that is under way is left to its end. From any thread or signal."""
        self._stopping = True
        self._heard.set()

    def wake(self, name: str) -> None:
        """A source has something new, somebody says: it is asked at once. From any thread."""
        self._woken.add(name)
        self._heard.set()

    def look(self) -> None:
        """Sources may have been declared, or declared anew. From any thread."""
        self._heard.set()

    def webhook(self, name: str) -> str:
        """The file of the secret that wakes a source; empty where nothing does. From any thread."""
        return self._webhooks.get(name, "")

    def _begin(self, declared: Declared) -> float:
        """Begins with every source that is due; the seconds until the next is."""
        now, wait = self._clock.monotonic(), LOOK_SECONDS
        self._folders.keep(declared)
        self._webhooks = {one.name: one.webhook for one in declared}
        # one that is declared anew is asked at once: what was wrong with it may be mended
        self._due = {one: self._due.get(one, now) for one in declared}
        for source, asking in declared.items():
            if source.name in self._under_way:
                continue  # its end is heard of
            due = self._due[source] = self._due_at(source, now)
            if due <= now:
                due = self._due[source] = now + source.every_ms / 1000
                self._under_way.add(source.name)
                self._folders.renew(source)
                # a daemon, since a fetch that hangs must not keep a server from ending
                name, given = f"source {source.name}", (source, asking)
                asker = threading.Thread(target=self._ask, args=given, name=name, daemon=True)
                try:
                    asker.start()
                except RuntimeError:  # there is no thread to be had now
                    self._under_way.discard(source.name)
                    due = self._due[source] = now + LOOK_SECONDS
            wait = min(wait, max(due - now, 0.1))
        return wait

    def _due_at(self, source: DeclaredSource, now: float) -> float:
        due = self._due[source]
        due = min(due, self._missed.pop(source.name, due))
        if source.name in self._woken:
            self._woken.discard(source.name)
            due = now
        return due

    def _ask(self, source: DeclaredSource, asking: Outlook) -> None:
        """One source, once. Whatever goes wrong, it is asked again when it is due."""
        try:
            try:
                self._fetch(source, asking)
            except DamagedError:
                self._fetch(source, asking)
        except DamagedError as error:
            what = f"what was fetched cannot be read: {error}"
            self._tell_unreachable(source, UnavailableError(what, "it is fetched anew"))
        except EngineError as error:
            self._tell_unreachable(source, error)
        except Orchestr8Error as error:
            self._tell_unreachable(source, UnavailableError(error.what, error.remedy))
        finally:
            self._under_way.discard(source.name)
            self._heard.set()

    def _fetch(self, source: DeclaredSource, asking: Outlook) -> None:
        # A clone of its own: its lock is held while the loop is waited for, and a `sync` that the
        # loop is about would wait for that lock.
        with looked_at(self._settings, source, asking, "polled") as found:
            self._loop.call(_taken, found, self._listener)

    def _tell_unreachable(self, source: DeclaredSource, error: EngineError) -> None:
        if isinstance(error, UnavailableError):  # else something must be changed first
            self._missed[source.name] = self._clock.monotonic() + AGAIN_SECONDS
        try:
            self._loop.call(_unreachable, source, error, self._listener)
        except Orchestr8Error:
            return  # the loop has ended, or tells itself that its store cannot be written


def _declared(session: Session) -> Declared:
    return {one: outlook(session, one) for one in declared_sources(session).values()}


def _taken(session: Session, found: Found, listener: Listener) -> None:
    if not _stands(session, found.source):
        return
    before = session.store.sources.record(found.source.name).state
    _tell(take(session, found, listener, APPLY_MS), before, listener)


def _unreachable(
    session: Session, source: DeclaredSource, error: EngineError, listener: Listener
) -> None:
    if not _stands(session, source):
        return
    before = session.store.sources.record(source.name).state
    _tell(unreachable(session, source, error), before, listener)


def _stands(session: Session, source: DeclaredSource) -> bool:
    """Whether it is declared as it was when it was asked; else the answer is nobody's."""
    return declared_sources(session).get(source.name) == source


def _tell(synced: Synced, before: str, listener: Listener) -> None:
    """Tells what is new: a commit in force, or another state than before."""
    record = synced.record
    if not synced.applied and record.state == before:
        return
    what = record.state
    if record.problems:
        what += f": {record.problems[0].place}: {record.problems[0].what}"
    elif record.seen:
        what += f": {record.seen[:12]}"
    listener.tell(Event("source", what, record.name))
