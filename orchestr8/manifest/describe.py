"""The schema described: which keys a block has, what a field holds, its example and words."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic.fields import FieldInfo

from orchestr8.manifest.blocks import Block
from orchestr8.manifest.reads import Reads, ReadsShape


@cache
def keys_of(block: type[Block]) -> dict[str, FieldInfo]:
    """The keys of a block as they are written, in the schema's order."""
    return {info.alias or name: info for name, info in block.model_fields.items()}


def extra(info: FieldInfo, key: str) -> str:
    """One of the words that a field is told with."""
    more = info.json_schema_extra
    return str(more.get(key, "")) if isinstance(more, dict) else ""


def inner(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """An annotation without its optional part: the bare type and the metadata around it."""
    metadata: tuple[Any, ...] = ()
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            metadata = (*more, *metadata)
            continue
        options = [option for option in get_args(annotation) if option is not type(None)]
        if len(options) == 1 and type(None) in get_args(annotation):
            annotation = options[0]
            continue
        return annotation, metadata


def whole(info: FieldInfo) -> Any:
    """A field's annotation with the metadata that pydantic keeps beside it."""
    annotation = info.annotation
    return Annotated[annotation, *info.metadata] if info.metadata else annotation


def reader_of(annotation: Any) -> Reads | ReadsShape | None:
    """The reader of a value that is one text, or of one with a shape of its own."""
    _, metadata = inner(annotation)
    found = [item for item in metadata if isinstance(item, Reads | ReadsShape)]
    return found[0] if found else None


def item_of(annotation: Any) -> Any:
    """What a list or a mapping holds, or None."""
    bare, metadata = inner(annotation)
    if any(isinstance(item, Reads | ReadsShape) for item in metadata):
        return None
    if get_origin(bare) in (list, dict):
        return get_args(bare)[-1]
    return None


def key_of(annotation: Any) -> Any:
    """What a mapping's keys are, or None."""
    bare, _ = inner(annotation)
    return get_args(bare)[0] if get_origin(bare) is dict else None


def block_of(info_or_annotation: Any) -> type[Block] | None:
    """The block that a field, a list's item or a mapping's value is, or None."""
    annotation = info_or_annotation
    if isinstance(annotation, FieldInfo):
        annotation = whole(annotation)
    while (below := item_of(annotation)) is not None:
        annotation = below
    bare, _ = inner(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, Block) else None


@cache
def blocks_in(block: type[Block]) -> dict[str, type[Block]]:
    """The keys of a block that lead to another block."""
    found = {key: block_of(info) for key, info in keys_of(block).items()}
    return {key: below for key, below in found.items() if below is not None}


def block_at(
    model: type[Block], root: str, where: tuple[str | int, ...]
) -> tuple[type[Block], str]:
    """The innermost block on a path of keys and indexes, and what `explain` calls it."""
    block, explained, _ = _walk(model, root, where)
    return block, explained


def example_at(model: type[Block], where: tuple[str | int, ...]) -> str:
    """The example of the field or the item at a path."""
    return _walk(model, "", where)[2]


def _walk(
    model: type[Block], root: str, where: tuple[str | int, ...]
) -> tuple[type[Block], str, str]:
    """Follows a path: the innermost block, its name for `explain`, the last step's example."""
    block, explained, example = model, root, ""
    container: Any = None
    for step in where:
        if container is None:
            info = keys_of(block).get(str(step))
            if info is None:
                break
            here, example = whole(info), extra(info, "x-example")
            if block_of(here):
                explained = f"{explained}.{step}"
        else:
            here = item_of(container)
            example = item_example(here)
        below = block_of(here) if item_of(here) is None else None
        if below is not None:
            block, container = below, None
        elif item_of(here) is None:
            break
        else:
            container = here
    return block, explained, example


def item_example(annotation: Any) -> str:
    """What one item looks like: its reader's example, or a block with what it must have."""
    reader = reader_of(annotation)
    block = block_of(annotation)
    if reader or block is None:
        return reader.example if reader else ""
    known = keys_of(block)
    wanted = [key for key, info in known.items() if info.is_required()] or list(known)[:1]
    return "{" + ", ".join(f"{key}: {extra(known[key], 'x-example')}" for key in wanted) + "}"


def must_have(block: type[Block]) -> list[str]:
    """The keys that a block must have."""
    return [key for key, info in keys_of(block).items() if info.is_required()]
