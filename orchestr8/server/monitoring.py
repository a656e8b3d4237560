"""Whether the server lives and is ready, and its figures: for whoever watches machines."""

from __future__ import annotations

from typing import NamedTuple

from orchestr8.controller.authority import Authority
from orchestr8.controller.loop import Loop
from orchestr8.server.documents import Health
from orchestr8.server.metrics import CONTENT_TYPE, Metrics


class Told(NamedTuple):
    """An answer as HTTP has it."""

    status: int
    content_type: str
    body: bytes


class Monitoring:
    """Answers what monitors ask."""

    def __init__(self, loop: Loop, metrics: Metrics) -> None:
        self._loop = loop
        self._metrics = metrics

    def told(self, path: str, authority: Authority) -> Told:
        """What is theirs who ask, of one of the three paths."""
        if path == "/metrics":
            return Told(200, CONTENT_TYPE, self._metrics.told(authority))
        if path == "/healthz":
            return _health("the loop hangs" if self._loop.hangs else "")
        # What is in the way may name what is another's.
        why = self._loop.obstacle
        return _health(why if authority.platform or not why else "boxes are not kept now")


def _health(why: str) -> Told:
    body = Health(ok=not why, why=why).model_dump_json().encode()
    return Told(503 if why else 200, "application/json", body)
