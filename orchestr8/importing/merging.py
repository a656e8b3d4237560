"""One value laid over another as Compose does it: an override file, or a service that extends.

Mappings are joined key by key, single values replace, lists grow; items that mean the same thing (a
port, a mount's target) replace each other. `!reset` takes a value out, `!override` replaces all.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from orchestr8.importing.canonical import text
from orchestr8.manifest.foreign import Entry, Mapping, Scalar, Sequence, Value

_REPLACED = ("command", "entrypoint", "test")


def laid_over(base: Mapping, top: Mapping) -> Mapping:
    """`top` over `base`; both in long forms."""
    made = dict(base.entries)
    for key, entry in top.entries.items():
        below = made.get(key)
        if entry.value.tag == "!reset":
            made.pop(key, None)
        elif below is None or entry.value.tag == "!override":
            made[key] = Entry(entry.place, _untagged(entry.value))
        else:
            value = _joined(key, below.value, entry.value)
            made[key] = below if value is below.value else Entry(entry.place, value)
    return replace(top, entries=made)


def _untagged(value: Value) -> Value:
    return replace(value, tag="") if value.tag == "!override" else value


def _joined(key: str, below: Value, above: Value) -> Value:
    if isinstance(above, Scalar) and above.is_null and key not in _REPLACED:
        return below
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        if key == "logging" and text(below.get("driver")) != text(above.get("driver")):
            return above
        return laid_over(below, above)
    if isinstance(below, Sequence) and isinstance(above, Sequence) and key not in _REPLACED:
        return _grown(below, above, _IDENTITIES.get(key, _whole))
    return above


def _grown(below: Sequence, above: Sequence, identity: Callable[[Value], str]) -> Sequence:
    """Both lists; an item of the upper one takes the place of its like below."""
    made: dict[str, Value] = {}
    for item in (*below.items, *above.items):
        made[identity(item)] = item
    return replace(above, items=tuple(made.values()))


def _whole(item: Value) -> str:
    match item:
        case Scalar():
            return text(item)
        case Sequence():
            return "\0".join(map(_whole, item.items))
        case Mapping():
            return "\0".join(f"{key}={_whole(one.value)}" for key, one in item.entries.items())


def _by(*keys: str) -> Callable[[Value], str]:
    """Items are alike if the first of these keys that they have is equal."""

    def identity(item: Value) -> str:
        if not isinstance(item, Mapping):
            return text(item)
        return next((text(item.get(key)) for key in keys if item.get(key)), "")

    return identity


def _port(item: Value) -> str:
    if not isinstance(item, Mapping):
        return text(item)
    return "/".join(text(item.get(key)) for key in ("host_ip", "published", "target", "protocol"))


_IDENTITIES: dict[str, Callable[[Value], str]] = {
    "configs": _by("target", "source"),
    "devices": _by("target", "source"),
    "env_file": _by("path"),
    "ports": _port,
    "secrets": _by("target", "source"),
    "volumes": _by("target"),
}
