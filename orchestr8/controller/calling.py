"""Calls whoever is on call: each is told of what is theirs, once when it begins and once when it is
over, in one message for all that came together, and again until somebody took it.
"""

from __future__ import annotations

import json
import shlex
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from orchestr8.controller.alarms import PATIENCE_MS, USUAL_PATIENCE_MS
from orchestr8.controller.clock import Clock
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.controller.unwritten import Unwritten
from orchestr8.errors import Orchestr8Error, RejectedError, StoreError, UnavailableError
from orchestr8.manifest.model import Platform
from orchestr8.names import PLATFORM
from orchestr8.sources.child import Bounds, Child
from orchestr8.store.alarms import Alarm

SCHEMA = 1
LOOK_SECONDS = 1.0
BETWEEN_SECONDS = 30.0
"""How long somebody is left alone after a message; what comes meanwhile is one message."""
AFTER_FAILURE_SECONDS = 120.0
LOOK_ANYWAY_SECONDS = 60.0
"""How often it is looked whether what must stand for long does so by now."""
ATTEMPTS, WAIT_SECONDS_MOST = 4, 20.0
ALARMS_MOST = 50
"""How many are in one message; the others are in the next."""
ANSWER_SECONDS = 10
UID = 65_520
"""A command's own account, which is nobody else's; beside that of git and its helpers."""


class Calling:
    """Calls until told to stop."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        note: Callable[[str], None],
        trouble: Callable[[], str] = str,
    ) -> None:
        """`trouble` says what is in the loop's way, which it may be unable to write down."""
        self._settings = settings
        self._clock = clock
        self._note = note
        self._unwritten = Unwritten(trouble)
        self._due: dict[str, float] = {}
        self._under_way: set[str] = set()
        self._stopped = threading.Event()

    def run(self) -> None:
        """Looks for what is to be told; comes back once told to stop."""
        while not self._stopped.wait(LOOK_SECONDS):
            try:
                with session(self._settings, make=False) as opened:
                    self._watch(opened)
            except (Orchestr8Error, OSError):
                continue  # the loop tells what keeps it from reading its store

    def stop(self) -> None:
        """Ends it; a message that is under way is left to its end. From any thread."""
        self._stopped.set()

    def _watch(self, opened: Session) -> None:
        """Looks for as long as the store can be read; where nobody is to be told soon, only once
        something was written, or cannot be, and each minute."""
        seen, again = None, 0.0
        while not self._stopped.wait(LOOK_SECONDS):
            mark, now = opened.store.mark(), self._clock.monotonic()
            if mark != seen or self._unwritten.is_open or now >= again:
                opened.forget_stored()
                seen = None if self._look(opened) else mark
                again = now + LOOK_ANYWAY_SECONDS

    def _look(self, opened: Session) -> bool:
        """Tells what is to be told; whether more is soon, though nobody writes anything."""
        # Asked before the store is read: what they are told now is not in there yet.
        under_way = frozenset(self._under_way)
        self._unwritten.write(opened.store.alarms)
        stored = opened.store.alarms.every()
        every = self._unwritten.beside(stored, opened.clock.now_ms(), under_way)
        due = untold(opened, every, under_way)
        soon_ms = opened.clock.now_ms() + int(LOOK_ANYWAY_SECONDS * 1000)
        owners = {
            one.key.owner for one in every if one.standing != one.told and _has_stood(one, soon_ms)
        }
        if not owners:
            return False
        oncall = who_is_on_call(opened.stored.fleet.platform)
        now = self._clock.monotonic()
        for owner in sorted(due):
            target = oncall.get(owner, "")
            if not target:
                # What stands is for whoever is named later; of an end nobody needs to hear.
                ends = [one for one in due[owner] if not one.standing]
                self._unwritten.note_told(ends, opened.store.alarms)
            elif self._due.get(owner, 0.0) <= now:
                given = (owner, target, due[owner][:ALARMS_MOST])
                # a thread each: whoever does not answer keeps nobody else from being called
                teller = threading.Thread(target=self._tell, args=given, daemon=True)
                self._under_way.add(owner)
                try:
                    teller.start()
                except RuntimeError as error:
                    self._under_way.discard(owner)
                    self._due[owner] = now + AFTER_FAILURE_SECONDS
                    self._note(f"{owner} cannot be called: {error}")
        return any(oncall.get(owner) for owner in owners)

    def _tell(self, owner: str, target: str, alarms: Sequence[Alarm]) -> None:
        rest = BETWEEN_SECONDS
        try:
            tell(self._settings, owner, target, alarms)
            with session(self._settings, make=False) as opened:
                self._unwritten.note_told(alarms, opened.store.alarms)
        except Orchestr8Error as error:
            rest = AFTER_FAILURE_SECONDS
            self._note(f"{owner} cannot be called: {error.what}")
        finally:
            self._due[owner] = self._clock.monotonic() + rest
            self._under_way.discard(owner)


def who_is_on_call(platform: Platform) -> dict[str, str]:
    """The address or command of each owner, and of the platform."""
    return {PLATFORM: platform.oncall} | {one.name: one.oncall for one in platform.owners}


def untold(
    opened: Session, alarms: Sequence[Alarm], under_way: Collection[str] = ()
) -> dict[str, list[Alarm]]:
    """What each owner is to be told: what stands for long enough, and what is over. Owners whose
    message is under way are left alone: what it says may be told by now."""
    every = [one for one in alarms if one.key.owner not in under_way]
    gone = [one.key for one in every if not one.standing and not one.told]
    if gone:
        with suppress(StoreError):  # they are told as little while they stay
            opened.store.alarms.drop_untold(gone)
    now_ms = opened.clock.now_ms()
    due: dict[str, list[Alarm]] = {}
    for alarm in every:
        if alarm.standing != alarm.told and _has_stood(alarm, now_ms):
            due.setdefault(alarm.key.owner, []).append(alarm)
    return due


def _has_stood(alarm: Alarm, now_ms: int) -> bool:
    """Whether it has stood for long enough, is over, or is of before the clock was set back."""
    patience_ms = PATIENCE_MS.get(alarm.key.kind, USUAL_PATIENCE_MS)
    return not (alarm.standing and 0 <= now_ms - alarm.since_ms < patience_ms)


def tell(settings: Settings, owner: str, target: str, alarms: Sequence[Alarm]) -> None:
    """Tells them all in one message, several times where nobody takes it; raises EngineError.

    Whoever says that they do not want it says the same some seconds later.
    """
    body = json.dumps(message(owner, alarms)).encode()
    repeating = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential_jitter(initial=1, max=WAIT_SECONDS_MOST),
        retry=retry_if_exception_type(UnavailableError),
        reraise=True,
    )
    if target.startswith("/"):
        home = settings.cache / "alarms" / owner  # two may be called at once
        repeating(_run, home, shlex.split(target), body)
    else:
        repeating(_post, target, body)


def message(owner: str, alarms: Sequence[Alarm]) -> dict[str, Any]:
    """What is sent; an id stays the same from the begin of an alarm to its end, however often."""
    return {
        "schema": SCHEMA,
        "kind": "alarms",
        "owner": owner,
        "host": socket.gethostname(),
        "alarms": [
            {
                "id": "/".join([*alarm.key, str(alarm.since_ms)]),
                "alarm": alarm.key.kind,
                "subject": alarm.key.subject,
                "state": "standing" if alarm.standing else "over",
                "since": f"{datetime.fromtimestamp(alarm.since_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}",
                "what": alarm.what,
            }
            for alarm in alarms
        ],
    }


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """What is of an owner goes where the platform said, and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """None: the answer is taken for the refusal that it is."""


def _post(address: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "orchestr8"}
    request = urllib.request.Request(address, body, headers, method="POST")
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=ANSWER_SECONDS):
            return
    except urllib.error.HTTPError as error:
        with error:
            kind = UnavailableError if error.code >= 500 else RejectedError
            raise kind(f"its webhook answers with {error.code}") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UnavailableError(f"its webhook does not answer: {reason}") from error


def _run(home: Path, command: Sequence[str], body: bytes) -> None:
    child = Child(home, Bounds(ANSWER_SECONDS, 1 << 20), uid=UID)
    try:
        if not (home / "passwd").exists():  # the disk may be full by now
            child.prepare()
        answer = child.run(command, text=body, network=True)
    except OSError as error:
        raise UnavailableError(f"its command cannot be run: {error}") from error
    if answer.status:
        said = answer.errors.strip().splitlines()[-1:]
        raise UnavailableError(": ".join([f"its command ends with {answer.status}", *said]))
