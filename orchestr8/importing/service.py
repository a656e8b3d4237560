"""One service on its way into a manifest: what the file says of it, and its draft."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field

from orchestr8.errors import Place
from orchestr8.importing.canonical import entries, items, text
from orchestr8.importing.document import Document
from orchestr8.importing.draft import Draft, ServiceDraft, is_writable
from orchestr8.importing.model import Absent, Findings, Project
from orchestr8.manifest.foreign import Entry, Mapping, Scalar, Value

_BRACED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}(?![A-Za-z0-9_])")


@dataclass
class Whole:
    """Everything that the services share: the document, names that fit, what is noted."""

    project: Project
    document: Document
    findings: Findings
    draft: Draft
    services: AnyMapping[str, str]
    volumes: AnyMapping[str, str]
    secrets: AnyMapping[str, str]
    ends: frozenset[str] = frozenset()
    """The services that do their work and end, since another waits for that."""
    published: dict[tuple[str, int], str] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    """By volume the service that has it."""

    def content(self, path: str) -> bytes | Absent:
        """A file by its path from the first Compose file's folder."""
        folder = posixpath.dirname(self.project.files[0])
        return self.project.read(posixpath.normpath(posixpath.join(folder, path)))


@dataclass
class Carried:
    """One service: `key` is the file's name for it, `draft` what becomes of it."""

    key: str
    body: Mapping
    draft: ServiceDraft
    whole: Whole

    def value(self, key: str) -> Value | None:
        """What a key of the service says, or None; a dotted path leads further in."""
        found: Value | None = self.body
        for part in key.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def text(self, key: str) -> str:
        """A key's text; empty where there is none."""
        return text(self.value(key))

    def is_unfilled(self, key: str) -> bool:
        """Whether a key's variables could not be filled in, so that it is not there."""
        return self._path(key) in self.whole.findings.unfilled

    def items(self, key: str) -> tuple[Value, ...]:
        """The items of a key that is a list."""
        return items(self.value(key))

    def entries(self, key: str) -> dict[str, Entry]:
        """The entries of a key that is a mapping."""
        return entries(self.value(key))

    def place(self, key: str) -> Place:
        """Where a key stands, or the nearest place above it."""
        above, _, last = key.rpartition(".")
        holder = self.value(above) if above else self.body
        if isinstance(holder, Mapping) and last in holder.entries:
            return holder.entries[last].place
        return self.place(above) if above else self.body.place

    def must(self, key: str, what: str, nearest: str = "", at: Place | None = None) -> None:
        """Notes what a person has to do."""
        self.whole.findings.must(at or self.place(key), self._path(key), what, nearest)

    def left(self, key: str, what: str, nearest: str = "", at: Place | None = None) -> None:
        """Notes what the manifest does not carry."""
        self.whole.findings.left(at or self.place(key), self._path(key), what, nearest)

    def changed(self, key: str, what: str, nearest: str = "", at: Place | None = None) -> None:
        """Notes what is carried and behaves differently."""
        self.whole.findings.changed(at or self.place(key), self._path(key), what, nearest)

    def same(self, key: str, what: str) -> None:
        """Notes what needs no line."""
        self.whole.findings.same(self.place(key), self._path(key), what)

    def _path(self, key: str) -> str:
        return f"services.{self.key}.{key}" if key else f"services.{self.key}"

    def relax(
        self, key: str, id_: str, argument: object, said: str, at: Place | None = None
    ) -> None:
        """Asks for a wall to be lowered, once, with a reason that a person has to complete."""
        place = at or self.place(key)
        where = f"{posixpath.basename(place.file)} line {place.line}"
        asked = {id_: argument, "why": f"{where} has {said}; say what needs it"}
        line = self.draft.lines.get("relax")
        if line and any(one.get(id_) == argument for one in line.value if id_ in one):
            return
        self.draft.append("relax", asked)
        nearest = f"complete its `why`, or take it out: `orchestr8 explain relaxation {id_}`"
        self.must(key, f"lowers a wall ({id_})", nearest, at=place)

    def words(self, key: str, value: Value | None) -> list[str] | None:
        """A list of words as a manifest takes them, or None with the reason noted."""
        found = [text(item) for item in items(value)]
        is_list = all(isinstance(item, Scalar) for item in items(value))
        if not is_list or (found and not found[0]):
            self.must(key, "is no list of words", "write [program, argument]")
            return None
        plain = [_BRACED.sub(r"$\1", word) for word in found]
        if plain != found:
            what = "${NAME} is written $NAME, which a shell reads alike; manifests refuse ${"
            self.changed(key, what)
        if all(map(is_writable, plain)):
            return plain
        nearest = "put it into a script of the image, or into `files`"
        self.must(key, "a manifest cannot hold this text (${…}, or more than 16KiB)", nearest)
        return None
