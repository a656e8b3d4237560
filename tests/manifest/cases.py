"""Cases as data: manifest texts and what is said about them, word for word.

A case is a YAML file with a `title` and

- `manifest`, a text, or `files`, texts by name; or `bytes`, a file in hexadecimal digits;
- `values`, if the text stands for several: each takes the place of VALUE in it;
- `outside`, texts of another set of the fleet; without it no fleet is at hand;
- `expect`, the last key: the problems as they are printed, or else the services, volumes,
  secrets and platform in brief, with what differs from the defaults.

`python -m tests.manifest.cases` writes what is said now into every case, to be read in a review.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from orchestr8.errors import ManifestError, Place, Problem
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Fleet, ManifestSet, Source
from orchestr8.manifest.problems import escaped, render
from orchestr8.manifest.text import decode
from tests.expected import read as read
from tests.expected import rewrite

FOLDER = Path(__file__).parent.parent / "cases" / "manifest"
NAME = "m.yaml"


def case_files() -> list[Path]:
    """Every case."""
    return sorted(FOLDER.glob("*.yaml"))


def outcome(case: Mapping[str, Any]) -> str:
    """What is said about a case's input."""
    outside = None
    if "outside" in case:
        outside = Fleet({"other": load(_sources(case["outside"]), None)} if case["outside"] else {})
    if "values" not in case:
        return _outcome(case, None, outside)
    return "\n".join(
        f"{_shown(value)}  ->  {_outcome(case, str(value), outside)}" for value in case["values"]
    )


def _shown(value: object) -> str:
    text = escaped(str(value))
    return text if len(text) <= 60 else f"{text[:50]}… ({len(str(value))} characters)"


def _sources(texts: Mapping[str, str]) -> list[Source]:
    return [Source(name, text) for name, text in texts.items()]


def _outcome(case: Mapping[str, Any], value: str | None, outside: Fleet | None) -> str:
    try:
        found = load(_given(case, value), outside)
    except ManifestError as error:
        if value is None:
            return render(error.problems)
        return "\n    ".join(_line(problem) for problem in error.problems)
    return "\n".join(brief(found)) if value is None else "taken"


def _given(case: Mapping[str, Any], value: str | None) -> list[Source]:
    if "bytes" in case:
        return [decode(NAME, bytes.fromhex(case["bytes"] if value is None else value))]
    texts = case["files"] if "files" in case else {NAME: case["manifest"]}
    if value is not None:
        texts = {name: text.replace("VALUE", value) for name, text in texts.items()}
    return _sources(texts)


def _line(problem: Problem) -> str:
    remedy = f" | {problem.remedy}" if problem.remedy else ""
    return escaped(f"{problem.place.line}:{problem.place.column}: {problem.what}{remedy}")


def brief(found: ManifestSet) -> list[str]:
    """A set in lines: each part, and below it the fields that are not the default."""
    lines: list[str] = []
    for service in found.services:
        lines += [f"service {service.name}", *_fields(service, "  ")]
    for volume in found.volumes:
        lines += [f"volume {volume.name}.{volume.owner}", *_fields(volume, "  ")]
    for secret in found.secrets:
        lines += [f"secret {secret.name}.{secret.owner}", *_fields(secret, "  ")]
    if found.platform:
        lines += ["platform", *_fields(found.platform, "  ")]
    return lines


def _fields(value: Any, indent: str) -> Iterator[str]:
    for field in fields(value):
        given = getattr(value, field.name)
        default = field.default
        if field.default_factory is not NODEFAULT:
            default = field.default_factory()
        if given == default or field.name in ("name", "owner", "places", "place"):
            continue
        if isinstance(given, Struct) and len(given.__struct_fields__) > 4:
            yield f"{indent}{field.name}"
            yield from _fields(given, indent + "  ")
        elif isinstance(given, tuple) and given and _names(given[0]):
            yield from (f"{indent}{field.name}: {_one(item)}" for item in given)
        else:
            yield f"{indent}{field.name}: {_one(given)}"


def _one(value: Any) -> str:
    if isinstance(value, str):
        return repr(value)
    names = _names(value)
    if isinstance(value, tuple) and not names:
        return f"({', '.join(_one(item) for item in value)})"
    if not names or type(value).__name__ == "ServiceName":
        return str(value)
    shown = [
        f"{name}={_one(getattr(value, name))}"
        for name in names
        if not isinstance(getattr(value, name), Place)
    ]
    return f"{type(value).__name__}({', '.join(shown)})"


def _names(value: Any) -> tuple[str, ...]:
    """The fields of a struct or of a named tuple; none for anything else."""
    if isinstance(value, Struct):
        return value.__struct_fields__
    return getattr(value, "_fields", ())


if __name__ == "__main__":
    rewrite(case_files(), outcome)
