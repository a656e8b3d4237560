"""What systemd wants to hear of a service: that it is ready, that it lives, that it ends."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress

_SOCKET = "NOTIFY_SOCKET"
_WATCHDOG = "WATCHDOG_USEC"


class Notify:
    """The socket of whoever started us; nobody hears anything where there is none.

    The variables are taken out of the environment, so that no program that we start speaks for us.
    """

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        self._path = environment.pop(_SOCKET, "")
        asked = environment.pop(_WATCHDOG, "")
        self.watchdog_seconds = int(asked) / 1_000_000 if asked.isdecimal() else 0.0
        """After how many seconds without `alive` the service counts as hung; 0: nobody asks."""

    def ready(self) -> None:
        """It does what it is there for."""
        self._tell("READY=1")

    def alive(self) -> None:
        """It is not hung."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """It was told to end, and does."""
        self._tell("STOPPING=1")

    def _tell(self, words: str) -> None:
        if not self._path:
            return
        # An abstract socket is written with @ and begins with a zero byte.
        path = f"\0{self._path[1:]}" if self._path.startswith("@") else self._path
        # Who cannot say that it lives says it the next time.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as talker:
            talker.sendto(words.encode(), path)
