"""What the YAML parser refuses, in words that say where to look and what to write.

libyaml and PyYAML word the same mistake differently; both are mapped here.
"""

from __future__ import annotations

import re
from typing import Any

from orchestr8.errors import Place, Problem
from orchestr8.manifest.model import Source
from orchestr8.manifest.text import DEPTH_MAX

_KEY_ALONE = re.compile(r"""\s*(?:[\w.:/-]+|"[^"]*"|'[^']*')""")
_WORDS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        'a ": " where no key can stand',
        "put the value in quotes, or the key on a line of its own with the right indentation",
    ),
    (
        "found character that cannot start any token",
        "a character that cannot start a value",
        "put the value in quotes; a value cannot start with any of @ ` % without them",
    ),
    (
        "did not find expected key",
        "this line does not line up with the keys above it",
        "check the indentation and the quotes of this and the line before",
    ),
    (
        "expected <block end>",
        "this line does not line up with the keys above it",
        "check the indentation and the quotes of this and the line before",
    ),
    (
        "did not find expected '-' indicator",
        "this line does not line up with the list above it",
        "start each item with `- ` at the same column",
    ),
    (
        "could not find expected ':'",
        "a key without its colon",
        "write `key: value`",
    ),
    (
        "did not find expected ',' or '}'",
        "a mapping in braces does not end",
        "separate entries with commas and close it with `}`; quote values with special characters",
    ),
    (
        "expected ',' or '}'",
        "a mapping in braces does not end",
        "separate entries with commas and close it with `}`; quote values with special characters",
    ),
    (
        "did not find expected ',' or ']'",
        "a list in brackets does not end",
        "separate items with commas and close it with `]`; quote values with special characters",
    ),
    (
        "expected ',' or ']'",
        "a list in brackets does not end",
        "separate items with commas and close it with `]`; quote values with special characters",
    ),
    (
        "block sequence entries are not allowed",
        "a list item where no list can stand",
        "put the list on lines of its own below its key",
    ),
    (
        "found unexpected end of stream",
        "a quoted value does not end",
        "close it with the quote that it starts with",
    ),
    (
        "found unexpected document indicator",
        "a quoted value does not end before the next document",
        "close it with the quote that it starts with",
    ),
    (
        "invalid unicode character escape",
        "an escape of a character that is not allowed in a manifest",
        "take it out",
    ),
    (
        "unknown escape character",
        "an unknown escape in double quotes",
        "write the backslash twice, or use single quotes: 'C:\\dir'",
    ),
    (
        "did not find expected <document start>",
        "text after the end of the document",
        "write one document a file",
    ),
    (
        "expected '<document start>'",
        "text after the end of the document",
        "write one document a file",
    ),
    (
        "did not find expected node content",
        "a value is missing here",
        "write a value, or take the comma or colon before it out",
    ),
    ("expected the node content", "a value is missing here", "write a value"),
    (
        "undefined alias",
        "anchors and aliases are not part of the language",
        "write the value out, or say it once under `defaults`",
    ),
    # libyaml from 0.2.6 on counts the brackets itself, ahead of the values that we count
    (
        "exceeded maximum nesting depth",
        f"nested deeper than {DEPTH_MAX} levels",
        "write it flatter",
    ),
    ("the expected '>'", "tags are not part of the language", "take out what starts with `!`"),
    ("while scanning a tag", "tags are not part of the language", "take out what starts with `!`"),
    ("undefined tag handle", "tags are not part of the language", "take out what starts with `!`"),
    (
        "did not find expected alphabetic or numeric",
        "anchors and aliases are not part of the language",
        "put a value that starts with * or & in quotes",
    ),
    (
        "duplicate %yaml directive",
        "YAML directives are not part of the language",
        "take them out",
    ),
    ("incompatible yaml document", "YAML directives are not part of the language", "take them out"),
    ("incompatible document", "YAML directives are not part of the language", "take them out"),
)


def translate(source: Source, error: Any) -> Problem:
    """A parser's exception as a problem at its line and column."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    said = f"{said} {getattr(error, 'context', None) or ''}"
    place = Place(source.name, mark.line + 1, mark.column + 1) if mark else Place(source.name, 1, 1)
    place, what, remedy = _special(source, place, error) or (place, "", "")
    if not what:
        unknown = (f"this is not YAML: {said.lower().strip()}", "check quotes and indentation")
        known = ((what, remedy) for words, what, remedy in _WORDS if words in said.lower())
        what, remedy = next(known, unknown)
    return Problem(_within(source, place), what, remedy)


def _special(source: Source, place: Place, error: Any) -> tuple[Place, str, str] | None:
    """Mistakes that are better explained from the line than from the parser's words."""
    lines = _lines(source)
    line = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
    indentation = line[: len(line) - len(line.lstrip())]
    said = str(getattr(error, "problem", ""))
    if "\t" in indentation and "cannot start any token" in said:
        tab = Place(place.file, place.line, indentation.index("\t") + 1)
        return tab, "a tab in the indentation", "indent with spaces"
    if "mapping values are not allowed" in said and _KEY_ALONE.fullmatch(line[: place.column - 1]):
        above = next((one for one in reversed(lines[: place.line - 1]) if one.strip()), "")
        if len(indentation) > len(above) - len(above.lstrip()):
            return (
                Place(place.file, place.line, len(indentation) + 1),
                "this line is indented as if it belonged to the line above, which has its value",
                "indent it like the line above",
            )
    start = getattr(error, "context_mark", None)
    if start and "end of stream" in said:
        opened = Place(place.file, start.line + 1, start.column + 1)
        return opened, "a quoted value does not end", "close it with the quote that it starts with"
    return None


def _within(source: Source, place: Place) -> Place:
    """A place that exists: the end of the last line instead of a line after it."""
    lines = _lines(source)
    if place.line <= len(lines):
        return place
    return Place(place.file, len(lines), len(lines[-1]) + 1)


def _lines(source: Source) -> list[str]:
    return source.text.removesuffix("\n").replace("\r\n", "\n").split("\n")
