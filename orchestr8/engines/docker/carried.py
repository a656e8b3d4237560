"""What a container's labels say of its box, which never changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from msgspec import DecodeError, Struct
from msgspec.json import decode

from orchestr8.boxes import spec as specs
from orchestr8.boxes.spec import BoxSpec
from orchestr8.engines.docker.labels import (
    ADDRESS,
    BOX,
    JOINS,
    KEY,
    SERVICE_ADDRESS,
    SET,
    SLOT,
    SPEC,
    STOP,
    UID_RANGE,
)  # fmt: skip
from orchestr8.manifest.model import Stop
from orchestr8.names import STANDBY, BoxId


class Carried(Struct, frozen=True):
    """A box as it was made; `slot` is STANDBY of one that was made without."""

    spec: BoxSpec | None
    slot: int
    set_name: str
    service_key: str
    address: str
    joins: tuple[tuple[str, BoxId], ...]
    uid_base: int
    service_address: str
    stop: Stop | None


def carried_by(labels: Mapping[str, str]) -> Carried:
    """Those of one container."""
    return Carried(
        spec=carried_spec(labels),
        slot=carried_slot(labels),
        set_name=labels.get(SET, ""),
        service_key=labels.get(KEY, ""),
        address=labels.get(ADDRESS, ""),
        joins=_joins(labels.get(JOINS, "")),
        uid_base=_number(labels.get(UID_RANGE, "")),
        service_address=labels.get(SERVICE_ADDRESS, ""),
        stop=_stop(labels.get(STOP, "")),
    )


def carried_spec(labels: Mapping[str, str]) -> BoxSpec | None:
    """The spec in a container's label, or None where it cannot be read."""
    try:
        return specs.from_json(labels.get(SPEC, ""))
    except ValueError:
        return None


def carried_slot(labels: Mapping[str, str]) -> int:
    """The slot in a container's label; 0 where it cannot be read."""
    text = labels.get(SLOT, "")
    return STANDBY if text == str(STANDBY) else _number(text)


def box_id_in(labels: Mapping[str, str]) -> BoxId | None:
    """Whose labels these are, or None where it cannot be read."""
    try:
        return BoxId.parse(labels.get(BOX, ""))
    except ValueError:
        return None


def is_staged_for(labels: Mapping[str, str], mounts: Iterable[Mapping[str, Any]]) -> bool:
    """Whether something is mounted that was staged for the box whose labels these are. What is made
    from a copy of a box has its labels, and none of its mounts."""
    return any(labels.get(BOX) in PurePosixPath(one.get("Source", "")).parts for one in mounts)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _stop(text: str) -> Stop | None:
    try:
        return decode(text, type=Stop)
    except DecodeError:
        return None


def _joins(text: str) -> tuple[tuple[str, BoxId], ...]:
    try:
        return tuple((str(kind), BoxId.parse(peer)) for kind, peer in json.loads(text or "[]"))
    except (ValueError, TypeError):
        return ()
