"""The overflow policy of an edge: queue, spill or shed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestr8 import units
from orchestr8.manifest import editor, scalars
from orchestr8.manifest.reads import WrongError, sentence, shape_of
from orchestr8.manifest.wording import shortened

_FORMS = "write {queue: 200, wait: 2s}, {spill: service} or shed"
_KEYS: dict[str, Callable[[str], Any]] = {
    "queue": scalars.whole_number(1, 1_000_000),
    "wait": scalars.time_between("1ms", "10m"),
    "spill": scalars.service_name,
}


def overflow(value: Any) -> str:
    """`{queue: N, wait: T}`, `{spill: service}` or `shed`, in its canonical text."""
    if value == "shed":
        return "shed"
    if not isinstance(value, dict):
        raise WrongError("is no overflow policy", _FORMS)
    read = {key: _read(key, item) for key, item in value.items()}
    if read.keys() == {"spill"}:
        service, owner = read["spill"]
        return f"spill {service}.{owner}" if owner else f"spill {service}"
    if "queue" not in read or "spill" in read:
        raise WrongError("is no overflow policy", _FORMS)
    return f"queue {read['queue']}, wait {units.format_time(read.get('wait', 2_000))}"


def _read(key: str, item: object) -> Any:
    if key not in _KEYS:
        raise WrongError(f'unknown key "{shortened(key)}"', _FORMS, (key,), True)
    if not isinstance(item, str):
        raise WrongError(f"must be text, and is {shape_of(item)}", _FORMS, (key,))
    try:
        return _KEYS[key](item)
    except ValueError as error:
        flaw = sentence(error)
        raise WrongError(flaw.what, flaw.remedy, (key,)) from None


def schema() -> editor.Schema:
    """What an editor may take for it."""

    def mapping(required: str, **properties: editor.Schema) -> editor.Schema:
        return {
            "type": "object",
            "properties": properties,
            "required": [required],
            "additionalProperties": False,
        }

    return {
        "anyOf": [
            {"enum": ["shed"]},
            mapping("queue", queue=editor.number(1, 1_000_000), wait=editor.TIME),
            mapping("spill", spill=editor.NAME_OF_OWNER),
        ]
    }
