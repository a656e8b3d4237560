"""The two ends of a command in a box: what it is joined to, and a connection that carries it."""

from __future__ import annotations

import os
import select
import socket
import struct
import termios
import tty
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from orchestr8.engines.joined import Joined, write
from orchestr8.errors import Exit
from orchestr8.frames import BYTES_MOST, ERROR, EXIT, INPUT, OUTPUT, WINDOW, Frames, framed
from orchestr8.server.answers import Answer
from orchestr8.server.documents import Shown

UPGRADE = "orchestr8-streams"
STALLED_SECONDS = 600.0
"""Whoever takes nothing for so long has gone."""
_ALIVE_SECONDS = 60
_PIECE_BYTES = 1 << 16
_PIECES_LEFT_MOST = 64
"""What a command that has ended may have left to read: what it began may go on writing for ever."""


class Joint(Answer):
    """An answer whose text is bytes on a connection, beside those of a command in a box.

    The thread of the command has the near ends and closes them, the one that relays has the far
    ends: so nobody uses a descriptor that is another file by now.
    """

    def __init__(self, shown: Shown) -> None:
        super().__init__()
        self._is_terminal = shown.out and shown.typed
        self._ends_lines = self._is_terminal and shown.err
        self._status = int(Exit.FAILED)
        self._error, near_error = os.pipe()
        self._over, near_over = os.pipe()
        if self._is_terminal:
            self._output, near_output = os.openpty()
            self._input = self._output
            tty.setraw(near_output)
            termios.tcsetwinsize(near_output, (shown.lines, shown.columns))
            self.joined = Joined(near_output, near_output, near_output, self.is_left)
        else:
            near_input, self._input = os.pipe()
            self._output, near_output = os.pipe()
            self.joined = Joined(near_input, near_output, near_error, self.is_left)
        self._near = {near_error, near_over, self.joined.input, self.joined.output}
        self._near_error = near_error
        self._typed = b""
        """What the command has not taken yet."""
        self._has_input = True

    def put(self, **event: Any) -> None:
        """Text for either stream, or the exit status at the end."""
        self._status = event.get("exit", self._status)
        with suppress(OSError):  # nobody hears it
            write(self.joined.output, self._text(event.get("out", ""), self._is_terminal))
            write(self._near_error, self._text(event.get("err", ""), self._ends_lines))

    def is_left(self) -> bool:
        """Whether nobody is at the connection any more."""
        return self._is_left

    def leave(self) -> None:
        """Nobody is at the connection any more, and the far ends are closed. Once."""
        super().leave()
        for descriptor in {self._input, self._output, self._error, self._over} - {-1}:
            os.close(descriptor)

    def end(self) -> None:
        """The command is over, and its ends are closed."""
        super().end()
        for descriptor in self._near:
            os.close(descriptor)

    @staticmethod
    def _text(text: str, raw: bool) -> bytes:
        """A terminal to which every key goes ends no lines by itself."""
        return (text.replace("\n", "\r\n") if raw else text).encode("utf-8", "backslashreplace")

    def frames(self, connection: socket.socket) -> Iterator[bytes]:
        """What is to be sent over the connection, until the command or whoever typed it has gone;
        what comes over it goes to the command."""
        _prepare(connection)
        for descriptor in {self._input, self._output, self._error}:
            os.set_blocking(descriptor, False)
        frames = Frames()
        try:
            yield framed(OUTPUT, b"")  # with it goes the head of the answer
            while True:
                ready = self._ready(connection)
                yield from self._said(ready)
                if self._over in ready:
                    for _ in range(_PIECES_LEFT_MOST):
                        yield from self._said({self._output, self._error})
                    yield framed(EXIT, str(self._status).encode())
                    return
                if self._input in ready:
                    self._pass_on()
                if connection.fileno() in ready:
                    came = b"" if self._typed else _received(connection)
                    if came == b"" or frames.waiting > BYTES_MOST:
                        return
                    for kind, content in frames.feed(came or b""):
                        self._take(kind, content)
        finally:
            self.leave()

    def _ready(self, connection: socket.socket) -> set[int]:
        """Which of the descriptors have something for us; of what was typed no more is taken while
        the command has not read it, but that its typist has gone is heard all the same."""
        is_full = bool(self._typed)
        wanted = {self._output: select.POLLIN, self._error: select.POLLIN, self._over: 0}
        wanted[connection.fileno()] = select.POLLRDHUP | (0 if is_full else select.POLLIN)
        if is_full:
            wanted[self._input] = wanted.get(self._input, 0) | select.POLLOUT
        has_more = not is_full and _has_more(connection)
        poll = select.poll()
        for descriptor, events in wanted.items():
            poll.register(descriptor, events)
        ready = {descriptor for descriptor, _ in poll.poll(0 if has_more else None)}
        return ready | {connection.fileno()} if has_more else ready

    def _said(self, ready: set[int]) -> Iterator[bytes]:
        """A piece of each stream that has something."""
        for descriptor, kind in ((self._output, OUTPUT), (self._error, ERROR)):
            piece = _read(descriptor) if descriptor in ready else b""
            if piece:
                yield framed(kind, piece)

    def _take(self, kind: int, content: bytes) -> None:
        """A frame of whoever typed the command."""
        if kind == WINDOW and self._is_terminal:
            with suppress(ValueError, OverflowError, struct.error, termios.error):
                columns, lines = map(int, content.split())
                termios.tcsetwinsize(self._output, (lines, columns))
        if kind == INPUT and self._has_input:
            self._typed += content
            self._has_input = bool(content) or self._is_terminal
            self._pass_on()

    def _pass_on(self) -> None:
        """Gives the command what was typed, as far as it takes it, and after it the end."""
        try:
            while self._typed:
                self._typed = self._typed[os.write(self._input, self._typed) :]
        except BlockingIOError:
            return
        except OSError:  # it reads no more
            self._typed, self._has_input = b"", self._is_terminal
        if not self._has_input and self._input >= 0:
            os.close(self._input)
            self._input = -1


def _has_more(connection: socket.socket) -> bool:
    """Whether something was taken off the wire that was not read yet, as TLS does."""
    return hasattr(connection, "pending") and connection.pending() > 0


def _read(descriptor: int) -> bytes:
    """What is there to read, nothing where there is nothing or will be nothing."""
    try:
        return os.read(descriptor, _PIECE_BYTES)
    except OSError:
        return b""


def _received(connection: socket.socket) -> bytes | None:
    """What came; nothing at the end, None where it is not whole yet."""
    try:
        return connection.recv(_PIECE_BYTES)
    except TimeoutError:
        return None
    except OSError:
        return b""


def _prepare(connection: socket.socket) -> None:
    connection.settimeout(STALLED_SECONDS)
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _ALIVE_SECONDS)
