"""What a box carries: one JSON document beside it, written before it exists and after it starts.

What a label is on other engines. It outlives a reboot; whether the box still runs is seen from its
processes, which the document names by number and start time, and from the boot in which they are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.boxes import spec as specs
from orchestr8.boxes.desired import Box
from orchestr8.boxes.spec import BoxSpec
from orchestr8.engines.crun.processes import Process
from orchestr8.names import BoxId


class Carried(Struct, frozen=True):
    """One box. Times are milliseconds since the epoch; without a task it is half-made."""

    installation: str
    id: BoxId
    slot: int
    set_name: str
    service_key: str
    spec: str
    address: str = ""
    joins: tuple[tuple[str, str], ...] = ()
    uid_base: int = 0
    service_address: str = ""
    state_folder: str = ""
    boot_id: str = ""
    created_ms: int = 0
    started_ms: int = 0
    process: Process | None = None
    monitor: Process | None = None

    @property
    def box_spec(self) -> BoxSpec | None:
        """The spec, or None where it cannot be read."""
        try:
            return specs.from_json(self.spec)
        except ValueError:
            return None


def carried_of(box: Box, installation: str, state_folder: str) -> Carried:
    """What a box that is to be made will carry."""
    return Carried(
        installation=installation,
        id=box.id,
        slot=box.slot,
        set_name=box.set_name,
        service_key=box.service_key,
        spec=specs.to_json(box.spec),
        address=box.address,
        joins=tuple((kind, str(peer)) for kind, peer in box.joins),
        uid_base=box.uid_base,
        service_address=box.service_address,
        state_folder=state_folder,
    )


def write(file: Path, carried: Carried) -> None:
    """Whole or not at all."""
    fresh = file.with_name(f".{file.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        json.dump(_document(carried), opened)
    fresh.rename(file)


def read(file: Path) -> Carried | None:
    """What stands there, or None where there is nothing that can be read."""
    try:
        document = json.loads(file.read_text())
        return _carried(document)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def started(carried: Carried, at_ms: int) -> Carried:
    """The same box once its workload runs."""
    return replace(carried, started_ms=at_ms)


def _document(carried: Carried) -> dict[str, Any]:
    plain = {name: getattr(carried, name) for name in _PLAIN}
    return plain | {
        "id": str(carried.id),
        "joins": [list(pair) for pair in carried.joins],
        "process": _numbers(carried.process),
        "monitor": _numbers(carried.monitor),
    }


def _carried(document: Mapping[str, Any]) -> Carried:
    return Carried(
        id=BoxId.parse(document["id"]),
        joins=tuple((str(kind), str(peer)) for kind, peer in document["joins"]),
        process=_process(document["process"]),
        monitor=_process(document["monitor"]),
        **{name: document[name] for name in _PLAIN},
    )


_PLAIN = (
    "installation", "slot", "set_name", "service_key", "spec", "address", "uid_base",
    "service_address", "state_folder", "boot_id", "created_ms", "started_ms",
)  # fmt: skip


def _numbers(process: Process | None) -> list[int] | None:
    return [process.pid, process.started] if process else None


def _process(numbers: Any) -> Process | None:
    return Process(int(numbers[0]), int(numbers[1])) if numbers else None
