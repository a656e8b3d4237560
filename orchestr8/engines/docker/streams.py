"""Docker's framing of standard output and error, and reading it within a bound."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

STDOUT, STDERR = 1, 2
_HEADER = struct.Struct(">BxxxL")


class Frames:
    """Takes pieces of a stream as they come and gives back whole frames."""

    def __init__(self) -> None:
        self._waiting = b""

    def feed(self, piece: bytes) -> Iterator[tuple[int, bytes]]:
        """The frames that are complete by now: which stream, and its bytes."""
        self._waiting += piece
        while len(self._waiting) >= _HEADER.size:
            stream, length = _HEADER.unpack_from(self._waiting)
            end = _HEADER.size + length
            if len(self._waiting) < end:
                return
            yield stream, self._waiting[_HEADER.size : end]
            self._waiting = self._waiting[end:]


def lines_of(pieces: Iterable[bytes]) -> Iterator[str]:
    """A framed log as lines, each when it is whole, however the pieces are cut."""
    frames, unread = Frames(), b""
    for piece in pieces:
        *whole, unread = (unread + b"".join(text for _, text in frames.feed(piece))).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "backslashreplace").removesuffix("\r")
    if unread:
        yield unread.decode("utf-8", "backslashreplace")


def lines(content: bytes) -> tuple[str, ...]:
    """A whole framed log as lines, both streams together.

    A frame is a line or, of a very long one, a piece: only a line break ends a line.
    """
    text = b"".join(piece for _, piece in Frames().feed(content))
    return tuple(text.decode("utf-8", "backslashreplace").splitlines())
