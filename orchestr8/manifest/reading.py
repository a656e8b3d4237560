"""Positioned nodes to typed blocks, with every flaw at the line and column where it is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from orchestr8.errors import Problem
from orchestr8.manifest.blocks import Block
from orchestr8.manifest.nodes import MappingNode, Node, Parsed, ScalarNode
from orchestr8.manifest.reads import EMPTY, shape_of
from orchestr8.manifest.wording import said

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
    from orchestr8.manifest.flaws import Flaws  # needed where something is wrong only

    block = Flaws(parsed, model, root, node, path)
    for flaw in flaws:
        block.note(cast(dict[str, Any], flaw))
    return None


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
