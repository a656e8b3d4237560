"""Expectations and readings as plain documents, and back: by the types of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.structs import fields

from orchestr8.boxes.network import Element
from orchestr8.names import BoxId

Document = Any
_ELEMENTS = {kind.__name__: kind for kind in get_args(Element)}


def to_document(value: Any) -> Document:
    """Defaults are left out, sets are sorted, a box id is its text."""
    if isinstance(value, BoxId):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Struct):
        whole = {
            item.name: to_document(content)
            for item in fields(value)
            if not _is_default(item, content := getattr(value, item.name))
        }
        return {"kind": type(value).__name__, **whole} if _is_element(value) else whole
    if isinstance(value, Mapping):
        return {key: to_document(content) for key, content in sorted(value.items())}
    if isinstance(value, frozenset):
        return sorted((to_document(part) for part in value), key=str)
    if isinstance(value, tuple):
        return [to_document(part) for part in value]
    return value


def _is_element(value: Any) -> bool:
    return type(value) in _ELEMENTS.values()


def _is_default(item: Any, content: Any) -> bool:
    if content == item.default:
        return True
    return callable(item.default_factory) and content == item.default_factory()


def from_document(kind: Any, document: Document) -> Any:
    """A value of this type; raises for anything that does not fit."""
    if kind is BoxId:
        return BoxId.parse(document)
    if kind == Element or get_args(kind) == get_args(Element):
        return from_document(
            _ELEMENTS[document["kind"]], {k: v for k, v in document.items() if k != "kind"}
        )
    if isinstance(kind, type) and issubclass(kind, Struct):
        hints = _hints(kind)
        known = {item.name for item in fields(kind)}
        assert document.keys() <= known, f"unknown in {kind}: {document.keys() - known}"
        return kind(**{k: from_document(hints[k], v) for k, v in document.items()})
    return _container(kind, get_origin(kind), get_args(kind), document)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _container(kind: Any, origin: Any, arguments: tuple[Any, ...], document: Document) -> Any:
    if origin in (UnionType, Union):
        if document is None:
            return None
        return from_document(next(a for a in arguments if a is not type(None)), document)
    if origin is not None and issubclass(origin, Mapping):
        return {key: from_document(arguments[1], content) for key, content in document.items()}
    if origin is frozenset:
        return frozenset(from_document(arguments[0], part) for part in document)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return tuple(from_document(arguments[0], part) for part in document)
        return tuple(from_document(a, part) for a, part in zip(arguments, document, strict=True))
    assert isinstance(document, kind), f"{document!r} is no {kind}"
    return document
