"""Fields that a person may set beside the text: those that change in place, read as in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestr8 import units
from orchestr8.errors import ManifestError, Place, Problem, UsageError
from orchestr8.manifest.files import read_file
from orchestr8.manifest.model import Service, Source
from orchestr8.names import ServiceName

REPLICAS = "replicas"
NOT_WRITTEN = "(none)"


class Field(Struct, frozen=True):
    """A field of a service: its attribute (of the limits, but for replicas) and how it is said."""

    attribute: str
    say: Callable[[int], str]


def _rate(bytes_a_second: int) -> str:
    return f"{units.format_size(bytes_a_second)}/s"


FIELDS: Mapping[str, Field] = {
    "limits.cpu.max": Field("cpu_max_millicores", units.format_cpu),
    "limits.cpu.guarantee": Field("cpu_guarantee_millicores", units.format_cpu),
    "limits.cpu.dedicated": Field("dedicated_cores", str),
    "limits.memory.max": Field("memory_max_bytes", units.format_size),
    "limits.memory.guarantee": Field("memory_guarantee_bytes", units.format_size),
    "limits.pids": Field("pids_max", str),
    "limits.io.read": Field("io_read_bytes", _rate),
    "limits.io.write": Field("io_write_bytes", _rate),
    "limits.bandwidth.out": Field("bandwidth_out_bits", units.format_bit_rate),
    "limits.bandwidth.in": Field("bandwidth_in_bits", units.format_bit_rate),
    REPLICAS: Field(REPLICAS, str),
}
_SHORT = {"limits.cpu": "limits.cpu.max", "limits.memory": "limits.memory.max"}
Values = Mapping[str, int]


def read_values(name: ServiceName, words: Sequence[str]) -> Values:
    """`limits.memory=256MiB` and the like: each path with its value in the field's unit.

    Raises UsageError for what names no such field, and ManifestError with what the manifest would
    say to the values.
    """
    texts: dict[str, str] = {}
    for word in words:
        written, equals, text = word.partition("=")
        path = _SHORT.get(written, written)
        if not equals or path not in FIELDS:
            raise _no_field(written, equals)
        if path in texts:
            raise UsageError(f"{path} is set twice", "name it once")
        texts[path] = text
    service = _read(name, texts)
    return {path: value for path in texts if (value := value_of(service, path)) is not None}


def value_of(service: Service, path: str) -> int | None:
    """What a service has at a path; None is not written."""
    holder: Any = service if path == REPLICAS else service.limits
    found: int | None = getattr(holder, FIELDS[path].attribute)
    return found


def with_values(service: Service, values: Values) -> Service:
    """The service with these values instead of its manifest's."""
    limits = {FIELDS[path].attribute: value for path, value in values.items() if path != REPLICAS}
    replicas = values.get(REPLICAS, service.replicas)
    before = service.limits
    if "dedicated_cores" in limits:  # they take the place of the text's other numbers of cores
        before = replace(before, cpu_max_millicores=None, cpu_guarantee_millicores=None)
    return replace(service, limits=replace(before, **limits), replicas=replicas)


def said(path: str, value: int | None) -> str:
    """A value as the manifest writes it."""
    return NOT_WRITTEN if value is None else FIELDS[path].say(value)


def _no_field(written: str, equals: str) -> UsageError:
    if not equals:
        return UsageError(f'"{written}" sets nothing', "write limits.memory=256MiB")
    from orchestr8.manifest.hints import nearest

    known = (*FIELDS, *_SHORT)
    meant = nearest(written, known)
    guess = f'did you mean "{meant}"? ' if meant else ""
    listed = ", ".join(sorted(known))
    return UsageError(
        f'"{written}" is no field that changes in place by hand', f"{guess}there are {listed}"
    )


def _read(name: ServiceName, texts: Mapping[str, str]) -> Service:
    """A service with only these fields, read as from a file; JSON is YAML, and quotes all."""
    block: dict[str, Any] = {"image": "image:1"}
    for path, text in texts.items():
        *parents, last = path.split(".")
        holder = block
        for parent in parents:
            holder = holder.setdefault(parent, {})
        holder[last] = text
    document = {"orchestr8": "1", "owner": name.owner, "services": {name.service: block}}
    file = read_file(Source("set", json.dumps(document)))
    if file.problems:
        raise ManifestError(tuple(_told(one, texts) for one in file.problems))
    return file.services[0]


def _told(problem: Problem, texts: Mapping[str, str]) -> Problem:
    """A problem at the word that was typed, instead of in a text that nobody wrote."""
    path = next((one for one in texts if f".{one}" in problem.what), "")
    place = Place(f"{path}={texts[path]}" if path else "set")
    return Problem(place, problem.what, problem.remedy)
