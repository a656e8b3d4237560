"""The spec of a box: what it was declared to be and cannot change while it runs.

Carried by the box as a label in canonical JSON, and compared field by field, so that a plan can
name the field and a release that adds one changes nothing: a field that an older spec lacks counts
as its default.
"""

from __future__ import annotations

import json
from functools import cache
from sys import intern
from typing import Any

from msgspec import UNSET, DecodeError, Struct
from msgspec.json import Decoder
from msgspec.structs import astuple, replace

from orchestr8.alike import first
from orchestr8.isolation.profile import Profile


class SpecFile(Struct, frozen=True, order=True):
    """A read-only file in the box; `digest` is a keyed hash of its content."""

    target: str
    digest: str


class SpecSecret(Struct, frozen=True, order=True):
    """A secret at /run/secrets/NAME; `digest` is a keyed hash of its content."""

    name: str
    digest: str


class SpecVolume(Struct, frozen=True, order=True):
    """A volume in the box by its engine name; `owner_uid` is the uid that owns its content."""

    target: str
    volume: str
    read_only: bool = False
    owner_uid: int = 0


class BoxSpec(Struct, frozen=True, gc=False):
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


class FieldChange(Struct, frozen=True):
    """One field that differs, as the plan prints it.

    Without a `before` the values themselves say nothing, as of a secret that changed.
    """

    field: str
    before: str
    after: str

    def __str__(self) -> str:
        change = f"{self.before} -> {self.after}" if self.before else self.after
        return f"{self.field} {change}"


_MOSTLY_ALIKE = ("image_id", "image", "entrypoint", "args", "env", "uid", "gid", "profile")
"""What thousands of boxes have in common is held once, as is a service's name."""


def to_json(spec: BoxSpec) -> str:
    """The spec as canonical JSON: sorted keys, no spaces, defaults left out."""
    return json.dumps(_deviations(spec), sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> BoxSpec:
    """The spec that a label carries; unknown fields of a newer release are ignored.

    Raises ValueError for anything that is not a spec.
    """
    try:
        spec = _decoder().decode(text)
    except DecodeError as error:
        raise ValueError(f"not a box spec: {error}") from error
    alike = {name: first(getattr(spec, name)) for name in _MOSTLY_ALIKE}
    return replace(spec, hostname=intern(spec.hostname), **alike)


@cache
def _decoder() -> Decoder[BoxSpec]:
    return Decoder(BoxSpec)


def differences(wanted: BoxSpec, carried: BoxSpec) -> tuple[FieldChange, ...]:
    """The fields that force a new box, sorted by name; profile fields are named on their own."""
    changes = [
        *_compare(wanted, carried, skipped=("image", "image_id", "profile", "files", "secrets")),
        *_compare(wanted.profile, carried.profile, skipped=()),
        *_contents(
            "file",
            {file.target: file.digest for file in wanted.files},
            {file.target: file.digest for file in carried.files},
        ),
        *_contents(
            "secret",
            {secret.name: secret.digest for secret in wanted.secrets},
            {secret.name: secret.digest for secret in carried.secrets},
        ),
    ]
    if wanted.image_id != carried.image_id:
        before, after = carried.image, wanted.image
        if before == after:
            before, after = (f"{s.image} {s.image_id[7:19]}" for s in (carried, wanted))
        changes.append(FieldChange("image", before, after))
    return tuple(sorted(changes, key=lambda change: change.field))


def _compare(wanted: Any, carried: Any, skipped: tuple[str, ...]) -> list[FieldChange]:
    return [
        FieldChange(name, _short(before), _short(after))
        for name in wanted.__struct_fields__
        if name not in skipped
        and (before := getattr(carried, name)) != (after := getattr(wanted, name))
    ]


def _contents(kind: str, wanted: dict[str, str], carried: dict[str, str]) -> list[FieldChange]:
    """What came, what went, and whose content changed; of contents nothing is told, not even a
    hash."""
    went, came = (
        " ".join(sorted(one)) for one in (carried.keys() - wanted, wanted.keys() - carried)
    )
    changed = (name for name in sorted(wanted.keys() & carried) if wanted[name] != carried[name])
    return [
        *([FieldChange(f"{kind}s", went or "(none)", came or "(none)")] if went or came else []),
        *(FieldChange(f"{kind} {name}", "", "changed") for name in changed),
    ]


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(_short(part) for part in value) or "(none)"
    if isinstance(value, Struct):
        return "=".join(str(part) for part in astuple(value)[:2])
    return str(value)


def _deviations(value: Any) -> Any:
    if isinstance(value, Struct):
        defaults = _defaults(type(value))
        return {
            name: _deviations(content)
            for name in value.__struct_fields__
            if (content := getattr(value, name)) != defaults.get(name, UNSET)
        }
    if isinstance(value, tuple):
        return [_deviations(part) for part in value]
    return value


@cache
def _defaults(kind: type[Struct]) -> dict[str, Any]:
    """What the fields of a kind are that nobody names; those that must be named are the first."""
    names, defaults = kind.__struct_fields__, kind.__struct_defaults__
    return dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
