"""A loop as a process: its signals, its log, and what its supervisor wants to hear."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from orchestr8.cli.answering import Acted, Answering
from orchestr8.cli.arguments import Output
from orchestr8.cli.document import SCHEMA
from orchestr8.cli.opening import is_passing
from orchestr8.cli.terminal import escaped, milliseconds
from orchestr8.controller.calling import Calling
from orchestr8.controller.clock import LastingClock
from orchestr8.controller.loop import Loop
from orchestr8.controller.polling import Polling
from orchestr8.controller.progress import Event, Phase
from orchestr8.controller.session import Session
from orchestr8.errors import Exit
from orchestr8.host.journal import Priority, journal_of
from orchestr8.host.notify import Notify
from orchestr8.names import slot_name
from orchestr8.server.hooks import Hooks
from orchestr8.server.listening import listening, monitored
from orchestr8.server.metrics import Metrics
from orchestr8.server.monitoring import Monitoring
from orchestr8.server.remote import remote

DESCRIPTORS_MOST = 65_536
_UNTOLD = ("image", "net", "create", "remove")
"""Phases that a reader of the log misses nothing without."""
_PRIORITIES = {"alarm": Priority.ERROR, "trouble": Priority.WARNING}


class Log:
    """One line an event, for people or for machines, and none lost in a buffer.

    Where the lines would go to systemd's journal, it gets the events themselves, with fields.
    """

    def __init__(self, output: Output) -> None:
        self._as_json = output is Output.JSON
        # Past the stream of the process: what its buffer cannot get rid of would count at the end.
        self._file = sys.stdout.fileno()
        self._journal = None if self._as_json else journal_of(self._file)
        self._lock = threading.Lock()
        self.begun: Callable[[], object] = bool
        """What is done once the store's lock is held, before the log says so."""
        self.counted: Callable[[Phase], object] = bool
        """Hears of every phase, be it told or not."""

    def tell(self, event: Event) -> None:
        """Something happened."""
        if event.kind == "started":
            self.begun()
        self._write(event.kind, event.subject, event.what)

    def note(self, text: str) -> None:
        """A sentence."""
        self._write("note", "", text)

    def phase(self, phase: Phase) -> None:
        """A phase of a box is over, or failed."""
        self.counted(phase)
        if phase.milliseconds is None:
            return
        if not self._as_json and phase.phase in _UNTOLD and not phase.failed:
            return
        subject = slot_name(phase.slot, phase.service) if phase.service else ""
        what = phase.detail or milliseconds(phase.milliseconds)
        kind = f"{phase.phase} failed" if phase.failed and phase.phase != "failed" else phase.phase
        facts = {"box": str(phase.box or ""), "milliseconds": round(phase.milliseconds, 3)}
        self._write(kind, subject, f"{what}  {phase.box or ''}".rstrip(), **facts)

    def acted(self, acted: Acted) -> None:
        """Somebody did something at the API. Of what did not go well only names are told: nobody
        knows what else was typed."""
        is_done = acted.status == Exit.DONE
        words = acted.words if is_done else (word.partition("=")[0] for word in acted.words)
        result = "done" if is_done else f"exit status {acted.status}"
        what = f"{' '.join(words)}: {result}  {milliseconds(acted.milliseconds)}"
        facts = {"result": result, "milliseconds": round(acted.milliseconds, 3)}
        self._write("command", acted.who, what, **facts)

    def _write(self, kind: str, subject: str, what: str, **facts: Any) -> None:
        if self._journal and self._journal.write(*_entry(kind, subject, what, facts)):
            return
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
        if self._as_json:
            document = {"schema": SCHEMA, "kind": "event", "at": at, "event": kind}
            line = json.dumps(document | {"subject": subject, "what": what, **facts})
        else:
            line = f"{at}  {_line(kind, subject, what)}"
        # Whoever read the log has gone, or its disk is full: boxes are kept nevertheless.
        with self._lock, suppress(OSError):
            os.write(self._file, f"{line}\n".encode(errors="backslashreplace"))


def _entry(
    kind: str, subject: str, what: str, facts: Mapping[str, Any]
) -> tuple[str, Priority, dict[str, str]]:
    """An event as the journal takes it: the line, how urgent it is, and the event's parts."""
    usual = Priority.WARNING if kind.endswith("failed") else Priority.INFORMATION
    parts = {"event": kind, "subject": subject, **facts}
    fields = {f"ORCHESTR8_{name.upper()}": str(value) for name, value in parts.items() if value}
    priority = _PRIORITIES.get(kind, usual)
    return _line(kind, subject, what), priority, {"SYSLOG_IDENTIFIER": "orchestr8", **fields}


def _line(kind: str, subject: str, what: str) -> str:
    return escaped("  ".join(filter(None, (f"{kind:<8}", subject, what))))


class Ways(NamedTuple):
    """The ways to a server beside its socket: where monitors ask, and where whoever has a token
    comes over TLS, with the files of the certificate and its key."""

    monitor: tuple[str, int] | None = None
    listen: tuple[str, int] | None = None
    files: tuple[Path, Path] = (Path(), Path())


def serve(session: Session, output: Output, ways: Ways) -> int:
    """Runs the loop until a signal ends it; it is come to by the socket and these ways."""
    # What is left of a process that a supervisor aborts would have secrets in it.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    _raise_descriptors()
    notify = Notify()
    session.clock = LastingClock()
    log = Log(output)
    loop = Loop(session, log)
    over = threading.Event()
    beside = ExitStack()
    metrics = Metrics(session.settings)
    loop.turned, log.counted = metrics.turned, metrics.phase
    monitoring = Monitoring(loop, metrics)
    answering = Answering(loop, session.settings, metrics)
    calling = Calling(session.settings, session.clock, log.note, lambda: loop.trouble)
    polling = Polling(loop, session.settings, session.clock, log)
    answering.changed, answering.acted = polling.look, log.acted
    hooks = Hooks(polling, session.settings.secrets, log.note)
    application = answering.application(monitoring, hooks)

    def begin() -> None:
        if not is_passing(session):
            beside.enter_context(listening(session.settings.run, application, log.note))
            if ways.monitor:
                beside.enter_context(monitored(ways.monitor, monitoring.told, log.note))
            if ways.listen:
                given = (ways.listen, ways.files, application, answering.asker_of, log.note)
                beside.enter_context(remote(*given))
            for one in (polling, calling):
                threading.Thread(target=one.run, daemon=True).start()
                beside.callback(one.stop)
        # A supervisor counts from here on whether we live, and hears nothing of it before.
        notify.ready()
        if notify.watchdog_seconds:
            threading.Thread(target=_beat, args=(loop, notify, over), daemon=True).start()

    log.begun = begin

    def end(number: int, _: FrameType | None) -> None:
        # The next one ends the process at once, which harms nothing either.
        signal.signal(number, signal.SIG_DFL)
        notify.stopping()
        loop.stop()

    def reread(_: int, __: FrameType | None) -> None:
        loop.reread()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGHUP, reread)
    try:
        with beside:
            loop.run()
    finally:
        over.set()
    return 0


def _raise_descriptors() -> None:
    """As many as the host lets us have: each connection takes one, and each box that is watched.
    Programs that are started inherit that, so it is no number that one of them would count to;
    boxes have limits of their own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(soft, min(hard, DESCRIPTORS_MOST))
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _beat(loop: Loop, notify: Notify, over: threading.Event) -> None:
    """Says that the loop lives, for as long as it does."""
    while not over.wait(notify.watchdog_seconds / 3):
        if not loop.hangs:
            notify.alive()
