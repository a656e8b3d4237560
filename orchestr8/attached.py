"""Somebody's end of a command in a box that a server runs: what is typed goes there, byte by byte.

Like the thin client this imports nothing but the standard library.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

from orchestr8.descriptors import ready
from orchestr8.frames import ERROR, EXIT, INPUT, WINDOW, Frames, framed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

LOOK_SECONDS = 0.2
"""How often a terminal is asked for its size."""
_INPUT, _OUTPUT, _ERROR = range(3)
_PIECE_BYTES = 1 << 16


def is_typed() -> bool:
    """Whether standard input is a terminal."""
    return os.isatty(_INPUT)


def relay(peer: Any, came: bytes) -> int | None:
    """Passes bytes both ways; the command's exit status, or None where the server has gone.

    `came` is what has come of it already. What was read is sent before more is read, and meanwhile
    what comes is passed on: a server that waits to be heard takes nothing.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    terminal = is_typed() and os.isatty(_OUTPUT)
    peer.setblocking(False)
    frames, window = Frames(), b""
    has_input = _is_open()
    sending = b"" if has_input else framed(INPUT, b"")
    with _raw(terminal):
        while True:
            for kind, content in frames.feed(came):
                if kind == EXIT:
                    return int(content)
                _write(_ERROR if kind == ERROR else _OUTPUT, content)
            before, window = window, _window() if terminal else b""
            if window != before:
                sending += framed(WINDOW, window)
            far = peer.fileno()
            reading = [far, _INPUT] if has_input and not sending else [far]
            wait = LOOK_SECONDS if terminal else None
            told, taken = ready(reading, [far] if sending else [], 0 if _has_more(peer) else wait)
            if taken:
                sending = sending[_sent(peer, sending) :]
            if _INPUT in told:
                typed = _read()
                has_input = bool(typed)
                sending += framed(INPUT, typed)
            came = b""
            if far in told or _has_more(peer):
                found = _received(peer)
                if found == b"":
                    return None
                came = found or b""


def _has_more(peer: Any) -> bool:
    """Whether something was taken off the wire that was not read yet, as TLS does."""
    return hasattr(peer, "pending") and peer.pending() > 0


def _would_wait(error: OSError) -> bool:
    if isinstance(error, BlockingIOError):
        return True
    if "ssl" not in sys.modules:
        return False
    import ssl

    return isinstance(error, (ssl.SSLWantReadError, ssl.SSLWantWriteError))


def _received(peer: Any) -> bytes | None:
    """What came; nothing at the end, None where it is not whole yet."""
    try:
        return bytes(peer.recv(_PIECE_BYTES))
    except OSError as error:
        return None if _would_wait(error) else b""


def _sent(peer: Any, content: bytes) -> int:
    """How much of it is taken now."""
    try:
        return int(peer.send(content))
    except OSError as error:
        if _would_wait(error):
            return 0
        return len(content)  # that nobody is there is told where it is read


def _is_open() -> bool:
    try:
        os.fstat(_INPUT)
    except OSError:
        return False
    return True


def _read() -> bytes:
    try:
        return os.read(_INPUT, _PIECE_BYTES)
    except OSError:
        return b""  # its terminal has gone


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _window() -> bytes:
    columns, lines = os.get_terminal_size(_OUTPUT)
    return f"{columns} {lines}".encode()


@contextmanager
def _raw(terminal: bool) -> Iterator[None]:
    """Every key goes to the command; the terminal is as before afterwards."""
    if not terminal:
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(_INPUT)
    tty.setraw(_INPUT)
    try:
        yield
    finally:
        termios.tcsetattr(_INPUT, termios.TCSADRAIN, before)
