"""JSON Schema fragments: what an editor may take for each kind of value.

YAML types a plain `0.5` or `8080` before the schema sees it, so a value that is written without
quotes is allowed as a number beside its text.
"""

from __future__ import annotations

from typing import Any

from orchestr8.isolation.capabilities import CAPABILITIES
from orchestr8.isolation.relaxations import ASKED_BY_NAME, Kind, Relaxation

Schema = dict[str, Any]

_NAME = "[a-z]([a-z0-9]|-(?=[a-z0-9]))*"
_QUANTITY = "^(0|[1-9][0-9]{0,11})"


def text(**more: Any) -> Schema:
    """Text with further keywords."""
    return {"type": "string", **more}


def text_or_number(**more: Any) -> Schema:
    """Text that people write without quotes as a number."""
    return {"type": ["string", "integer"], **more}


def number(least: int, most: int) -> Schema:
    """A whole number, in quotes or not."""
    return {
        "type": ["integer", "string"],
        "minimum": least,
        "maximum": most,
        "pattern": "^(0|[1-9][0-9]*)$",
    }


def name(length_max: int) -> Schema:
    """A name of ours."""
    return text(pattern=f"^{_NAME}$", maxLength=length_max)


LITERAL: Schema = {"type": ["string", "number", "boolean", "null"]}
NAME_OF_OWNER = text(pattern=rf"^{_NAME}(\.{_NAME})?$")
FULL_NAME = text(pattern=rf"^{_NAME}\.{_NAME}$")
PATH = text(pattern="^/")
SIZE = text(pattern=_QUANTITY + "(B|[KMGT]iB?)$")
BYTE_RATE = text(pattern=_QUANTITY + "(B|[KMGT]iB?)/s$")
BIT_RATE = text(pattern=_QUANTITY + "(bit|kbit|Mbit|Gbit)/s$")
TIME = text(pattern=_QUANTITY + "(ms|s|m|h|d)$")
CPU: Schema = {"type": ["number", "string"], "pattern": r"^[0-9]+(\.[0-9]{1,3})?m?$"}
UNTIL = text(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]+(Z|[+-][0-9]{2}:[0-9]{2}))?$")

_ONE: dict[Kind, Schema] = {
    Kind.CAPABILITY: {"enum": sorted(CAPABILITIES)},
    Kind.UID_GID: text(pattern="^[1-9][0-9]*:[1-9][0-9]*$"),
    Kind.TARGET: PATH,
    Kind.SOURCE: PATH,
    Kind.DEVICE: text(pattern="^/dev/"),
    Kind.ACCESS: text(pattern="^[rwm]{1,3}$"),
    Kind.MODE: {"enum": ["ro", "rw"]},
    Kind.CIDRS: text(pattern="^[0-9.]+(/[0-9]+)?$"),
    Kind.PORTS: number(1, 65_535),
    Kind.SERVICE: NAME_OF_OWNER,
    Kind.ENV_NAMES: text(pattern="^[A-Za-z_][A-Za-z0-9_]*$"),
}
_LISTS = (Kind.CIDRS, Kind.PORTS, Kind.ENV_NAMES)


def _argument(kind: Kind) -> Schema:
    one = _ONE[kind]
    if kind in _LISTS:
        one = {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}
    return {**one, "description": kind.value}


def _entry(entry: Relaxation) -> Schema:
    described = {"description": f"lessens {entry.weakens}; for {entry.why}"}
    mapping: Schema = {
        "type": "object",
        "properties": {parameter.name: _argument(parameter.kind) for parameter in entry.parameters},
        "required": [p.name for p in entry.parameters if p.default is None],
        "additionalProperties": False,
    }
    if not entry.parameters:
        return {"anyOf": [mapping, {"type": "null"}], **described}
    if len(entry.parameters) == 1:
        return {"anyOf": [_argument(entry.parameters[0].kind), mapping], **described}
    return {**mapping, **described}


def relax_item() -> Schema:
    """One item of `relax`: one catalogue id, and why and until."""
    entries = {id_: _entry(entry) for id_, entry in sorted(ASKED_BY_NAME.items())}
    beside = {
        "why": text(description="why the wall is lowered", maxLength=400),
        "until": {
            **UNTIL,
            "description": "when it ends: a date (its end, UTC) or a time with zone",
        },
    }
    bare = [id_ for id_, entry in sorted(ASKED_BY_NAME.items()) if not entry.parameters]
    return {
        "anyOf": [
            {
                "type": "object",
                "properties": {**entries, **beside},
                "additionalProperties": False,
                "oneOf": [{"required": [id_]} for id_ in entries],
            },
            {"enum": bare},
        ]
    }


def waived() -> Schema:
    """The `relax` of a waiver: one catalogue id with its arguments."""
    return {
        "type": "object",
        "properties": {id_: _entry(entry) for id_, entry in sorted(ASKED_BY_NAME.items())},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
