"""Docker's events of our boxes, as they come and as it keeps them; an engine that goes away is come
back to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from orchestr8.engines.docker.client import Client
from orchestr8.engines.docker.containers import Known
from orchestr8.engines.docker.labels import BOX
from orchestr8.engines.protocol import Happened
from orchestr8.errors import EngineError
from orchestr8.names import BoxId

if TYPE_CHECKING:
    from orchestr8.engines.docker.sdk import EventStream

_TOLD = ("die", "destroy", "update", "pause", "unpause")
_AGAIN_SECONDS = 1.0


class DockerEvents:
    """One follower: a stream of events, and a thread that reads it."""

    def __init__(self, client: Client, label: str, heard: Callable[[Happened], None]) -> None:
        """Listens from now on; raises EngineError where nobody answers."""
        self._client = client
        self._label = label
        self._heard = heard
        self._ending = threading.Event()
        self._stream: EventStream | None = self._open()
        self._thread = threading.Thread(target=self._run, name="engine events", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Listens no more."""
        self._ending.set()
        if self._stream:
            self._stream.close()
        self._thread.join()

    def _open(self) -> EventStream:
        filters = {"type": ["container"], "event": list(_TOLD), "label": [self._label]}
        return self._client.events(filters)

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._stream = self._stream or self._open()
                if self._ending.is_set():
                    self._stream.close()
                for event in self._stream:
                    self._heard(happened(event))
            except EngineError:
                pass
            self._stream = None
            if not self._ending.wait(_AGAIN_SECONDS):
                self._heard(Happened("the engine's events broke off"))


def happened(event: Mapping[str, Any]) -> Happened:
    """An event in our words."""
    actor = event.get("Actor")
    attributes = actor.get("Attributes") if isinstance(actor, dict) else None
    name = attributes.get(BOX) if isinstance(attributes, dict) else None
    try:
        box_id = BoxId.parse(str(name))
    except ValueError:
        return Happened("something happened to a box")
    words = {"die": "ended", "destroy": "was removed", "update": "got other limits"}
    action = str(event.get("Action"))
    return Happened(f"{box_id} {words.get(action, f'met {action}')}", box_id)


def was_signalled(client: Client, ended: Known) -> bool:
    """Whether the engine tells of a signal to one that has ended. It keeps the last events alone:
    one of whose start it tells nothing may have got one.

    Where the clock was set back since the start nobody can ask: an end that counts for nothing
    would be healed without a pause for as long.
    """
    started_ms, now = ended.details.started_ms, time.time()
    if started_ms > now * 1000:
        return False
    content = client.text(
        "/events",
        f"asking how box {ended.name} ended",
        since=str(started_ms // 1000 - 1),
        until=f"{now:.3f}",
        filters=json.dumps({"container": [ended.container], "event": ["start", "kill"]}),
    )
    told = {json.loads(line).get("Action") for line in content.splitlines()}
    return "kill" in told or "start" not in told
