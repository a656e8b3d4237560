"""How text reaches a terminal: colour where it is wanted, widths that adapt, nothing that acts.

Colour never carries meaning alone: with and without it the words are the same.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Protocol

from msgspec import Struct

from orchestr8.manifest.wording import escaped as escaped

WIDTH_LEAST = 40
NAMES_SHOWN = 8
"""How many names a sentence has; a fleet may have thousands."""
WIDTH_WITHOUT_TERMINAL = 0
"""Output that no terminal shows is never cut."""


class Stream(Protocol):
    """Where text goes."""

    def write(self, text: str, /) -> object:
        """Takes some text."""

    def flush(self) -> object:
        """Sends off what was taken."""


class Terminal(Struct, frozen=True):
    """Where a command's text goes, and what can be shown there.

    `out_shown` and `err_shown` are whether somebody sees the stream on a terminal, which has
    `columns` and `lines`; `plain` is whether colours are not wanted, `dumb` whether lines cannot
    change.
    """

    out: Stream
    err: Stream
    out_shown: bool
    err_shown: bool
    columns: int
    lines: int
    plain: bool = False
    dumb: bool = False

    @classmethod
    def of_this_process(cls) -> Terminal:
        """Standard output and standard error, as they are now."""
        columns, lines = shutil.get_terminal_size()
        dumb = os.environ.get("TERM") == "dumb"
        return cls(
            sys.stdout, sys.stderr, sys.stdout.isatty(), sys.stderr.isatty(), columns, lines,
            plain=dumb or bool(os.environ.get("NO_COLOR")), dumb=dumb,
        )  # fmt: skip

    @property
    def width(self) -> int:
        """How many columns a line may have; 0 where nothing limits it."""
        return max(self.columns, WIDTH_LEAST) if self.out_shown else WIDTH_WITHOUT_TERMINAL

    @property
    def paint(self) -> Paint:
        """The colours of the output."""
        return Paint(self.out_shown and not self.plain)

    @property
    def is_live(self) -> bool:
        """Whether the output can show lines that change."""
        return self.out_shown and not self.dumb

    def say(self, text: str = "") -> None:
        """Prints a line that is ours."""
        self.out.write(text + "\n")


_elsewhere: ContextVar[Terminal] = ContextVar("terminal")


def here() -> Terminal:
    """The terminal of the command that runs: this process's own, unless another is set."""
    return _elsewhere.get(None) or Terminal.of_this_process()


@contextmanager
def shown_on(terminal: Terminal) -> Iterator[None]:
    """What is said within is said there. Threads that are begun within know nothing of it."""
    token = _elsewhere.set(terminal)
    try:
        yield
    finally:
        _elsewhere.reset(token)


class Paint(Struct, frozen=True):
    """Colours, or none."""

    on: bool

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text

    def bold(self, text: str) -> str:
        """What is read first."""
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        """What may be passed over."""
        return self._wrap("2", text)

    def red(self, text: str) -> str:
        """Broken, failed, released."""
        return self._wrap("31", text)

    def green(self, text: str) -> str:
        """New, held, healthy."""
        return self._wrap("32", text)

    def yellow(self, text: str) -> str:
        """Changed, waiting, unproven."""
        return self._wrap("33", text)


def paint() -> Paint:
    """The colours of the output."""
    return here().paint


def error_paint() -> Paint:
    """The colours of the messages beside it."""
    terminal = here()
    return Paint(terminal.err_shown and not terminal.plain)


def width() -> int:
    """How many columns a line may have; 0 where nothing limits it."""
    return here().width


def say(text: str = "") -> None:
    """Prints a line that is ours."""
    here().say(text)


def say_beside(text: str) -> None:
    """Prints a line that is no part of the output, after all that was said before."""
    terminal = here()
    terminal.out.flush()
    terminal.err.write(text + "\n")


def escaped_lines(text: str) -> list[str]:
    """Foreign text as lines that cannot act on a terminal."""
    return [escaped(line.expandtabs(4)) for line in text.split("\n")] if text else []


def count(number: int, word: str, plural: str = "") -> str:
    """`1 box`, `2 boxes`."""
    return f"{number} {word if number == 1 else plural or word + 's'}"


def milliseconds(value: float) -> str:
    """A duration as people read it: `912 ms`, `1.2 s`, `3 min 20 s`."""
    if value < 1_000:
        return f"{value:.0f} ms"
    if value < 60_000:
        return f"{value / 1000:.1f} s"
    minutes, rest = divmod(int(value / 1000), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def when(at_ms: int) -> str:
    """A time in milliseconds since the epoch to the second, in UTC; whoever prints it says so,
    in the head of its column or right after it."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def table(rows: Sequence[Sequence[str]], indent: str = "", *, dim_head: bool = False) -> list[str]:
    """Rows in columns as wide as the terminal, and without one as wide as they are. Where
    `dim_head`, the first row is one that may be passed over."""
    from orchestr8.cli.columns import laid_out

    most, colours = width(), paint()
    laid = laid_out(rows, max(most - len(indent), 1) if most else 0)
    return [
        colours.dim(indent + line) if dim_head and not number else (indent + line).rstrip()
        for number, lines in enumerate(laid)
        for line in lines
    ]


def text_width() -> int:
    """How wide prose is set: the terminal's width, within what reads well."""
    return min(width() or 100, 100)
