"""A connection to a server as its client has it: an answer is waited for as long as it takes, and
whoever waits for long is told so.

Like the thin client this imports nothing but what costs little.
"""

from __future__ import annotations

from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

SOCKET = "api.sock"
"""The name of this machine's server in its run folder."""
SILENCE_SECONDS = 15.0
"""After so long without a word somebody is told whom they wait for; again after twice as long."""
_PIECE_BYTES = 1 << 16


class TimedOutError(Exception):
    """A server said nothing for longer than somebody would wait; the text says so."""


class Line:
    """A connection to `server`, for a command whose own words are `words`; everything raises
    TimedOutError where they have a time and that is over."""

    def __init__(self, peer: Any, server: str, words: Sequence[str]) -> None:
        self.peer = peer
        self._server = server
        self._words = words

    def send(self, content: bytes) -> None:
        """Sends it all, or as much as the server takes: it may answer before it has read all."""
        left = memoryview(content)
        with suppress(OSError):
            while left:
                left = left[self._waited(self.peer.send, left[:_PIECE_BYTES]) :]

    def head(self) -> tuple[bytes, bytes]:
        """The head of an answer, and what came with it of the rest."""
        came = b""
        while b"\r\n\r\n" not in came:
            piece = self._received()
            if not piece:
                break
            came += piece
        head, _, left = came.partition(b"\r\n\r\n")
        return head, left

    def body(self, head: bytes, came: bytes) -> bytes:
        """A document whose length the head tells, or as much as comes of it."""
        _, _, length = head.lower().partition(b"content-length:")
        while len(came) < int(length.split()[0] if length else 0):
            piece = self._received()
            if not piece:
                break
            came += piece
        return came

    def lines(self, left: bytes) -> Iterator[bytes]:
        """Each line that comes, without its end."""
        while True:
            *whole, left = left.split(b"\n")
            yield from whole
            piece = self._received()
            if not piece:
                if left:
                    yield left
                return
            left += piece

    def _received(self) -> bytes:
        """What comes; nothing at the end."""
        try:
            return bytes(self._waited(self.peer.recv, _PIECE_BYTES))
        except OSError:
            return b""

    def _waited(self, call: Callable[[Any], Any], argument: Any) -> Any:
        """What a call gives, whenever it does."""
        silent, until = 0.0, SILENCE_SECONDS
        while True:
            self.peer.settimeout(until - silent)
            try:
                return call(argument)
            except TimeoutError:
                from orchestr8 import silence

                silent = until
                what = f"nothing has come from the server {self._server} for {silent:.0f} s"
                more = silence.said(self._words, what, silent)
                if more is None:
                    raise TimedOutError(what) from None
                until = more
