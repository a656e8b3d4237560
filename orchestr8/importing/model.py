"""What an import works on and what it gives: the project's files, findings, the manifest's text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from msgspec import Struct, field

from orchestr8.errors import Place


class Kind(Enum):
    """What a finding means to the reader, the most pressing first."""

    MUST = "for you to do"
    LEFT = "left out"
    CHANGED = "carried, but different"
    SAME = "needs no line here"


class Finding(Struct, frozen=True):
    """One thing that the manifest does not say as the file did.

    `path` is the key as the file has it (`services.db.ports`), `nearest` what orchestr8 has.
    """

    kind: Kind
    place: Place
    path: str
    what: str
    nearest: str = ""


class Absent(Enum):
    """Why there is no content at a path."""

    MISSING = "is not there"
    FOLDER = "is a folder"
    UNREADABLE = "cannot be read"


Reader = Callable[[str], bytes | Absent]
"""The content of a file by its path, as the Compose file's own name is seen."""


class Project(Struct, frozen=True):
    """What is imported, and for whom.

    `files` are the Compose files in the order in which they are laid over each other, `profiles`
    those whose services are wanted, `variables` what is set from outside, before any `.env`.
    """

    files: tuple[str, ...]
    owner: str
    read: Reader
    profiles: frozenset[str] = frozenset()
    variables: Mapping[str, str] = field(default_factory=dict)


class Imported(Struct, frozen=True):
    """A manifest's text, and what it does not carry, in the order of the files."""

    text: str
    findings: tuple[Finding, ...]


class Findings:
    """Collects what is found on the way; the same thing at the same place once."""

    def __init__(self) -> None:
        self._found: dict[Finding, None] = {}
        self.unfilled: set[str] = set()
        """Keys whose variables could not be filled in, which is told already."""

    def note(self, finding: Finding) -> None:
        """One more."""
        self._found.setdefault(finding)

    def must(self, place: Place, path: str, what: str, nearest: str = "") -> None:
        """Something that a person has to do before it works."""
        self.note(Finding(Kind.MUST, place, path, what, nearest))

    def left(self, place: Place, path: str, what: str, nearest: str = "") -> None:
        """Something that the manifest does not carry."""
        self.note(Finding(Kind.LEFT, place, path, what, nearest))

    def changed(self, place: Place, path: str, what: str, nearest: str = "") -> None:
        """Something that is carried and behaves differently."""
        self.note(Finding(Kind.CHANGED, place, path, what, nearest))

    def same(self, place: Place, path: str, what: str) -> None:
        """Something that holds here without a line."""
        self.note(Finding(Kind.SAME, place, path, what))

    def sorted(self) -> tuple[Finding, ...]:
        """By kind, and within it in the order of the files."""
        kinds = list(Kind)
        return tuple(
            sorted(
                self._found,
                key=lambda one: (kinds.index(one.kind), one.place, one.path, one.what),
            )
        )
