"""What a box carries: one file beside it, written before it exists and added to as it lives.

What a label is on other engines. It outlives a reboot; whether the box still runs is seen from its
processes, which the file names by number and start time, and from the boot in which they are. The
run folder has a copy of it: whoever loses the disk's folder still finds the box that runs.

The first line is the box, each further one a thing that happened to it. A line is added with one
call: a file that takes another one's name would have the disk take its content up at once, which a
start would wait for. What was cut off in the midst of a line is no line, and did not happen.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from msgspec import Struct
from msgspec.json import Decoder, encode
from msgspec.structs import asdict, replace

from orchestr8.boxes import spec as specs
from orchestr8.boxes.desired import Box
from orchestr8.boxes.spec import BoxSpec
from orchestr8.descriptors import none_left
from orchestr8.engines.crun.processes import Process
from orchestr8.host import small_files
from orchestr8.kernel import files
from orchestr8.manifest.model import Stop
from orchestr8.names import BoxId

_REMEMBERED = 2048


class Carried(Struct, frozen=True):
    """One box. Times are milliseconds since the epoch; without a task it is half-made.

    `told` is true once somebody asked it through us to end; `stray` where its folder is gone, and
    this is what the copy says.
    """

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
    told: bool = False
    stray: bool = False

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


def lay_down(file: Path, carried: Carried) -> None:
    """The first line, where nobody reads yet."""
    small_files.write(file, encode(_document(carried)), os.O_CREAT | os.O_EXCL)


def copy(file: Path, carried: Carried) -> None:
    """The copy, as the box is now: what happens to it later is not added. A box runs without it."""
    with suppress(OSError):
        small_files.write(file, encode(_document(carried)))


def born(file: Path, process: Process, monitor: Process) -> None:
    """The box waits at its gate."""
    _add(file, _Later(process=process, monitor=monitor))


def started(file: Path, slot: int, at_ms: int) -> None:
    """Its workload is about to run, in this slot."""
    _add(file, _Later(slot=slot, started_ms=at_ms))


def told_to_end(file: Path) -> None:
    """Somebody asked it through us to end."""
    _add(file, _Later(told=True))


def read(file: Path) -> Carried | None:
    """What stands there, or None where there is nothing that can be read. Raises OSError for want
    of descriptors: a box that runs would pass for none."""
    try:
        return _read(files.read_bytes(str(file), limit=files.LARGE_BYTES))
    except (OSError, ValueError) as error:
        if none_left(error):
            raise
        return None


def lost(file: Path) -> bool:
    """Whether the disk never had the first line; nobody sees the file before that is written."""
    with suppress(OSError):
        return file.stat().st_size == 0
    return False


@lru_cache(maxsize=_REMEMBERED)
def _read(content: bytes) -> Carried:
    """Most are the same as at the last look."""
    first, *later = content.split(b"\n")
    carried = _carried(_READER.decode(first))
    for line in later:
        with suppress(ValueError):
            carried = _after(carried, _LATER.decode(line))
    return carried


def _after(carried: Carried, later: _Later) -> Carried:
    return replace(carried, **{name: one for name, one in asdict(later).items() if one is not None})


def _add(file: Path, later: _Later) -> None:
    small_files.write(file, b"\n" + encode(later), os.O_APPEND)


class _Document(Struct):
    """The first line."""

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
    process: Process | None
    monitor: Process | None
    stop: Stop | None = None
    """Earlier releases did not write it."""


class _Later(Struct, omit_defaults=True):
    """A further line: what is not None is so from then on."""

    process: Process | None = None
    monitor: Process | None = None
    slot: int | None = None
    started_ms: int | None = None
    told: bool | None = None


_READER, _LATER = Decoder(_Document), Decoder(_Later)


def _document(carried: Carried) -> _Document:
    return _Document(**{name: getattr(carried, name) for name in _PLAIN}, id=str(carried.id))


def _carried(document: _Document) -> Carried:
    plain = {name: getattr(document, name) for name in _PLAIN}
    return Carried(**plain, id=BoxId.parse(document.id))


_PLAIN = tuple(name for name in _Document.__struct_fields__ if name != "id")
