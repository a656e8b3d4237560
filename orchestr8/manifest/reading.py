"""Positioned nodes to typed blocks, with every flaw at the line and column where it is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from orchestr8.errors import Problem
from orchestr8.manifest import describe, hints
from orchestr8.manifest.blocks import Block
from orchestr8.manifest.nodes import MappingNode, Node, Parsed, ScalarNode
from orchestr8.manifest.reads import EMPTY, WrongError, WrongsError, shape_of
from orchestr8.manifest.scalars import shortened

Path = tuple[str | int, ...]
_FLAWS_MAX = 200  # of one block; more than anyone reads
AnyBlock = TypeVar("AnyBlock", bound=Block)


def values(node: Node) -> Any:
    """A node as mappings, lists and text; a value that is not there is EMPTY."""
    if type(node) is ScalarNode:
        return EMPTY if node.empty else node.text
    if type(node) is MappingNode:
        return {key: values(value) for key, (_, value) in node.entries.items()}
    return [values(item) for item in node.items]  # type: ignore[union-attr]


def read_block(
    parsed: Parsed, model: type[AnyBlock], root: str, node: Node, path: str
) -> AnyBlock | None:
    """One block, or None with its problems noted.

    `root` is what `explain` calls the block ("service"), `path` what the file calls it
    ("services.api").
    """
    try:
        return model.model_validate(values(node))
    except ValidationError as error:
        flaws = error.errors(include_url=False)[:_FLAWS_MAX]
    if root == "manifest":
        from orchestr8.manifest.whole import Manifest  # needed where something is wrong only

        described: type[Block] = Manifest
    else:
        described = model
    for flaw in flaws:
        _note(parsed, described, root, node, path, cast(dict[str, Any], flaw))
    return None


def _note(
    parsed: Parsed, model: type[Block], root: str, node: Node, path: str, flaw: dict[str, Any]
) -> None:
    where: Path = flaw["loc"]
    kind = flaw["type"]
    error = flaw.get("ctx", {}).get("error")
    if kind == "extra_forbidden":
        _unknown_key(parsed, model, root, node, path, where)
    elif kind == "missing":
        _missing_key(parsed, model, root, node, path, where)
    elif isinstance(error, WrongsError):
        for each in error.flaws:
            _wrong(parsed, node, path, where, each)
    elif isinstance(error, WrongError):
        _wrong(parsed, node, path, where, error)
    else:
        _wrong_shape(parsed, model, root, node, path, where, flaw)


def _wrong(parsed: Parsed, node: Node, path: str, where: Path, error: WrongError) -> None:
    is_key = where[-1:] == ("[key]",)
    where = (*(where[:-1] if is_key else where), *error.at)
    found = locate(node, where, is_key or error.on_key)
    named = dotted(path, where[:-1] if is_key or error.on_key else where)
    parsed.add(found, said(named, error.what), error.remedy)


def said(path: str, what: str) -> str:
    """A place in words before what is wrong there."""
    return (
        f"{path} {what}"
        if what.startswith(("is ", "has ", "must ", "lacks ", "names ", "says "))
        else f"{path}: {what}"
    )


def _unknown_key(
    parsed: Parsed, model: type[Block], root: str, node: Node, path: str, where: Path
) -> None:
    key = str(where[-1])
    block, explained = describe.block_at(model, root, where[:-1])
    found = locate(node, where, on_key=True)
    unsupported = hints.SPECIAL.get((explained, key))
    if unsupported:
        parsed.add(found, said(dotted(path, where), unsupported[0]), unsupported[1])
        return
    what = f'unknown key "{shortened(key)}" in {dotted(path, where[:-1])}'
    parsed.add(found, what, _unknown_key_remedy(block, explained, key))


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


def _missing_key(
    parsed: Parsed, model: type[Block], root: str, node: Node, path: str, where: Path
) -> None:
    parent = locate(node, where[:-1], on_key=False)
    if isinstance(parent, MappingNode) and parent.incomplete:
        return
    key = str(where[-1])
    block, _ = describe.block_at(model, root, where[:-1])
    info = describe.keys_of(block)[key]
    example = describe.extra(info, "x-example")
    at = locate(node, where[:-1], on_key=True)
    parsed.add(at, f"{dotted(path, where[:-1])} lacks `{key}`", f"write {key}: {example}")


def _wrong_shape(
    parsed: Parsed,
    model: type[Block],
    root: str,
    node: Node,
    path: str,
    where: Path,
    flaw: dict[str, Any],
) -> None:
    """A mapping where a list is wanted and the like; the field's own example is the remedy."""
    wanted = {"dict_type": "a mapping", "list_type": "a list"}.get(flaw["type"], "a mapping")
    found = locate(node, where, on_key=False)
    is_now = shape_of(flaw["input"])
    what = "has no value" if is_now == "nothing" else f"must be {wanted}, and is {is_now}"
    example = describe.example_at(model, where)
    name = str(where[-1]) if where else path.rpartition(".")[2]
    remedy = f"write {name}: {example}" if example else "write it as in the example of the docs"
    if is_now == "nothing":
        remedy += ", or take the line out"
    elif where and (shape_remedy := hints.shape_remedy(str(where[-1]), flaw["input"])):
        remedy = shape_remedy
    parsed.add(found, said(dotted(path, where), what), remedy)


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


def dotted(path: str, where: Path) -> str:
    """A path in words: `services.api.limits.memory`."""
    steps = [shortened(str(step)) for step in where if step != ""]
    return ".".join([path, *steps] if path else steps) or "the file"


def as_mapping(parsed: Parsed, node: Node, name: str, example: str) -> MappingNode | None:
    """The mapping that `name` must be, or None with the problem noted."""
    if isinstance(node, MappingNode):
        return node
    is_now = shape_of(values(node))
    what = "has no value" if is_now == "nothing" else f"must be a mapping, and is {is_now}"
    parsed.add(node, said(name, what), f"write {name.rpartition('.')[2]}: {example}")
    return None


def problems_at(problems: Iterable[Problem]) -> set[tuple[str, int, int]]:
    """The places that already have a problem."""
    return {(p.place.file, p.place.line, p.place.column) for p in problems}
