"""YAML of other programs to positioned values: what their files may use and a manifest may not.

Anchors, aliases and merge keys are resolved, tags are kept, and every value knows where it was
written. What is read is bounded: a text of the size of a manifest, as many values as a manifest may
have *after* aliases are followed, so that a small file cannot stand for a large one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from typing import Any, NamedTuple

import yaml
from msgspec import Struct, field

from orchestr8.errors import ManifestError, Place, Problem
from orchestr8.manifest import grammar
from orchestr8.manifest.model import Source
from orchestr8.manifest.text import check_text

DEPTH_MAX = 64
VALUES_MAX = 100_000
_NUMBER_MAX = 40  # characters; what is longer is no number that anyone means
_MERGE = "<<"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": "true", "True": "true", "TRUE": "true"} | {
    "false": "false", "False": "false", "FALSE": "false",
}  # fmt: skip
_WHOLE = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|0b[01_]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?")

_Parser: Any = getattr(yaml, "CSafeLoader", None) or yaml.SafeLoader


class Scalar(Struct, frozen=True):
    """Text at a place; `plain` where it stands without quotes, so that YAML gives it a type."""

    place: Place
    text: str
    plain: bool = False
    tag: str = ""

    @property
    def is_null(self) -> bool:
        """Whether it stands for no value at all."""
        return self.plain and self.text in _NULLS


class Entry(NamedTuple):
    """A value of a mapping, and where its key stands."""

    place: Place
    value: Value


class Sequence(Struct, frozen=True):
    """A list at a place."""

    place: Place
    items: tuple[Value, ...] = ()
    tag: str = ""


class Mapping(Struct, frozen=True):
    """A mapping at a place, in the order of the file; keys are text."""

    place: Place
    entries: AnyMapping[str, Entry] = field(default_factory=dict)
    tag: str = ""

    def get(self, key: str) -> Value | None:
        """The value of a key, or None."""
        entry = self.entries.get(key)
        return entry.value if entry else None


Value = Scalar | Sequence | Mapping


def read(source: Source) -> Mapping:
    """The mapping that a text is; raises ManifestError with the problem and its place."""
    problems = check_text(source)
    if problems:
        raise ManifestError(tuple(problems))
    loader = _Parser(source.text)
    walk = _Walk(source)
    try:
        while loader.check_event():
            walk.take(loader.get_event())
    except yaml.YAMLError as error:
        raise ManifestError((grammar.translate(source, error),)) from error
    finally:
        loader.dispose()
    root = walk.root
    if root is None or (isinstance(root, Scalar) and root.is_null):
        return Mapping(Place(source.name, 1, 1))
    if not isinstance(root, Mapping):
        raise _wrong(root.place, "the file is not a mapping", "write `key: value` lines")
    return root


def typed_text(scalar: Scalar) -> str:
    """The text after YAML has given a plain value its type: 1.10 is 1.1, 0x10 is 16, True is true.

    What is quoted, and what is neither a number nor true or false, stays as it is written.
    """
    text = scalar.text
    if not scalar.plain:
        return text
    if text in _BOOLS:
        return _BOOLS[text]
    if len(text) <= _NUMBER_MAX and _WHOLE.fullmatch(text):
        return str(_whole(text))
    if len(text) <= _NUMBER_MAX and _FLOAT.fullmatch(text):
        return _float(float(text.replace("_", "")))
    return text


def _whole(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-").replace("_", "").lower()
    if digits.startswith(("0x", "0b", "0o")):
        return sign * int(digits, 0)
    return sign * int(digits, 8 if re.fullmatch("0[0-7]+", digits) else 10)


def _float(number: float) -> str:
    if number == int(number) and abs(number) < 1e21:
        return str(int(number))
    return repr(number)


def _wrong(place: Place, what: str, remedy: str) -> ManifestError:
    return ManifestError((Problem(place, what, remedy),))


class _Open(Struct):
    """A collection that has begun and not ended; `size` counts the values in it, aliases too."""

    place: Place
    tag: str
    anchor: str
    is_mapping: bool
    items: list[tuple[Value, int]] = field(default_factory=list)


class _Walk:
    """Builds values from events with a stack of its own."""

    def __init__(self, source: Source) -> None:
        self.root: Value | None = None
        self._source = source
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Value, int]] = {}
        self._documents = 0
        self._total = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            plain = not event.style
            scalar = Scalar(self._at(event), event.value, plain, event.tag or "")
            self._finish(scalar, 1, event.anchor)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(self._open) >= DEPTH_MAX:
                what = f"nested deeper than {DEPTH_MAX} levels"
                raise _wrong(self._at(event), what, "write it flatter")
            is_mapping = isinstance(event, yaml.MappingStartEvent)
            opened = _Open(self._at(event), event.tag or "", event.anchor or "", is_mapping)
            self._open.append(opened)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            done = self._open.pop()
            size = 1 + sum(size for _, size in done.items)
            values = [value for value, _ in done.items]
            made = _mapping(done, values) if done.is_mapping else _sequence(done, values)
            self._finish(made, size, done.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                remedy = "split it into files, and name them all"
                raise _wrong(self._at(event), "a second document starts here", remedy)

    def _alias(self, event: yaml.AliasEvent) -> None:
        found = self._anchors.get(str(event.anchor))
        if not found:
            what = f"*{event.anchor} names no anchor above it"
            raise _wrong(self._at(event), what, f"write &{event.anchor} before the value")
        value, size = found
        self._total += size
        self._check_total(self._at(event))
        self._finish(value, size, "")

    def _finish(self, value: Value, size: int, anchor: str | None) -> None:
        self._total += 1
        self._check_total(value.place)
        if anchor:
            self._anchors[anchor] = (value, size)
        if self._open:
            self._open[-1].items.append((value, size))
        else:
            self.root = value

    def _check_total(self, place: Place) -> None:
        if self._total > VALUES_MAX:
            what = f"more than {VALUES_MAX} values, those behind aliases included"
            raise _wrong(place, what, "split the file")

    def _at(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(self._source.name, mark.line + 1, mark.column + 1)


def _sequence(done: _Open, values: list[Value]) -> Sequence:
    return Sequence(done.place, tuple(values), done.tag)


def _mapping(done: _Open, values: list[Value]) -> Mapping:
    """Keys and values in turn; what a merge key brings stands behind what is written."""
    entries: dict[str, Entry] = {}
    merged: list[Mapping] = []
    for key, value in zip(values[::2], values[1::2], strict=True):
        if not isinstance(key, Scalar):
            raise _wrong(key.place, "a key must be plain text", "write `key: value`")
        if key.text == _MERGE and key.plain:
            merged += _merged(value)
        elif key.text in entries:
            first = entries[key.text].place.line
            what = f'the key "{key.text[:40]}" is written twice; first in line {first}'
            raise _wrong(key.place, what, "keep one of the two")
        else:
            entries[key.text] = Entry(key.place, value)
    for one in merged:
        for name, entry in one.entries.items():
            entries.setdefault(name, entry)
    return Mapping(done.place, entries, done.tag)


def _merged(value: Value) -> Iterator[Mapping]:
    for one in value.items if isinstance(value, Sequence) else (value,):
        if not isinstance(one, Mapping):
            raise _wrong(one.place, "a merge key takes mappings", "write <<: *name of one")
        yield one
