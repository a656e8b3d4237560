"""What boxes wrote: the monitor's files, a line or a piece of one for each write.

Each line is a time, the stream, P for a piece or F for the end of a line, and the text.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO

from orchestr8.engines.crun.log_files import LogFile, LogFiles

GAP = "(orchestr8: lines may be missing here: the box wrote so fast that nobody could keep them)"
_BLOCK_BYTES = 1 << 20
_LINE_BYTES_MAX = 1 << 20
_LOOK_SECONDS = 0.05


def last_lines(files: LogFiles, lines_max: int) -> tuple[str, ...]:
    """The last lines of both streams, oldest first; at most what a bounded look back finds."""
    if lines_max <= 0:
        return ()
    with contextlib.closing(_Reader(files, lines_max)) as reader:
        return tuple([*reader.read(), *reader.rest()][-lines_max:])


def follow(
    files: LogFiles, lines_max: int, ended: Callable[[], bool], is_left: Callable[[], bool]
) -> Iterator[str]:
    """The last lines, then each as it is written, across files, until the box has ended or
    nobody reads any more."""
    with contextlib.closing(_Reader(files, lines_max)) as reader:
        files.tend()
        found = reader.read()
        yield from found[len(found) - min(lines_max, len(found)) :]
        while not is_left():
            is_last = ended()  # asked before: what is written until then is read after
            files.tend()
            yield from reader.read()
            if is_last:
                yield from reader.rest()
                return
            time.sleep(_LOOK_SECONDS)


class _Reader:
    """Reads on through a box's files; each is opened as soon as it is seen, so that it can go."""

    def __init__(self, files: LogFiles, lines_max: int) -> None:
        self._files = files
        self._opened: deque[tuple[BinaryIO, bool]] = deque()
        """Files to read, each with whether lines before it may be missing."""
        self._number = 0
        self._unread = b""
        self._pieces: dict[str, str] = {}
        self._begin(max(_BLOCK_BYTES, lines_max * 256))

    def close(self) -> None:
        """Close all files."""
        while self._opened:
            self._opened.popleft()[0].close()

    def read(self) -> list[str]:
        """The lines that are whole by now."""
        found: list[str] = []
        self._open_new()
        while self._opened:
            # Where a later file is open already, nobody writes to this one any more.
            is_left = len(self._opened) > 1
            while block := self._opened[0][0].read(_BLOCK_BYTES):
                found += self._lines(block)
            if not is_left:
                break
            self._opened.popleft()[0].close()
            found += [GAP] if self._opened[0][1] else []
        return found

    def rest(self) -> list[str]:
        """What was begun and has no end."""
        pieces, self._pieces = self._pieces, {}
        return list(pieces.values())

    def _begin(self, wanted_bytes: int) -> None:
        """Open the newest files that have so much, at the beginning of a line."""
        for one in reversed(self._files.written()):
            opened = _open(one)
            if not opened:
                break
            self._opened.appendleft((opened, one.gap))
            self._number = max(self._number, one.number)
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(0, size - wanted_bytes))
            if size > wanted_bytes:
                opened.readline()
            if size >= wanted_bytes:
                break
            wanted_bytes -= size

    def _open_new(self) -> None:
        for one in self._files.written():
            opened = _open(one) if one.number > self._number else None
            if opened:
                is_missing = one.gap or 0 < self._number < one.number - 1
                self._opened.append((opened, is_missing))
                self._number = one.number

    def _lines(self, block: bytes) -> Iterator[str]:
        *lines, self._unread = (self._unread + block).split(b"\n")
        for line in lines:
            _, _, rest = line.decode("utf-8", "backslashreplace").partition(" ")
            stream, _, rest = rest.partition(" ")
            kind, _, text = rest.partition(" ")
            whole = self._pieces.pop(stream, "") + text
            if kind == "F" or (kind == "P" and len(whole) > _LINE_BYTES_MAX):
                yield whole
            elif kind == "P":
                self._pieces[stream] = whole


def _open(file: LogFile) -> BinaryIO | None:
    try:
        return file.path.open("rb")
    except FileNotFoundError:
        return None
