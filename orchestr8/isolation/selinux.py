"""The labels that SELinux holds boxes to, where the kernel has it. Pure.

A box has the type of all containers and a pair of categories that no other box has: the type keeps
it from the host, the pair from other boxes. Nothing is said here about a host without SELinux.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

CATEGORIES = 1024
LEVELS_TRIED = 64
"""Of half a million: so many are taken at once by nobody's boxes."""

_PROCESS = "system_u:system_r:container_t"
_FILES = "system_u:object_r:container_file_t"
IMAGE_FILES = "system_u:object_r:container_ro_file_t:s0"
"""What every box may read and run, and none may write."""
SHARED_FILES = f"{_FILES}:s0"
"""What every box may write that sees it: volumes, whose next box has another pair."""
_LABEL = re.compile(r"[^: ]+:[^: ]+:[^: ]+:\S+")
_OWN = re.compile(r"[^: ]+:system_r:container_t:(s0:c([0-9]{1,4}),c([0-9]{1,4}))")


def levels(name: str) -> Iterator[str]:
    """The levels that a box of this name may have, in the order in which they are tried."""
    for number in range(LEVELS_TRIED):
        digest = hashlib.sha256(f"{name} {number}".encode()).digest()
        first = int.from_bytes(digest[:8]) % CATEGORIES
        second = (first + 1 + int.from_bytes(digest[8:16]) % (CATEGORIES - 1)) % CATEGORIES
        low, high = sorted((first, second))
        yield f"s0:c{low},c{high}"


def process_label(level: str) -> str:
    """What the box's processes carry."""
    return f"{_PROCESS}:{level}"


def file_label(level: str) -> str:
    """What the files carry that are the box's alone."""
    return f"{_FILES}:{level}"


NEEDED = (process_label("s0:c0,c1"), file_label("s0:c0,c1"), IMAGE_FILES)
"""What a policy must know, or boxes have none of it."""


def is_label(text: str) -> bool:
    """Whether it is a label of SELinux's kind: user, role, type and level."""
    return _LABEL.fullmatch(text) is not None


def level_of(label: str) -> str:
    """The level of a process that is confined as a container, with two categories; else empty.

    A label without them, or with more, reaches the files and processes of other boxes.
    """
    found = _OWN.fullmatch(label)
    if not found:
        return ""
    low, high = int(found[2]), int(found[3])
    return found[1] if low < high < CATEGORIES else ""
