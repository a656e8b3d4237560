"""YAML of other programs: what a manifest refuses is read, positions and bounds included."""

from __future__ import annotations

import pytest

from orchestr8.errors import ManifestError, Place
from orchestr8.manifest import foreign
from orchestr8.manifest.foreign import Mapping, Scalar, Sequence, Value
from orchestr8.manifest.model import Source


def read(text: str) -> Mapping:
    """A text of one file."""
    return foreign.read(Source("c.yaml", text))


def plain(value: Value) -> object:
    """A value without places."""
    match value:
        case Scalar():
            return None if value.is_null else foreign.typed_text(value)
        case Sequence():
            return [plain(item) for item in value.items]
        case Mapping():
            return {key: plain(one.value) for key, one in value.entries.items()}


def problem(text: str) -> tuple[int, int, str]:
    """The place and the words of the one problem of a text."""
    with pytest.raises(ManifestError) as raised:
        read(text)
    (found,) = raised.value.problems
    return found.place.line, found.place.column, found.what


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("# nothing\n", {}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": "1"}, "c": {"b": "1"}}),
        ("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}", {
            "x": {"a": "1", "b": "2"}, "y": {"b": "3", "a": "1"},
        }),
        ("x: &x {a: 1}\ny: &y {a: 2, c: 3}\nz: {<<: [*x, *y]}", {
            "x": {"a": "1"}, "y": {"a": "2", "c": "3"}, "z": {"a": "1", "c": "3"},
        }),
        ('a: {"<<": 1}', {"a": {"<<": "1"}}),
        ("a: !reset null\nb: !override [1]", {"a": None, "b": ["1"]}),
        ("a: [1.10, 0x10, 012, 0o12, 1e3, 1_000, .5, -7]", {
            "a": ["1.1", "16", "10", "10", "1000", "1000", "0.5", "-7"],
        }),
        ("a: ['1.10', yes, True, ~, 1.2.3, 10:20, 2024-01-01]", {
            "a": ["1.10", "yes", "true", None, "1.2.3", "10:20", "2024-01-01"],
        }),
        (f"a: {'9' * 5000}", {"a": "9" * 5000}),
    ],
)  # fmt: skip
def test_what_is_read(text: str, expected: object) -> None:
    assert plain(read(text)) == expected


def test_an_alias_keeps_the_place_of_what_it_stands_for() -> None:
    found = read("a: &x\n  b: 1\nc: *x\n").get("c")
    assert isinstance(found, Mapping)
    assert found.entries["b"].place == Place("c.yaml", 2, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: *x", (1, 4, "*x names no anchor above it")),
        ("a: &x [*x]", (1, 8, "*x names no anchor above it")),
        ("a: 1\na: 2", (2, 1, 'the key "a" is written twice; first in line 1')),
        ("[a]: 1", (1, 1, "a key must be plain text")),
        ("- a", (1, 1, "the file is not a mapping")),
        ("a: {<<: 1}", (1, 9, "a merge key takes mappings")),
        ("a: 1\n---\nb: 2", (2, 1, "a second document starts here")),
        ("a: " + "[" * 65 + "]" * 65, (1, 67, "nested deeper than 64 levels")),
        ("a: 'x", (1, 4, "a quoted value does not end")),
        ("a: \u202e", (1, 4, "U+202E changes the direction of text, so a reader sees something "
                             "else than is parsed")),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, expected: tuple[int, int, str]) -> None:
    assert problem(text) == expected


def test_aliases_of_aliases_are_counted_as_what_they_stand_for() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert problem("\n".join(rows))[2] == ("more than 100000 values, those behind aliases included")
    merged = ["a0: &a0 {x: [1, 2, 3, 4, 5, 6, 7, 8, 9]}"]
    merged += [f"a{n}: &a{n} {{a: *a{n - 1}, b: *a{n - 1}, <<: *a{n - 1}}}" for n in range(1, 30)]
    assert "100000" in problem("\n".join(merged))[2]
