"""Checked text to positioned nodes: every scalar stays text, every node knows its place.

libyaml reads the events where it is there, PyYAML's own parser otherwise. Nothing of YAML that
could surprise a reader survives: anchors, aliases, merge keys, tags, directives, a second
document, duplicate keys, deep nesting. The events are walked with a stack of our own, so that no
input exhausts Python's.
"""

from __future__ import annotations

from typing import Any

import yaml

from orchestr8.errors import Place, Problem
from orchestr8.manifest.model import Source
from orchestr8.manifest.text import (
    DEPTH_MAX,
    SCALAR_BYTES_MAX,
    character_problem,
    refused_character,
    without_refused,
)

KEYS_MAX = 20_000
VALUES_MAX = 100_000
SMALLEST = (
    'the smallest manifest is: {orchestr8: 1, owner: NAME, services: {NAME: {image: "name:tag"}}}'
)

_Parser: Any = getattr(yaml, "CSafeLoader", None) or yaml.SafeLoader


class ScalarNode:
    """Text at a place; `empty` is a plain scalar of no characters, which is no value at all."""

    __slots__ = ("column", "empty", "line", "text", "width")

    def __init__(self, text: str, line: int, column: int, width: int, empty: bool = False) -> None:
        self.text = text
        self.line = line
        self.column = column
        self.width = width
        self.empty = empty


class SequenceNode:
    """A list at a place."""

    __slots__ = ("column", "items", "line", "width")

    def __init__(self, line: int, column: int, width: int = 1) -> None:
        self.line = line
        self.column = column
        self.width = width
        self.items: list[Node] = []


class MappingNode:
    """A mapping at a place: key text to the key's own node and its value.

    `incomplete` says that something was left out because it was refused, a merge key for
    instance, so nobody should complain about keys that are missing.
    """

    __slots__ = ("column", "entries", "incomplete", "line", "width")

    def __init__(
        self,
        line: int,
        column: int,
        width: int = 1,
        entries: dict[str, tuple[ScalarNode, Node]] | None = None,
        incomplete: bool = False,
    ) -> None:
        self.line = line
        self.column = column
        self.width = width
        self.entries = {} if entries is None else entries
        self.incomplete = incomplete


Node = ScalarNode | SequenceNode | MappingNode


class Parsed:
    """One file's root, or None where the text could not be parsed, and what was wrong with it."""

    def __init__(self, source: Source, problems: list[Problem] | None = None) -> None:
        self.source = source
        self.root: Node | None = None
        self.problems = problems or []

    def place(self, node: Node) -> Place:
        """Where a node stands."""
        return Place(self.source.name, node.line, node.column)

    def add(self, node: Node, what: str, remedy: str = "") -> None:
        """Notes a problem at a node."""
        self.problems.append(Problem(self.place(node), what, remedy, width=node.width))


def parse(source: Source) -> Parsed:
    """Reads the one document of a checked text."""
    parsed = Parsed(source)
    walk = _Walk(parsed)
    loader = _Parser(source.text)
    try:
        while loader.check_event():
            if not walk.take(loader.get_event()):
                break
    except yaml.YAMLError as error:
        from orchestr8.manifest import grammar  # needed where something is wrong only

        parsed.problems.append(grammar.translate(source, error))
        return parsed
    except (RecursionError, MemoryError):
        parsed.problems.append(
            Problem(Place(source.name), "the file is nested too deeply", "write it flatter")
        )
        return parsed
    finally:
        loader.dispose()
    parsed.root = None if walk.given_up else walk.root
    if walk.root is None and not parsed.problems:
        parsed.problems.append(
            Problem(
                Place(source.name, 1, 1),
                "the file has no content",
                SMALLEST,
            )
        )
    return parsed


class _Walk:
    """Builds nodes from events; `take` returns False when nothing more shall be read."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.root: Node | None = None
        self.given_up = False
        self._open: list[MappingNode | SequenceNode] = []
        self._keys: list[ScalarNode | None] = []
        self._key_count = 0
        self._value_count = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> bool:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            return self._start(event, MappingNode(*_at(event)))
        elif isinstance(event, yaml.SequenceStartEvent):
            return self._start(event, SequenceNode(*_at(event)))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            return self._document(event)
        return not self.given_up

    def _document(self, event: yaml.DocumentStartEvent) -> bool:
        self._documents += 1
        node = ScalarNode("", *_at(event), 1)
        if self._documents > 1:
            self.parsed.add(
                node, "a second document starts here", "write one document a file; split the file"
            )
            return False
        if event.version or event.tags:
            self.parsed.add(node, "YAML directives are not part of the language", "take them out")
        return True

    def _start(self, event: Any, node: MappingNode | SequenceNode) -> bool:
        self._refuse_extras(event, node)
        if len(self._open) >= DEPTH_MAX:
            self.parsed.add(node, f"nested deeper than {DEPTH_MAX} levels", "write it flatter")
            self.given_up = True
            return False
        self._place(node)
        self._open.append(node)
        self._keys.append(None)
        return True

    def _scalar(self, event: Any) -> None:
        text, start, end = event.value, event.start_mark, event.end_mark
        width = end.column - start.column if end.line == start.line else 1
        plain = not event.style
        node = ScalarNode(text, start.line + 1, start.column + 1, max(width, 1), plain and not text)
        self._refuse_extras(event, node)
        if plain:
            if not text.isprintable():
                self._check_characters(node, block=False)
        elif not text.isprintable():
            self._check_characters(node, block=event.style in "|>")
        if len(text) > SCALAR_BYTES_MAX // 4 and len(text.encode("utf-8", "replace")) > (
            SCALAR_BYTES_MAX
        ):
            self.parsed.add(node, "one value has more than 16KiB", "put it into a file: `files`")
            node.text = text[:100]
        self._place(node)

    def _check_characters(self, node: ScalarNode, block: bool) -> None:
        character = refused_character(node.text)
        if character:
            problem = character_problem(self.parsed.place(node), character)
            self.parsed.problems.append(problem)
            node.text = without_refused(node.text)
        elif not block and any(space in node.text for space in "\n\t\r"):
            self.parsed.add(
                node,
                "a line break or a tab inside a value",
                "write the value as a block of its own lines, after `|`",
            )

    def _refuse_extras(self, event: Any, node: Node) -> None:
        if event.anchor is not None:
            self.parsed.add(
                node,
                "anchors and aliases are not part of the language",
                "write the value out, or say it once under `defaults`",
            )
        if event.tag is not None:
            self.parsed.add(
                node, "tags are not part of the language", "take out what starts with `!`"
            )

    def _alias(self, event: Any) -> None:
        node = ScalarNode("", *_at(event), len(event.anchor) + 1, empty=True)
        self.parsed.add(
            node,
            "anchors and aliases are not part of the language",
            "write the value out, or say it once under `defaults`",
        )
        if self._open and isinstance(self._open[-1], MappingNode):
            self._open[-1].incomplete = True
            is_key = self._keys[-1] is None
            self._keys[-1] = ScalarNode("", *_at(event), 1, empty=True) if is_key else None

    def _place(self, node: Node) -> None:
        """Puts a finished node where it belongs: root, item, key or value."""
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent, SequenceNode):
            self._value_count += 1
            if self._value_count > VALUES_MAX:
                what = f"more than {VALUES_MAX} items of lists in one file"
                self.parsed.add(node, what, "split the file")
                self.given_up = True
            parent.items.append(node)
            return
        key = self._keys[-1]
        if key is not None:
            self._keys[-1] = None
            self._entry(parent, key, node)
        elif isinstance(node, ScalarNode):
            self._count_key(node)
            self._keys[-1] = node
        else:
            self.parsed.add(node, "a key must be plain text", "write `key: value`")
            parent.incomplete = True
            self._keys[-1] = ScalarNode("", node.line, node.column, 1, empty=True)

    def _count_key(self, key: ScalarNode) -> None:
        self._key_count += 1
        if self._key_count > KEYS_MAX:
            self.parsed.add(key, f"more than {KEYS_MAX} keys in one file", "split the file")
            self.given_up = True

    def _entry(self, parent: MappingNode, key: ScalarNode, value: Node) -> None:
        if key.text == "<<":
            self.parsed.add(
                key, "merge keys are not part of the language", "say it once under `defaults`"
            )
            parent.incomplete = True
        elif key.empty:
            if not parent.incomplete:
                self.parsed.add(key, "a key is missing before the colon", "write `key: value`")
            parent.incomplete = True
        elif key.text in parent.entries:
            first = parent.entries[key.text][0]
            self.parsed.add(
                key,
                f'the key "{key.text}" is written twice; first in line {first.line}',
                "keep one of the two",
            )
        else:
            parent.entries[key.text] = (key, value)


def _at(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1
