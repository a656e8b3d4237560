"""How things are called: owners, services, boxes, slots, and what may not be a name.

A service is written as its name resolves, `service.owner`; a box id is `owner--service--serial`.
Names cannot contain a double hyphen, so a box id splits one way only.
"""

from __future__ import annotations

import re
from sys import intern
from typing import NamedTuple

from msgspec import Struct

OWNER_LENGTH_MAX = 20
SERVICE_LENGTH_MAX = 28
NAME_LENGTH_MAX = 40
DEFAULT_SET = "default"
"""The set that only gains; every other is what it was applied as last."""
STANDBY = -1
"""The slot of a box that has none yet: a standby waits at its gate until a slot needs it."""

PLATFORM = "platform"
"""Who runs the machine: no owner has this name, and so the folder of its secrets is nobody's."""

RESERVED = frozenset(
    {"host", "none", "bridge", "default", "container", "all", "self", "orchestr8", "localhost"}
)
_NAME = r"[a-z](?:-?[a-z0-9])*"
_BOX_ID = rf"({_NAME})--({_NAME})--([1-9][0-9]*)"


def name_problem(text: str, length_max: int = NAME_LENGTH_MAX) -> str | None:
    """Says what is wrong with a name, or None: `[a-z][a-z0-9-]*`, no trailing or double hyphen."""
    if not text:
        return "a name cannot be empty"
    for character in text:
        if not character.isascii() or not character.isprintable():
            return f"a name is plain a-z, 0-9 and hyphens; this has U+{ord(character):04X}"
    if text != text.lower():
        return "a name is in lower case"
    if len(text) > length_max:
        return f"a name has at most {length_max} characters here; this has {len(text)}"
    if not re.fullmatch(_NAME, text):
        return "a name starts with a letter and has letters, digits and single hyphens inside"
    if text in RESERVED:
        return f'"{text}" is a reserved word'
    return None


class ServiceName(Struct, frozen=True, order=True, cache_hash=True, gc=False):
    """A service and its owner; printed `service.owner`, and sorted by owner.

    It keeps its hash, since every stage looks things up by it, for every service of a fleet.
    """

    owner: str
    service: str

    def __str__(self) -> str:
        return f"{self.service}.{self.owner}"

    @classmethod
    def of(cls, owner: str, service: str) -> ServiceName:
        """The name of two texts, of which one object each is kept, whoever names the same."""
        return cls(intern(owner), intern(service))

    @classmethod
    def parse(cls, text: str, owner: str = "") -> ServiceName:
        """Reads `service.owner`, or a bare `service` of the given owner.

        Raises ValueError with the reason.
        """
        service, dot, named_owner = text.partition(".")
        if not dot and not owner:
            raise ValueError(f'"{text}" names no owner')
        found = cls(named_owner if dot else owner, service)
        reason = name_problem(found.service, SERVICE_LENGTH_MAX) or name_problem(
            found.owner, OWNER_LENGTH_MAX
        )
        if reason:
            raise ValueError(reason)
        return found

    @classmethod
    def read(cls, text: str) -> ServiceName | None:
        """Reads `service.owner` where anybody may have written; None for what is none."""
        try:
            return cls.parse(text)
        except ValueError:
            return None


class BoxId(NamedTuple):
    """One box's name on every engine; the serial counts up and never comes back."""

    owner: str
    service: str
    serial: int

    def __str__(self) -> str:
        return f"{self.owner}--{self.service}--{self.serial}"

    @property
    def service_name(self) -> ServiceName:
        """The service that this box is a copy of."""
        return ServiceName(self.owner, self.service)

    @classmethod
    def parse(cls, text: str) -> BoxId:
        """Reads `owner--service--serial`; raises ValueError for anything else."""
        match = re.fullmatch(_BOX_ID, text)
        if not match:
            raise ValueError(f'"{text}" is not a box id')
        return cls(intern(match[1]), intern(match[2]), int(match[3]))


def slot_name(slot: int, service: ServiceName) -> str:
    """A box as people see it: `0.api.payments`, or `standby.api.payments`."""
    return f"{'standby' if slot == STANDBY else slot}.{service}"
