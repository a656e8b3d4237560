"""How text reaches a terminal: colour where it is wanted, widths that adapt, nothing that acts.

Colour never carries meaning alone: with and without it the words are the same.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import NamedTuple, TextIO

from orchestr8.manifest.wording import escaped as escaped

WIDTH_LEAST = 40
WIDTH_WITHOUT_TERMINAL = 0
"""Output that no terminal shows is never cut."""


class Paint(NamedTuple):
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


def _colours(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def paint() -> Paint:
    """The colours of standard output."""
    return Paint(_colours(sys.stdout))


def error_paint() -> Paint:
    """The colours of standard error."""
    return Paint(_colours(sys.stderr))


def is_live() -> bool:
    """Whether standard output can show lines that change."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def width() -> int:
    """How many columns a line may have; 0 where nothing limits it."""
    if not sys.stdout.isatty():
        return WIDTH_WITHOUT_TERMINAL
    return max(shutil.get_terminal_size().columns, WIDTH_LEAST)


def say(text: str = "") -> None:
    """Prints a line that is ours."""
    print(text)


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


def table(rows: Sequence[Sequence[str]], indent: str = "") -> list[str]:
    """Rows in columns; the last column is cut where the terminal ends, and never without one."""
    if not rows:
        return []
    columns = max(len(row) for row in rows)
    padded = [[*row, *[""] * (columns - len(row))] for row in rows]
    widths = [max(len(row[column]) for row in padded) for column in range(columns)]
    most = width()
    lines = []
    for row in padded:
        cells = [cell.ljust(widths[index]) for index, cell in enumerate(row)]
        line = (indent + "  ".join(cells)).rstrip()
        lines.append(line if not most or len(line) <= most else line[: most - 1] + "…")
    return lines


def text_width() -> int:
    """How wide prose is set: the terminal's width, within what reads well."""
    return min(width() or 100, 100)
