"""Names of another tool as names that a manifest takes, each of them once."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestr8 import names


def fitting(asked: Iterable[str], length_most: int, fallback: str) -> dict[str, str]:
    """A name for each that was asked, in their order; a name that fits already is kept."""
    wanted = list(asked)
    made = {name: name for name in wanted if not names.name_problem(name, length_most)}
    taken = set(made.values())
    for name in wanted:
        if name not in made:
            meant = f"{name}-{fallback}" if name in names.RESERVED else name
            made[name] = _free(fitted(meant, length_most, fallback), length_most, taken)
            taken.add(made[name])
    return {name: made[name] for name in wanted}


def fitted(text: str, length_most: int, fallback: str) -> str:
    """The name that is most like a text."""
    hyphened = re.sub(r"[^a-z0-9]+", "-", text.lower())
    name = re.sub(r"^[^a-z]+", "", hyphened)[:length_most].strip("-")
    return fallback if names.name_problem(name, length_most) else name


def _free(name: str, length_most: int, taken: set[str]) -> str:
    if name not in taken:
        return name
    numbered = (f"{name[: length_most - 3].rstrip('-')}-{number}" for number in range(2, 100))
    return next(one for one in numbered if one not in taken)
