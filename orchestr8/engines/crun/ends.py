"""The ends of first processes, told as soon as the kernel knows of them.

A monitor writes how its box ended one or two milliseconds later.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from orchestr8.descriptors import readable
from orchestr8.engines.crun.processes import Process
from orchestr8.names import BoxId

Told = Callable[[BoxId], None]


class Ends:
    """Tells of each end once, from a thread of its own."""

    def __init__(self) -> None:
        self._end: Callable[[], None] = lambda: None

    def watch(self, firsts: Mapping[BoxId, Process], ended: Told) -> None:
        """From now on these are watched, and no others. Raises UnavailableError where the kernel
        refuses."""
        self._end()
        self._end = lambda: None
        with ExitStack() as opened:
            handles = {opened.enter_context(first.opened()): one for one, first in firsts.items()}
            running = {handle: one for handle, one in handles.items() if handle is not None}
            if running:
                self._end = _telling(running, opened.pop_all(), ended)


def _telling(handles: dict[int, BoxId], opened: ExitStack, ended: Told) -> Callable[[], None]:
    """Tells of them on a thread; what is returned ends it."""
    reading, writing = os.pipe()
    opened.callback(os.close, reading)

    def tell() -> None:
        with opened:
            while handles and reading not in (found := readable([reading, *handles])):
                for handle in found:
                    ended(handles.pop(handle))

    thread = threading.Thread(target=tell, name="ends of boxes", daemon=True)
    thread.start()

    def end() -> None:
        os.close(writing)
        thread.join()

    return end
