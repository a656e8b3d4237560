"""git's objects as bytes: read strictly, since every sentence about who signed what rests on them.

git itself is forgiving about what stands in a commit. Here a commit has its headers in git's own
order, each once, or it is not read at all: what was signed and what is shown must be one thing.
"""

from __future__ import annotations

import hashlib
import re

from msgspec import Struct

_NAME = rb"[0-9a-f]{40}|[0-9a-f]{64}"
_PERSON = re.compile(rb"([^<>\n\0]*) ?<([^<>\n\0]*)> ([0-9]{1,11}) [+-][0-9]{4}")
_ENTRY = re.compile(rb"(40000|100644|100664|100755|120000|160000) ([^/\0]+)\0", re.DOTALL)
_SIGNATURES = {40: b"gpgsig", 64: b"gpgsig-sha256"}
"""The header of a commit's signature, by how long the names of its repository are."""
KINDS = {"40000": "folder", "120000": "link", "160000": "submodule"}


class MalformedError(ValueError):
    """An object that is not as git writes it."""


class DamagedError(Exception):
    """What was fetched is not what its name says; it can be fetched anew."""


class Person(Struct, frozen=True):
    """An author or committer as the commit says, which nobody has checked; `at_s` since 1970,
    in a year that calendars have."""

    name: str
    email: str
    at_s: int

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


class Commit(Struct, frozen=True):
    """A commit; `signed` is what its signature is over."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    subject: str
    signature: bytes
    signed: bytes


class Entry(Struct, frozen=True):
    """A part of a tree: `kind` is file, folder, link or submodule; of a folder of this machine also
    pipe, socket or device."""

    name: str
    kind: str
    id: str


def name_of(kind: str, content: bytes, like: str) -> str:
    """The name that an object with this content has, by the same hash as `like`."""
    hashed = hashlib.sha1(usedforsecurity=False) if len(like) == 40 else hashlib.sha256()
    hashed.update(b"%s %d\0" % (kind.encode(), len(content)))
    hashed.update(content)
    return hashed.hexdigest()


def shown(name: bytes) -> str:
    """A file's name as text, which can be stored: bytes that are not UTF-8 are written out."""
    return name.decode("utf-8", "backslashreplace")


def read_commit(name: str, content: bytes) -> Commit:
    """A commit from its bytes; raises MalformedError."""
    head, gap, body = content.partition(b"\n\n")
    if not gap or b"\0" in content:
        raise MalformedError("it has no message, or a NUL in it")
    headers, signed_by = _headers(head), _SIGNATURES[len(name)]
    keys = [key for key, _ in headers]
    parents = keys.count(b"parent")
    if keys[: parents + 3] != [b"tree", *[b"parent"] * parents, b"author", b"committer"]:
        raise MalformedError("its headers are not as git writes them")
    if any(keys.count(key) > 1 for key in (b"tree", b"author", b"committer", signed_by)):
        raise MalformedError("one of its headers stands there twice")
    if any(key.startswith(b"gpgsig") and key != signed_by for key in keys):
        raise MalformedError("it has signatures for another hash beside its own")
    values = dict(headers)
    names = [values[b"tree"], *(value for key, value in headers if key == b"parent")]
    if not all(re.fullmatch(_NAME, one) and len(one) == len(name) for one in names):
        raise MalformedError("it names no objects of its own repository")
    others = [b"%s %s\n" % one for one in _raw_headers(head) if one[0] != signed_by]
    return Commit(
        name,
        names[0].decode(),
        tuple(one.decode() for one in names[1:]),
        _person(values[b"author"]),
        _person(values[b"committer"]),
        body.partition(b"\n")[0].decode("utf-8", "replace")[:200],
        values.get(signed_by, b""),
        b"".join(others) + b"\n" + body,
    )


def read_tree(content: bytes, like: str) -> list[Entry]:
    """The parts of a tree; raises MalformedError. `like` is a name of the same repository."""
    entries, at, width = [], 0, len(like) // 2
    while at < len(content):
        found = _ENTRY.match(content, at)
        if not found or found.end() + width > len(content):
            raise MalformedError("a folder of it cannot be read")
        mode, name = found[1].decode(), shown(found[2])
        if name in (".", "..") or name.lower() == ".git":
            raise MalformedError(f"a folder of it has an entry {name!r}")
        at = found.end() + width
        entries.append(Entry(name, KINDS.get(mode, "file"), content[found.end() : at].hex()))
    if len({entry.name for entry in entries}) != len(entries):
        raise MalformedError("a folder of it has two entries of one name")
    return entries


def read_tag(content: bytes) -> tuple[str, str]:
    """What a tag points at: the kind and the name; raises MalformedError."""
    found = re.match(rb"object (" + _NAME + rb")\ntype (commit|tag)\n", content)
    if not found:
        raise MalformedError("the tag points at no commit")
    return found[2].decode(), found[1].decode()


def _raw_headers(head: bytes) -> list[tuple[bytes, bytes]]:
    """Keys and values as they stand there; further lines of a value begin with a blank."""
    headers: list[tuple[bytes, bytes]] = []
    for line in head.split(b"\n"):
        key, blank, value = line.partition(b" ")
        if not key and blank and headers:
            headers[-1] = (headers[-1][0], headers[-1][1] + b"\n" + line)
        elif key and blank:
            headers.append((key, value))
        else:
            raise MalformedError("a header of it has no value")
    return headers


def _headers(head: bytes) -> list[tuple[bytes, bytes]]:
    return [(key, value.replace(b"\n ", b"\n")) for key, value in _raw_headers(head)]


def _person(line: bytes) -> Person:
    found = _PERSON.fullmatch(line)
    if not found:
        raise MalformedError("its author or committer cannot be read")
    name, email = (one.decode("utf-8", "replace").strip() for one in (found[1], found[2]))
    return Person(name, email, int(found[3]))
