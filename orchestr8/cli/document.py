"""JSON output: one document a command, with the number of its schema and its kind.

The schema grows by new keys; a key that is renamed or taken away raises the number.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from msgspec import Struct

from orchestr8.cli.terminal import say

SCHEMA = 1


def print_document(kind: str, **facts: object) -> None:
    """Prints one document: schema, kind, then the facts."""
    say(json.dumps({"schema": SCHEMA, "kind": kind, **plain(facts)}, indent=2))


def plain(value: Any) -> Any:
    """Any of our values as what JSON has; names and places become their text."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): plain(content) for key, content in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain(value._asdict()) if type(value).__str__ is object.__str__ else str(value)
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [plain(item) for item in items]
    if isinstance(value, Struct):
        if type(value).__str__ is not object.__str__:
            return str(value)
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
