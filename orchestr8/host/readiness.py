"""A run folder that is made ready once, and anew only where it is not as it was left."""

from __future__ import annotations

import threading

from orchestr8.host.mounts import RunFolder

_one_at_a_time = threading.Lock()


class Readiness:
    """Spares whoever makes many boxes the table of mounts, which grows with each of them."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._seen: list[object] = []

    def ensure(self) -> None:
        """The folder is ready; raises EngineError where it cannot be."""
        with _one_at_a_time:
            if self.run.mark() not in self._seen:
                self.run.ensure()
                self._seen.append(self.run.mark())
