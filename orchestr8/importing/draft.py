"""A manifest as it is written: lines in a fixed order, comments where a choice was made.

What is short stands in braces on its line, what is long on lines of its own; a text of several
lines is a block. Equal drafts are equal texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from orchestr8.manifest.text import SCALAR_BYTES_MAX, refused_character

_COLUMNS = 96
_COMMENT_COLUMN = 46
_PLAIN = re.compile(r"(?!-(?:\s|$)|---)[A-Za-z0-9_./$-][A-Za-z0-9_./@+:=$?&%~-]*(?<!:)")
_TYPED = re.compile(
    r"(?i)true|false|yes|no|on|off|null|[-+.]?[0-9][0-9_]*(?:\.[0-9]*)?(?:e[-+]?[0-9]+)?"
    r"|0x[0-9a-f]+|[0-9]+(?::[0-9]+)+(?:\.[0-9]*)?|\.(?:inf|nan)|[0-9]{4}-[0-9]{2}-[0-9]{2}.*"
)
_ORDER = (
    "image", "run", "entrypoint", "args", "env", "workdir", "files", "secrets", "replicas",
    "after", "limits", "scratch", "volumes", "connects", "publish", "health", "stop", "update",
    "relax",
)  # fmt: skip


class Bare(str):
    """A number of ours, which needs no quotes though YAML gives it a type: a field types it."""


class Line(NamedTuple):
    """A key's value and the comment beside it."""

    value: Any
    comment: str = ""


@dataclass
class ServiceDraft:
    """One service: its fields by key, and what is to be said below them as comments."""

    name: str
    lines: dict[str, Line] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def put(self, key: str, value: Any, comment: str = "") -> None:
        """Sets a field, in place of what it had."""
        self.lines[key] = Line(value, comment)

    def add(self, key: str, name: str, value: Any) -> bool:
        """Adds an entry to a field that is a mapping; False where the name is there already."""
        line = self.lines.setdefault(key, Line({}))
        if name in line.value:
            return False
        line.value[name] = value
        return True

    def append(self, key: str, value: Any) -> None:
        """Adds an item to a field that is a list; a second one of the same is none."""
        line = self.lines.setdefault(key, Line([]))
        if value not in line.value:
            line.value.append(value)

    def comment(self, key: str, words: str) -> None:
        """Says something beside a field that is there."""
        if key in self.lines:
            self.lines[key] = Line(self.lines[key].value, words)

    def rewrite(self, change: Callable[[str, str], str]) -> None:
        """Writes anew what the service is told: variables, arguments, its check.

        `change` gets the variable's name, or nothing, and the text.
        """
        for key in ("env", "args", "entrypoint", "health"):
            line = self.lines.get(key)
            if line is not None:
                self.put(key, _rewritten("", line.value, change), line.comment)


def _rewritten(name: str, value: Any, change: Callable[[str, str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _rewritten(key, one, change) for key, one in value.items()}
    if isinstance(value, list):
        return [_rewritten("", one, change) for one in value]
    return change(name, value) if isinstance(value, str) else value


@dataclass
class Draft:
    """A whole manifest; `head` and `foot` are comments."""

    owner: str
    head: list[str] = field(default_factory=list)
    defaults: dict[str, Line] = field(default_factory=dict)
    services: list[ServiceDraft] = field(default_factory=list)
    volumes: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, Any] = field(default_factory=dict)
    foot: list[str] = field(default_factory=list)


def is_writable(text: str) -> bool:
    """Whether a manifest can hold a text: not too long, nothing in it that misleads a reader."""
    fits = len(text.encode("utf-8", "replace")) <= SCALAR_BYTES_MAX
    return fits and "${" not in text and "\r" not in text and not refused_character(text)


def written(draft: Draft) -> str:
    """The manifest's text."""
    return "\n".join([*_lines(draft), ""])


def _lines(draft: Draft) -> Iterator[str]:
    yield from (f"# {line}".rstrip() for line in draft.head)
    yield "orchestr8: 1"
    yield from _field("", "owner", Line(draft.owner, "who answers for it"))
    if draft.defaults:
        yield "defaults:"
        for key, line in draft.defaults.items():
            yield from _field("  ", key, line)
    yield "services:"
    for number, service in enumerate(draft.services):
        if number:
            yield ""
        yield f"  {service.name}:"
        for key in sorted(service.lines, key=_ORDER.index):
            yield from _field("    ", key, service.lines[key])
        yield from (f"    # {remark}".rstrip() for remark in service.remarks)
    for part, names in (("volumes", draft.volumes), ("secrets", draft.secrets)):
        if names:
            yield f"{part}:"
            for name, value in names.items():
                yield from _field("  ", name, Line(value))
    if draft.foot:
        yield ""
        yield from (f"# {line}".rstrip() for line in draft.foot)


def _field(indent: str, key: str, line: Line) -> Iterator[str]:
    first, *rest = _entry(indent, f"{scalar(key)}:", line.value)
    if not line.comment:
        yield first
    elif max(len(first), _COMMENT_COLUMN) + len(line.comment) + 4 <= _COLUMNS:
        yield f"{first.ljust(_COMMENT_COLUMN)}  # {line.comment}"
    else:
        yield f"{indent}# {line.comment}"
        yield first
    yield from rest


def _entry(indent: str, head: str, value: Any) -> Iterator[str]:
    """`key: value` or `- value`: on one line where it is short, else on lines of its own."""
    if isinstance(value, str) and _is_block(value):
        yield f"{indent}{head} {_block_mark(value)}"
        lines = value.removesuffix("\n").split("\n")
        yield from (f"{indent}  {line}" if line else "" for line in lines)
        return
    if not _has_block(value) and not _are_mappings(value):
        flow = f"{indent}{head} {_flow(value)}"
        if len(flow) <= _COLUMNS or not isinstance(value, dict | list):
            yield flow
            return
    yield f"{indent}{head}"
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _entry(f"{indent}  ", f"{scalar(key)}:", one)
        return
    for one in value:
        yield from _item(f"{indent}  ", one)


def _item(indent: str, value: Any) -> Iterator[str]:
    """An item of a list on lines of its own; a mapping starts on the line of the hyphen."""
    if not isinstance(value, dict):
        yield from _entry(indent, "-", value)
        return
    for number, (key, one) in enumerate(value.items()):
        first, *rest = _entry(f"{indent}  ", f"{scalar(key)}:", one)
        yield first if number else f"{indent}- {first.lstrip()}"
        yield from rest


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value) if isinstance(value, int | Bare) else scalar(value)


def scalar(text: str) -> str:
    """A text as a value of one line, in quotes where YAML would take it for something else."""
    if _PLAIN.fullmatch(text) and not _TYPED.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _is_block(text: str) -> bool:
    return "\n" in text or "\t" in text


def _block_mark(text: str) -> str:
    """`|` with what it takes to keep leading blanks and the line breaks at the end."""
    indentation = "2" if text[:1] in (" ", "\n", "\t") else ""
    if not text.endswith("\n"):
        return f"|{indentation}-"
    kept = text.endswith("\n\n") or not text.strip("\n")  # of blank lines alone nothing is left
    return f"|{indentation}+" if kept else f"|{indentation}"


def _are_mappings(value: Any) -> bool:
    """A list of mappings stands on lines of its own: each of its items is read by itself."""
    return isinstance(value, list) and any(isinstance(one, dict) for one in value)


def _has_block(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_block, value.values()))
    if isinstance(value, list):
        return any(map(_has_block, value))
    return isinstance(value, str) and _is_block(value)
