"""What a box carries: one JSON document beside it, written before it exists and after it starts.

What a label is on other engines. It outlives a reboot; whether the box still runs is seen from its
processes, which the document names by number and start time, and from the boot in which they are.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from msgspec import Struct
from msgspec.json import Decoder, encode
from msgspec.structs import replace

from orchestr8.boxes import spec as specs
from orchestr8.boxes.desired import Box
from orchestr8.boxes.spec import BoxSpec
from orchestr8.engines.crun.processes import Process
from orchestr8.manifest.model import Stop
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
    stop: Stop | None = None
    state_folder: str = ""
    boot_id: str = ""
    created_ms: int = 0
    started_ms: int = 0
    process: Process | None = None
    monitor: Process | None = None

    @property
    def box_spec(self) -> BoxSpec | None:
        """The spec, or None where it cannot be read."""
        return _spec_of(self.spec)


@lru_cache(maxsize=4096)
def _spec_of(text: str) -> BoxSpec | None:
    """Most are the same as at the last look."""
    try:
        return specs.from_json(text)
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
        stop=box.stop,
        state_folder=state_folder,
    )


def write(file: Path, carried: Carried) -> None:
    """Whole or not at all."""
    fresh = file.with_name(f".{file.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        text = encode(_document(carried))
        while text:
            text = text[os.write(descriptor, text) :]
    finally:
        os.close(descriptor)
    fresh.rename(file)


def read(file: Path) -> Carried | None:
    """What stands there, or None where there is nothing that can be read."""
    try:
        return _carried(_READER.decode(file.read_bytes()))
    except (OSError, ValueError):
        return None


def started(carried: Carried, at_ms: int) -> Carried:
    """The same box once its workload runs."""
    return replace(carried, started_ms=at_ms)


class _Document(Struct):
    """The file; a process is its number and its start time."""

    installation: str
    id: str
    slot: int
    set_name: str
    service_key: str
    spec: str
    address: str
    joins: tuple[tuple[str, str], ...]
    uid_base: int
    service_address: str
    state_folder: str
    boot_id: str
    created_ms: int
    started_ms: int
    process: tuple[int, int] | None
    monitor: tuple[int, int] | None
    stop: Stop | None = None
    """Earlier releases did not write it."""


_READER = Decoder(_Document)


def _document(carried: Carried) -> _Document:
    plain = {name: getattr(carried, name) for name in _PLAIN}
    return _Document(
        **plain,
        id=str(carried.id),
        process=_numbers(carried.process),
        monitor=_numbers(carried.monitor),
    )


def _carried(document: _Document) -> Carried:
    plain = {name: getattr(document, name) for name in _PLAIN}
    return Carried(
        **plain,
        id=BoxId.parse(document.id),
        process=Process(*document.process) if document.process else None,
        monitor=Process(*document.monitor) if document.monitor else None,
    )


_PLAIN = tuple(
    name for name in _Document.__struct_fields__ if name not in ("id", "process", "monitor")
)


def _numbers(process: Process | None) -> tuple[int, int] | None:
    return (process.pid, process.started) if process else None
