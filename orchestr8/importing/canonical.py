"""A service's short forms as long ones, so that what follows knows one form of each key.

Compose does the same before it joins files; its `config` prints these forms.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from orchestr8.errors import Place
from orchestr8.importing.model import Findings
from orchestr8.manifest.foreign import Entry, Mapping, Scalar, Sequence, Value, typed_text

_PORTS_MOST = 1_000
_REMEDY = "write it as Compose takes it"
_RANGE = r"[0-9]+(?:-[0-9]+)?"
_PORT = re.compile(
    rf"(?:(?:(?P<ip>\[[^\]]*\]|[0-9A-Fa-f:.]*):)?(?P<published>(?:{_RANGE})?):)?"
    rf"(?P<target>{_RANGE})(?:/(?P<protocol>[A-Za-z]+))?"
)


def text(value: Value | None) -> str:
    """A scalar's text as YAML types it; empty for nothing and for collections."""
    return typed_text(value) if isinstance(value, Scalar) and not value.is_null else ""


def items(value: Value | None) -> tuple[Value, ...]:
    """The items of a list; one value alone is a list of it, nothing an empty one."""
    if isinstance(value, Sequence):
        return value.items
    return () if value is None or (isinstance(value, Scalar) and value.is_null) else (value,)


def entries(value: Value | None) -> dict[str, Entry]:
    """The entries of a mapping; none where it is something else."""
    return dict(value.entries) if isinstance(value, Mapping) else {}


def mapping(place: Place, **values: str | Value) -> Mapping:
    """A mapping at one place; empty texts are left out."""
    made = {
        name: Entry(place, Scalar(place, value) if isinstance(value, str) else value)
        for name, value in values.items()
        if value != ""
    }
    return Mapping(place, made)


def service(name: str, body: Mapping, findings: Findings) -> Mapping:
    """A service in long forms; what cannot be read is a finding and left out."""
    made: dict[str, Entry] = {}
    for key, entry in body.entries.items():
        if _is_reset(entry.value):
            made[key] = entry
            continue
        path = f"services.{name}.{key}"
        try:
            value = _reformed(key, entry.value, path, findings)
            _check_shape(key, value)
        except ValueError as error:
            findings.must(entry.value.place, path, str(error), _REMEDY)
            continue
        made[key] = Entry(entry.place, replace_tag(value, entry.value))
    return Mapping(body.place, made, body.tag)


def _reformed(key: str, value: Value, path: str, findings: Findings) -> Value:
    """A value in its long form; of a list whose items are read one by one, only those that can."""
    if key not in _ITEMS:
        reform = _FORMS.get(key)
        return reform(value) if reform else value
    made: list[Value] = []
    for item in items(value):
        try:
            _check_item(item)
            made += _ITEMS[key](item) if isinstance(item, Scalar) else [item]
        except ValueError as error:
            findings.must(item.place, path, str(error), _REMEDY)
    return Sequence(value.place, tuple(made))


def _is_reset(value: Value) -> bool:
    return value.tag == "!reset"


def _check_shape(key: str, value: Value) -> None:
    """Raises ValueError for what Compose itself would refuse here."""
    wanted = _SHAPES.get(key)
    is_nothing = isinstance(value, Scalar) and value.is_null
    if wanted is None or is_nothing:
        return
    if not isinstance(value, wanted):
        raise ValueError(f"is not {_SHAPE_NAMES[wanted]}")
    if key in _LISTS_OF_MAPPINGS:
        for item in items(value):
            _check_item(item)


def _check_item(item: Value) -> None:
    if isinstance(item, Sequence):
        raise ValueError("has an item that is neither text nor a mapping")


def replace_tag(value: Value, old: Value) -> Value:
    """The value with the tag of the one that it was made from."""
    return replace(value, tag=old.tag) if old.tag in ("!reset", "!override") else value


def words(value: Value) -> Value:
    """A command line as its words; a list stays one."""
    if not isinstance(value, Scalar) or value.is_null:
        return value
    try:
        split = shlex.split(value.text)
    except ValueError as error:
        raise ValueError(f"the command line cannot be split: {str(error).lower()}") from None
    return Sequence(value.place, tuple(Scalar(value.place, word) for word in split))


def pairs(value: Value, separators: str = "=") -> Value:
    """`NAME=value` items as a mapping; a name alone has no value."""
    if not isinstance(value, Sequence):
        return value
    made: dict[str, Entry] = {}
    for item in value.items:
        written = text(item)
        name, sign, rest = _split_at(written, separators)
        made[name] = Entry(item.place, Scalar(item.place, rest, plain=not sign))
    return Mapping(value.place, made)


def _split_at(written: str, separators: str) -> tuple[str, str, str]:
    found = [written.find(sign) for sign in separators if sign in written]
    if not found:
        return written, "", ""
    return written[: min(found)], written[min(found)], written[min(found) + 1 :]


def _hosts(value: Value) -> Value:
    return pairs(value, "=:")


def _named(**defaults: str) -> Callable[[Value], Value]:
    """A list of names as a mapping from each."""

    def reform(value: Value) -> Value:
        if not isinstance(value, Sequence):
            return value
        made = {
            text(item): Entry(
                item.place,
                mapping(item.place, **defaults) if defaults else Scalar(item.place, "", plain=True),
            )
            for item in value.items
        }
        return Mapping(value.place, made)

    return reform


def _dependencies(value: Value) -> Value:
    return _named(condition="service_started", required="true")(value)


def _many(value: Value) -> Value:
    return Sequence(value.place, items(value))


def _each(key: str) -> Callable[[Value], Value]:
    """A list whose text items stand for one key of a mapping."""

    def reform(value: Value) -> Value:
        made = (
            mapping(item.place, **{key: text(item)}) if isinstance(item, Scalar) else item
            for item in items(value)
        )
        return Sequence(value.place, tuple(made))

    return reform


def _alone(key: str) -> Callable[[Value], Value]:
    """A text alone that stands for one key of a mapping."""

    def reform(value: Value) -> Value:
        is_text = isinstance(value, Scalar) and not value.is_null
        return mapping(value.place, **{key: text(value)}) if is_text else value

    return reform


def _check(value: Value) -> Value:
    found = value.get("test") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(found, Scalar):
        return value
    shell = Sequence(found.place, (Scalar(found.place, "CMD-SHELL"), found))
    return replace(value, entries={**value.entries, "test": Entry(found.place, shell)})


def _build(value: Value) -> Value:
    made = _alone("context")(value)
    if not isinstance(made, Mapping):
        return made
    reformed = {
        key: Entry(one.place, pairs(one.value)) if key in ("args", "labels") else one
        for key, one in made.entries.items()
    }
    return replace(made, entries=reformed)


def _device(item: Scalar) -> Iterator[Mapping]:
    """`source[:target[:permissions]]`."""
    source, *rest = text(item).split(":")
    target, permissions = [*rest, "", ""][:2]
    more = {"target": target or source, "permissions": permissions or "rwm"}
    yield mapping(item.place, source=source, **more)


def _volume(item: Scalar) -> Iterator[Mapping]:
    """`[source:]target[:options]`; a source that begins like a path is one."""
    place, parts = item.place, text(item).split(":")
    if not all(parts[:2]) or len(parts) > 3:
        raise ValueError(f'"{text(item)}" is not SOURCE:TARGET')
    if len(parts) == 1:
        yield mapping(place, type="volume", target=parts[0])
        return
    source, target = parts[0], parts[1]
    options = set(parts[2].split(",")) if len(parts) == 3 else set()
    kind = "bind" if source.startswith((".", "/", "~")) else "volume"
    found = mapping(place, type=kind, source=source, target=target)
    more: dict[str, Entry] = {}
    if "ro" in options:
        more["read_only"] = Entry(place, Scalar(place, "true"))
    selinux = next((one for one in options if one in ("z", "Z")), "")
    if kind == "bind":
        propagation = next((one for one in options if one.lstrip("r") in _PROPAGATIONS), "")
        bind = mapping(place, propagation=propagation, selinux=selinux, create_host_path="true")
        more["bind"] = Entry(place, bind)
    else:
        nocopy = "true" if "nocopy" in options else ""
        volume = mapping(place, nocopy=nocopy, selinux=selinux)
        more |= {"volume": Entry(place, volume)} if volume.entries else {}
    yield replace(found, entries={**found.entries, **more})


_PROPAGATIONS = ("shared", "slave", "private")


def _port(item: Scalar) -> Iterator[Mapping]:
    """`[[address:]published:]target[/protocol]`, each of which may be a range."""
    # A plain 8000:80 is a number to base 60 in old YAML; Compose reads it as it is written.
    written = item.text
    match = _PORT.fullmatch(written)
    if not match:
        raise ValueError(f'"{written}" is not ADDRESS:PUBLISHED:TARGET')
    targets = _numbers(match["target"])
    published = _numbers(match["published"]) if match["published"] else []
    more = {
        "host_ip": (match["ip"] or "").strip("[]"),
        "protocol": (match["protocol"] or "tcp").lower(),
        "mode": "ingress",
    }
    if published and len(published) != len(targets) and len(targets) > 1:
        raise ValueError(f'"{written}" has ranges of unequal length')
    if len(published) > len(targets):
        yield mapping(item.place, target=match["target"], published=match["published"], **more)
        return
    for number, target in enumerate(targets):
        port = str(published[number]) if published else ""
        yield mapping(item.place, target=str(target), published=port, **more)


def _numbers(written: str) -> list[int]:
    first, _, last = written.partition("-")
    numbers = range(int(first[:6]), int((last or first)[:6]) + 1)
    if not 0 < len(numbers) <= _PORTS_MOST or numbers[-1] > 65_535:
        raise ValueError(f'"{written}" is no range of ports')
    return list(numbers)


_FORMS: dict[str, Callable[[Value], Value]] = {
    "annotations": pairs,
    "build": _build,
    "command": words,
    "configs": _each("source"),
    "depends_on": _dependencies,
    "dns": _many,
    "dns_search": _many,
    "entrypoint": words,
    "env_file": _each("path"),
    "environment": pairs,
    "extends": _alone("service"),
    "extra_hosts": _hosts,
    "healthcheck": _check,
    "labels": pairs,
    "label_file": _many,
    "models": _named(),
    "networks": _named(),
    "secrets": _each("source"),
    "sysctls": pairs,
    "tmpfs": _many,
}
_ITEMS: dict[str, Callable[[Scalar], Iterator[Mapping]]] = {
    "devices": _device,
    "ports": _port,
    "volumes": _volume,
}
"""What one text of a list stands for."""
_LISTS_OF_MAPPINGS = frozenset({"configs", "devices", "env_file", "ports", "secrets", "volumes"})
_LISTS = frozenset(
    {"cap_add", "command", "entrypoint", "expose", "links", "profiles", "security_opt", "tmpfs"}
)
_MAPPINGS = frozenset(
    {
        "blkio_config", "build", "depends_on", "deploy", "environment", "extends", "healthcheck",
        "networks",
    }
)  # fmt: skip
_TEXTS = frozenset(
    {
        "cgroup", "container_name", "cpu_count", "cpu_period", "cpu_quota", "cpus", "hostname",
        "image", "init", "ipc", "mem_limit", "mem_reservation", "network_mode", "pid", "pids_limit",
        "privileged", "read_only", "restart", "scale", "shm_size", "stop_grace_period",
        "stop_signal", "user", "userns_mode", "uts", "working_dir",
    }
)  # fmt: skip
_SHAPES: dict[str, type[Scalar] | type[Sequence] | type[Mapping]] = {
    **dict.fromkeys(_LISTS | _LISTS_OF_MAPPINGS, Sequence),
    **dict.fromkeys(_MAPPINGS, Mapping),
    **dict.fromkeys(_TEXTS, Scalar),
}
"""What a key holds in its long form; keys that no module reads may hold anything."""
_SHAPE_NAMES = {Scalar: "text", Sequence: "a list", Mapping: "a mapping"}
