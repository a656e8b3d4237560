"""What Docker keeps of standard output and error, as lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestr8.frames import Frames


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
