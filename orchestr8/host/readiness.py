"""A run folder that is made ready once, and anew only where it is not as it was left."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from orchestr8.host.mounts import RunFolder

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Readiness:
    """Spares whoever makes many boxes the table of mounts, which grows with each of them."""

    run: RunFolder
    _seen: list[object] = field(default_factory=list, init=False, repr=False, compare=False)

    def ensure(self) -> None:
        """The folder is ready; raises EngineError where it cannot be."""
        with _one_at_a_time:
            if self.run.mark() not in self._seen:
                self.run.ensure()
                self._seen.append(self.run.mark())
