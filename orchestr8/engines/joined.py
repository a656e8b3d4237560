"""What a command in a box is joined to: somebody's input and outputs, and their terminal."""

from __future__ import annotations

import os
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec import Struct

LOOK_SECONDS = 0.2
"""How often a command's end of the line is asked for its size, and whether it is still there."""


def _stays() -> bool:
    return False


class Joined(Struct, frozen=True):
    """Open file descriptors, this process's own unless others are named; and whether nobody is at
    their other end any more, whereupon the command is ended."""

    input: int = 0
    output: int = 1
    error: int = 2
    is_left: Callable[[], bool] = _stays

    @property
    def stays(self) -> bool:
        """Whether it lasts as long as this process, whose signals are the command's as well."""
        return self.is_left is _stays

    @property
    def is_terminal(self) -> bool:
        """Whether somebody types there and sees what is answered."""
        return os.isatty(self.input) and os.isatty(self.output)

    def window(self) -> tuple[int, int] | None:
        """The columns and lines of its terminal; None where it has none."""
        if not self.is_terminal:
            return None
        columns, lines = os.get_terminal_size(self.output)
        return columns, lines

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Every key goes to the command; the terminal is as before afterwards."""
        if not self.is_terminal:
            yield
            return
        before = termios.tcgetattr(self.input)
        tty.setraw(self.input)
        try:
            yield
        finally:
            termios.tcsetattr(self.input, termios.TCSADRAIN, before)


def write(descriptor: int, content: bytes) -> None:
    """All of it; raises OSError where nobody can read it."""
    while content:
        content = content[os.write(descriptor, content) :]
