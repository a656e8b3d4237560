"""Where each part of a block is written: dotted paths to places, found when first asked for.

Few are ever asked for, and a fleet of thousands would hold every word of its manifests twice if
each service kept its nodes. So the nodes go with the file that was read, and for whoever asks later
the text is read once more.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from orchestr8.errors import Place
from orchestr8.manifest.defaults import merged
from orchestr8.manifest.model import Source
from orchestr8.manifest.nodes import MappingNode, Node, Parsed, SequenceNode, parse

_FILES_READ_AGAIN = 8
"""How many files are kept once they were read again: problems come file by file."""

Entry = tuple[Node, Node]
"""A key and its value; an item of a list is both."""


class Places(Mapping[str, Place]):
    """The places of everything below one entry of a file; the empty path is its own key."""

    __slots__ = ("_entry", "_parsed", "_source")

    def __init__(self, parsed: Parsed, *entry: str) -> None:
        """`entry` leads there from the file's root, as ("services", "api") does."""
        self._parsed = weakref.ref(parsed)
        self._source = parsed.source
        self._entry = entry

    def __reduce__(self) -> tuple[Any, ...]:
        return _of_source, (self._source, self._entry)

    def value(self, path: str) -> Place:
        """Where the value of a key stands; the place of the key where there is none."""
        found = _below(self._whole(), path)
        return self._place(found[1]) if found else self.get(path, Place(""))

    def _whole(self) -> Entry:
        root = (self._parsed() or _read_again(self._source)).root
        assert isinstance(root, MappingNode)
        found: Entry = (root, root)
        for name in self._entry:
            assert isinstance(found[1], MappingNode)
            found = found[1].entries[name]
        usual = root.entries.get("defaults")
        if self._entry[0] == "services" and usual and isinstance(usual[1], MappingNode):
            assert isinstance(found[1], MappingNode)
            found = found[0], merged(usual[1], found[1])
        return found

    def _place(self, node: Node) -> Place:
        return Place(self._source.name, node.line, node.column)

    def __getitem__(self, path: str) -> Place:
        found = _below(self._whole(), path)
        if found is None:
            raise KeyError(path)
        return self._place(found[0])

    def __iter__(self) -> Iterator[str]:
        yield ""
        yield from _paths("", self._whole()[1])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _of_source(source: Source, entry: tuple[str, ...]) -> Places:
    return Places(Parsed(source), *entry)


@lru_cache(maxsize=_FILES_READ_AGAIN)
def _read_again(source: Source) -> Parsed:
    return parse(source)


def _below(entry: Entry, path: str) -> Entry | None:
    """What a path leads to. A key may have dots of its own: the longest one that fits is meant."""
    rest = path
    while rest:
        node = entry[1]
        if isinstance(node, SequenceNode):
            index, _, rest = rest.partition(".")
            if not index.isdecimal() or int(index) >= len(node.items):
                return None
            entry = node.items[int(index)], node.items[int(index)]
        elif isinstance(node, MappingNode):
            key = rest
            while key and key not in node.entries:
                key = key.rpartition(".")[0]
            if not key:
                return None
            entry, rest = node.entries[key], rest[len(key) + 1 :]
        else:
            return None
    return entry


def _paths(prefix: str, node: Node) -> Iterator[str]:
    if isinstance(node, MappingNode):
        for name, (_, value) in node.entries.items():
            yield prefix + name
            yield from _paths(f"{prefix}{name}.", value)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.items):
            yield f"{prefix}{index}"
            yield from _paths(f"{prefix}{index}.", item)
