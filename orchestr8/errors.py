"""What can go wrong, sorted by what the reader does next.

    Orchestr8Error
    ├── ManifestError      mend the manifest (every problem at once); exit status 2
    ├── RefusedError       ask whoever may consent: policy, quota, consent, identity; exit status 3
    ├── UsageError         type the command differently; exit status 2
    ├── EngineError        what an engine or the host answered
    │   ├── UnavailableError     may work later; the only one that is tried again
    │   │   └── ShortageError    the machine lacks what every call needs; no service's failure
    │   ├── RejectedError        fails again until something changes
    │   └── FeatureMissingError  this host cannot enforce what is asked
    ├── StoreError         the state folder cannot be used: look at the disk or its rights
    └── TimedOutError      the deadline passed; exit status 4

Messages are lower case without a full stop and carry no secret. `remedy` says what to type or do.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, NamedTuple

from msgspec import Struct


class Exit(IntEnum):
    """Exit statuses, one table for all commands."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    TIMED_OUT = 4
    ROLLED_BACK = 5
    BROKEN = 6
    UNPROVEN = 7
    CHANGES = 10


class Place(NamedTuple):
    """A position in a text: file as the user named it, line and column from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Written(Struct, frozen=True, eq=False):
    """A value out of a text: equal to another that says the same, wherever that stands."""

    _where: ClassVar[tuple[str, ...]] = ("place",)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._says() == other._says()

    def __ne__(self, other: object) -> bool:
        return not self == other  # a struct has one of its own, which Python would not derive

    def __hash__(self) -> int:
        return hash(self._says())

    def _says(self) -> tuple[object, ...]:
        names = (name for name in self.__struct_fields__ if name not in self._where)
        return tuple(getattr(self, name) for name in names)


class Problem(Written, frozen=True):
    """One thing for the reader to fix: where, what, remedy.

    `source` is the line of text at the place, `width` how many characters of it are meant;
    `stands_for` is how many problems it counts as.
    """

    place: Place
    what: str
    remedy: str = ""
    source: str = ""
    width: int = 1
    stands_for: int = 1

    _where = ("source", "width", "stands_for")


class Orchestr8Error(Exception):
    """The root of all our errors: `what` happened and the `remedy`, whose move it is."""

    exit = Exit.FAILED

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class ManifestError(Orchestr8Error):
    """The manifests have problems; nothing was changed."""

    exit = Exit.USAGE

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problems in the manifests")
        self.problems = problems


class RefusedError(Orchestr8Error):
    """Policy, quota, consent or identity does not allow it; nothing was changed."""

    exit = Exit.REFUSED

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} refusals")
        self.problems = problems


class UsageError(Orchestr8Error):
    """The command line asks for something that does not exist."""

    exit = Exit.USAGE


class EngineError(Orchestr8Error):
    """What an engine or the host answered, in our words."""


class UnavailableError(EngineError):
    """The engine or host does not answer now; the same call may work later."""


class ShortageError(UnavailableError):
    """The machine is short of what every call needs, such as file descriptors; that says nothing
    of what the call was about."""


class RejectedError(EngineError):
    """The call will fail again until something changes."""


class FeatureMissingError(EngineError):
    """This host or engine cannot enforce what the contract asks."""


class StoreError(Orchestr8Error):
    """The state folder cannot be read or written."""


class TimedOutError(Orchestr8Error):
    """The deadline passed before everything was as it shall be."""

    exit = Exit.TIMED_OUT
