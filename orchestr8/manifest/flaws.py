"""What the models find wrong, put into words: where, what, remedy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from orchestr8.manifest import describe, hints
from orchestr8.manifest.blocks import Block
from orchestr8.manifest.nodes import MappingNode, Node, Parsed, ScalarNode
from orchestr8.manifest.reads import WrongError, WrongsError, shape_of
from orchestr8.manifest.whole import Manifest
from orchestr8.manifest.wording import dotted, said, shortened

Path = tuple[str | int, ...]
_KEY = ("[key]",)


class Flaws(Struct, frozen=True):
    """Notes the flaws of one block.

    `root` is what `explain` calls the block ("service"), `path` what the file calls it
    ("services.api").
    """

    parsed: Parsed
    model: type[Block]
    root: str
    node: Node
    path: str

    def note(self, flaw: dict[str, Any]) -> None:
        """One error of pydantic as a problem."""
        where: Path = flaw["loc"]
        kind = flaw["type"]
        error = flaw.get("ctx", {}).get("error")
        if kind == "extra_forbidden":
            self._unknown_key(where)
        elif kind == "missing":
            self._missing_key(where)
        elif kind == "too_long":
            what = f"has more than {flaw['ctx']['max_length']} entries"
            self._add(where, True, what, "split the service")
        elif isinstance(error, WrongsError):
            for each in error.flaws:
                self._wrong(where, each)
        elif isinstance(error, WrongError):
            self._wrong(where, error)
        else:
            self._wrong_shape(where, flaw)

    def _add(self, where: Path, on_key: bool, what: str, remedy: str) -> None:
        found = locate(self.node, where, on_key)
        self.parsed.add(found, said(dotted(self.path, where), what), remedy)

    def _wrong(self, where: Path, error: WrongError) -> None:
        is_key = where[-1:] == _KEY
        where = (*(where[:-1] if is_key else where), *error.at)
        found = locate(self.node, where, is_key or error.on_key)
        named = dotted(self.path, where[:-1] if is_key or error.on_key else where)
        self.parsed.add(found, said(named, error.what), error.remedy)

    def _described(self) -> type[Block]:
        return Manifest if self.root == "manifest" else self.model

    def _unknown_key(self, where: Path) -> None:
        key = str(where[-1])
        block, explained = describe.block_at(self._described(), self.root, where[:-1])
        special = hints.SPECIAL.get((explained, key))
        if special:
            self._add(where, True, *special)
            return
        what = f'unknown key "{shortened(key)}" in {dotted(self.path, where[:-1])}'
        found = locate(self.node, where, on_key=True)
        self.parsed.add(found, what, _unknown_key_remedy(block, explained, key))

    def _missing_key(self, where: Path) -> None:
        parent = locate(self.node, where[:-1], on_key=False)
        if isinstance(parent, MappingNode) and parent.incomplete:
            return
        key = str(where[-1])
        block, _ = describe.block_at(self._described(), self.root, where[:-1])
        example = describe.extra(describe.keys_of(block)[key], "x-example")
        self._add(where[:-1], True, f"lacks `{key}`", f"write {key}: {example}")

    def _wrong_shape(self, where: Path, flaw: dict[str, Any]) -> None:
        """A mapping where a list is wanted and the like; the field's own example is the remedy."""
        wanted = "a list" if flaw["type"] == "list_type" else "a mapping"
        is_now = shape_of(flaw["input"])
        what = "has no value" if is_now == "nothing" else f"must be {wanted}, and is {is_now}"
        example = describe.example_at(self._described(), where)
        name = str(where[-1]) if where else self.path.rpartition(".")[2]
        remedy = f"write {name}: {example}"
        if is_now == "nothing":
            remedy += ", or take the line out"
        elif where and (shape_remedy := hints.shape_remedy(name, flaw["input"])):
            remedy = shape_remedy
        self._add(where, False, what, remedy)


def _unknown_key_remedy(block: type[Block], explained: str, key: str) -> str:
    """What to write instead of an unknown key."""
    foreign = hints.FOREIGN_KEYS.get(explained, {}).get(key)
    if foreign:
        return foreign
    if key.startswith("x-"):
        return "say what services share under `defaults`"
    known = describe.keys_of(block)
    listing = f"`orchestr8 explain {explained}` lists all keys"
    meant = hints.nearest(key, known)
    if meant:
        return f'did you mean "{meant}"? {listing}'
    for name, inner in describe.blocks_in(block).items():
        if key in describe.keys_of(inner):
            return f"write it under `{name}`: `{name}: {{{key}: …}}`"
    return listing


def locate(node: Node, where: Iterable[str | int], on_key: bool) -> Node:
    """The node at a path, as far down as there is one; its key instead if asked."""
    found: Node = node
    key: Node | None = None
    for step in where:
        if isinstance(found, MappingNode):
            if str(step) not in found.entries:
                break
            key, found = found.entries[str(step)]
        elif not isinstance(found, ScalarNode) and isinstance(step, int):
            if step >= len(found.items):
                break
            key, found = None, found.items[step]
        else:
            break
    if isinstance(found, ScalarNode) and found.empty:
        return key or found
    return key if on_key and key is not None else found
