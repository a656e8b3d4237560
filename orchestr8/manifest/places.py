"""Where each part of a block is written: dotted paths to places, found when first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestr8.errors import Place
from orchestr8.manifest.nodes import MappingNode, Node, SequenceNode


class Places(Mapping[str, Place]):
    """The places of everything below one node; the empty path is the node's own key."""

    def __init__(self, file: str, key: Node, node: Node) -> None:
        self._file = file
        self._key = key
        self._node = node
        self._found: dict[str, Place] | None = None

    def value(self, path: str) -> Place:
        """Where the value of a key stands; the place of the key where there is none."""
        node = self._node
        rest = path
        while rest:
            if isinstance(node, SequenceNode):
                index, _, rest = rest.partition(".")
                if not index.isdigit() or int(index) >= len(node.items):
                    break
                node = node.items[int(index)]
            elif isinstance(node, MappingNode):
                key = rest
                while key and key not in node.entries:
                    key = key.rpartition(".")[0]
                if not key:
                    break
                node, rest = node.entries[key][1], rest[len(key) + 1 :]
            else:
                break
        return self._place(node) if not rest else self.get(path, Place(""))

    def _all(self) -> dict[str, Place]:
        if self._found is None:
            self._found = {"": self._place(self._key)}
            self._collect("", self._node, self._found)
        return self._found

    def _place(self, node: Node) -> Place:
        return Place(self._file, node.line, node.column)

    def _collect(self, prefix: str, node: Node, found: dict[str, Place]) -> None:
        if isinstance(node, MappingNode):
            for name, (key, value) in node.entries.items():
                found[prefix + name] = self._place(key)
                self._collect(f"{prefix}{name}.", value, found)
        elif isinstance(node, SequenceNode):
            for index, item in enumerate(node.items):
                found[f"{prefix}{index}"] = self._place(item)
                self._collect(f"{prefix}{index}.", item, found)

    def __getitem__(self, path: str) -> Place:
        return self._all()[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())
