"""The ends of first tasks, told as soon as the kernel knows of them.

Whoever keeps the boxes hears of that later: a monitor writes how its box ended one or two
milliseconds after, and Docker tells of it once its runtime has cleared up, a tenth of a second.
"""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Callable, Collection
from select import EPOLLIN, epoll

from orchestr8.descriptors import readable
from orchestr8.engines import living
from orchestr8.names import BoxId

Told = Callable[[BoxId], None]
First = tuple[int, int]
"""A first task: its number, and when it started in clock ticks since boot."""
_SHARE = 4
"""A quarter of the descriptors that this process may have is for this."""


class EndWatch:
    """Tells of each end once, from a thread of its own that lasts while anything is watched."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handles: dict[BoxId, int] = {}
        self._ids: dict[int, BoxId] = {}
        self._ended: Told = lambda _: None
        self._poll: epoll | None = None
        self._thread: threading.Thread | None = None
        self._wake = -1

    def watch(
        self, ids: Collection[BoxId], first: Callable[[BoxId], First | None], ended: Told
    ) -> None:
        """From now on these are watched, and no others: the first ones, where they are more than
        there are descriptors for; `first` gives the first task of one that runs.

        Raises UnavailableError where the kernel refuses.
        """
        room = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _SHARE
        wanted = dict.fromkeys(list(ids)[:room])
        with self._lock:
            self._ended = ended
            for box_id in self._handles.keys() - wanted.keys():
                self._drop(box_id)
            for box_id in wanted.keys() - self._handles.keys():
                if (known := first(box_id)) is not None:
                    self._take(box_id, *known)
        if not self._ids:
            self._rest()

    def _take(self, box_id: BoxId, pid: int, started: int) -> None:
        handle = living.opened(pid)
        if handle is None:
            return
        if living.start_time(pid) != started:  # another process by now
            os.close(handle)
            return
        self._handles[box_id] = handle
        self._ids[handle] = box_id
        self._running().register(handle, EPOLLIN)

    def _drop(self, box_id: BoxId) -> None:
        handle = self._handles.pop(box_id)
        del self._ids[handle]
        self._running().unregister(handle)
        os.close(handle)

    def _running(self) -> epoll:
        if self._poll is None:
            self._poll = epoll()
            reading, self._wake = os.pipe()
            self._poll.register(reading, EPOLLIN)
            arguments = self._poll, reading
            self._thread = threading.Thread(
                target=self._tell, args=arguments, name="ends of boxes", daemon=True
            )
            self._thread.start()
        return self._poll

    def _rest(self) -> None:
        """Ends the thread; whatever it has begun to tell is told first."""
        if self._poll and self._thread:
            os.close(self._wake)
            self._thread.join()
            self._poll = self._thread = None

    def _tell(self, poll: epoll, reading: int) -> None:
        try:
            while reading not in (found := [handle for handle, _ in poll.poll()]):
                for handle in found:
                    self._tell_of(handle)
        finally:
            poll.close()
            os.close(reading)

    def _tell_of(self, handle: int) -> None:
        with self._lock:
            box_id = self._ids.get(handle)
            # it may have been closed meanwhile, and its number be another's
            if box_id is None or not readable([handle], 0):
                return
            self._drop(box_id)
            ended = self._ended
        ended(box_id)
