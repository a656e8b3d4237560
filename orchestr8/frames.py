"""Several streams on one connection, framed as Docker does: which one, how many bytes, the bytes.

The thin client reads with it, so that it imports next to nothing.
"""

from __future__ import annotations

from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

INPUT, OUTPUT, ERROR, WINDOW, EXIT = range(5)
"""Standard input, output and error; a terminal's columns and lines, and an exit status, as text.
An empty frame of the input is its end."""
BYTES_MOST = 1 << 20
"""What a frame that somebody else sent may have."""
_HEADER = Struct(">BxxxL")


class Frames:
    """Takes pieces of a connection as they come and gives back whole frames."""

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

    @property
    def waiting(self) -> int:
        """How many bytes have come of a frame that is not complete."""
        return len(self._waiting)


def framed(stream: int, content: bytes) -> bytes:
    """A frame."""
    return _HEADER.pack(stream, len(content)) + content
