"""The spec of a box: what it was declared to be and cannot change while it runs.

Carried by the box as a label in canonical JSON, and compared field by field, so that a plan can
name the field and a release that adds one changes nothing: a field that an older spec lacks counts
as its default.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from types import GenericAlias, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from orchestr8.isolation.profile import Profile


@dataclass(frozen=True, order=True)
class SpecFile:
    """A read-only file in the box; `digest` is a keyed hash of its content."""

    target: str
    digest: str


@dataclass(frozen=True, order=True)
class SpecSecret:
    """A secret at /run/secrets/NAME; `digest` is a keyed hash of its content."""

    name: str
    digest: str


@dataclass(frozen=True, order=True)
class SpecVolume:
    """A volume in the box by its engine name; `owner_uid` is the uid that owns its content."""

    target: str
    volume: str
    read_only: bool = False
    owner_uid: int = 0


@dataclass(frozen=True)
class BoxSpec:
    """A box as declared. `uid` and `gid` are those that the workload has inside the box."""

    image_id: str
    image: str = ""
    """As written; for people, never compared."""
    run_once: bool = False
    entrypoint: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    workdir: str = "/"
    hostname: str = ""
    uid: int = 0
    gid: int = 0
    files: tuple[SpecFile, ...] = ()
    secrets: tuple[SpecSecret, ...] = ()
    volumes: tuple[SpecVolume, ...] = ()
    networked: bool = False
    """Whether the box has an interface beside loopback."""
    profile: Profile = Profile()


@dataclass(frozen=True)
class FieldChange:
    """One field that differs, as the plan prints it."""

    field: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.field} {self.before} -> {self.after}"


def to_json(spec: BoxSpec) -> str:
    """The spec as canonical JSON: sorted keys, no spaces, defaults left out."""
    return json.dumps(_deviations(spec), sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> BoxSpec:
    """The spec that a label carries; unknown fields of a newer release are ignored.

    Raises ValueError for anything that is not a spec.
    """
    try:
        document = json.loads(text)
        return _build(BoxSpec, document)  # type: ignore[no-any-return]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a box spec: {error}") from error


def differences(wanted: BoxSpec, carried: BoxSpec) -> tuple[FieldChange, ...]:
    """The fields that force a new box, sorted by name; profile fields are named on their own."""
    changes = [
        *_compare(wanted, carried, skipped=("image", "image_id", "profile")),
        *_compare(wanted.profile, carried.profile, skipped=()),
    ]
    if wanted.image_id != carried.image_id:
        before, after = carried.image, wanted.image
        if before == after:
            before, after = (f"{s.image} {s.image_id[7:19]}" for s in (carried, wanted))
        changes.append(FieldChange("image", before, after))
    return tuple(sorted(changes, key=lambda change: change.field))


def _compare(wanted: Any, carried: Any, skipped: tuple[str, ...]) -> list[FieldChange]:
    return [
        FieldChange(item.name, _short(before), _short(after))
        for item in fields(wanted)
        if item.name not in skipped
        and (before := getattr(carried, item.name)) != (after := getattr(wanted, item.name))
    ]


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(_short(part) for part in value) or "(none)"
    if is_dataclass(value):
        return "=".join(str(part) for part in list(asdict(value).values())[:2])  # type: ignore[arg-type]
    return str(value)


def _deviations(value: Any) -> Any:
    if is_dataclass(value):
        return {
            item.name: _deviations(content)
            for item in fields(value)
            if (content := getattr(value, item.name)) != item.default
        }
    if isinstance(value, tuple):
        return [_deviations(part) for part in value]
    return value


def _build(kind: Any, document: Any) -> Any:
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        known = {item.name for item in fields(kind)}
        return kind(  # type: ignore[operator]
            **{name: _build(hints[name], part) for name, part in document.items() if name in known}
        )
    if get_origin(kind) is tuple:
        arguments = get_args(kind)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_build(arguments[0], part) for part in document)
        return tuple(_build(k, part) for k, part in zip(arguments, document, strict=True))
    assert not isinstance(kind, GenericAlias | UnionType), kind
    if not isinstance(document, kind):
        raise TypeError(f"{document!r} is not of type {kind.__name__}")
    return document
