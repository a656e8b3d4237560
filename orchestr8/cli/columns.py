"""Rows in columns, and the one rule for tables that are wider than a terminal.

Nothing is left out and no word is cut. The widest cells go on below at a word, as long as every
column keeps NARROWEST; where that is not enough, the last columns go on lines of their own below
the first ones, as their heads do; a row that has nothing in them has no such line.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

_GAP = "  "
_BELOW = "  "
_HANGING = " " * 5
_NARROWEST = 14
"""How many characters a column gives up no more of; a longer word keeps its length."""
_NOTHING = ("", "-")

Rows = Sequence[Sequence[str]]


def laid_out(rows: Rows, most: int) -> list[list[str]]:
    """The lines of each row, of `most` characters; 0 where nothing limits them."""
    if not rows:
        return []
    count = max(len(row) for row in rows)
    whole = [[*row, *[""] * (count - len(row))] for row in rows]
    columns = list(zip(*whole, strict=True))
    lines: list[list[str]] = [[] for _ in rows]
    first, indent = 0, ""
    while first < count:
        last, widths = _fitting(columns[first:], most - len(indent) if most else 0)
        for number, row in enumerate(whole):
            cells = row[first : first + last]
            if not first or not number or any(cell not in _NOTHING for cell in cells):
                lines[number] += _lines(cells, widths, indent)
        first, indent = first + last, _BELOW
    return lines


def gone_on(text: str, most: int) -> list[str]:
    """A sentence as lines of `most` characters, 0 for one however long: what has no room goes on
    below at a word."""
    return wrapped(text, most, below=_HANGING) if most else [text]


def _fitting(columns: Rows, most: int) -> tuple[int, list[int]]:
    """How many of the first columns have room beside each other, at least one, and how wide."""
    widths = [max(map(len, column)) for column in columns]
    words = [max(len(word) for cell in one for word in ("", *cell.split())) for one in columns]
    narrowest = min(_NARROWEST, most)
    least = [min(wide, max(narrowest, word)) for wide, word in zip(widths, words, strict=True)]
    number = len(columns)
    while most and number > 1 and _taken(least[:number]) > most:
        number -= 1
    widths, least = widths[:number], least[:number]
    while most and _taken(widths) > most and widths != least:
        wide = max(one for one, low in zip(widths, least, strict=True) if one > low)
        widths[next(i for i in range(number) if widths[i] == wide > least[i])] -= 1
    return number, widths


def _taken(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _lines(cells: Sequence[str], widths: Sequence[int], indent: str) -> Iterator[str]:
    """One row: its cells beside each other, each as many lines as it takes."""
    parts = [wrapped(cell, wide) or [""] for cell, wide in zip(cells, widths, strict=True)]
    for number in range(max(map(len, parts))):
        here = [part[number] if number < len(part) else "" for part in parts]
        padded = (text.ljust(wide) for text, wide in zip(here, widths, strict=True))
        yield (indent + _GAP.join(padded)).rstrip()


def wrapped(text: str, room: int, below: str = "") -> list[str]:
    """The text in lines of `room` characters, none of an empty one; a word is never cut."""
    room = max(room, len(below) + 1)
    return textwrap.wrap(
        text, room, subsequent_indent=below, break_long_words=False, break_on_hyphens=False
    )
