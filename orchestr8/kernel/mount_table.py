"""Tables of mounts of which the kernel tells that they have changed.

An open /proc/PID/mountinfo tells by poll(2) of every mount that came, went or got other options
since it was opened or asked last: proc_pid_mountinfo(5). Of a folder on the way to a mount that got
another name it does not tell.
"""

from __future__ import annotations

import os
import select
import threading
import time
from types import TracebackType

from orchestr8.kernel import files

_OWN = "/proc/thread-self/mountinfo"
_OWN_NAMESPACE = "/proc/thread-self/ns/mnt"
_NEVER = float("-inf")
_KEPT_SECONDS = 2.0
"""How long the names of folders on the way to mounts are believed."""


class MountTable:
    """The open table of one mount namespace; `close` it after use, or enter it."""

    def __init__(self, path: str, at: int | None = None) -> None:
        """Opens it; raises OSError."""
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=at)
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLPRI)

    def has_changed(self) -> bool:
        """Whether it is another one than when it was opened, read or asked last."""
        return bool(self._poll.poll(0))

    def read(self) -> str:
        """All of it as it is now; raises OSError."""
        self.has_changed()  # what comes from here on is told
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        content = files.read_descriptor(self._descriptor, "mountinfo", files.LARGE_BYTES)
        return files.decode(content)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)

    def __enter__(self) -> MountTable:
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        self.close()


class OwnMounts:
    """The table of whoever asks, read once for many looks that follow each other; threads of one
    mount namespace may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._table: MountTable | None = None
        self._namespace: tuple[int, int] | None = None
        self._text = ""
        self._read_at = _NEVER

    def text(self) -> str:
        """All of it, with every mount as it is now; raises OSError."""
        with self._lock:
            namespace = files.identity(_OWN_NAMESPACE)
            if self._table is None or namespace != self._namespace:
                if self._table:
                    self._table.close()
                self._table, self._namespace = MountTable(_OWN), namespace
                self._read_at = _NEVER
            now = time.monotonic()
            if now - self._read_at > _KEPT_SECONDS or self._table.has_changed():
                self._text, self._read_at = self._table.read(), now
            return self._text
