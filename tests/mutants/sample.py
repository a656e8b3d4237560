"""Which mutants are tried: of a package whose tests take long a fixed part, and no words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from tests.mutants.operators import Mutant

ONE_OF = {"contract": 1, "planning": 1, "proof": 1}
"""One mutant of so many, beside the first of every function; chosen by its name, so that the same
ones are tried again."""
LEFT_OUT = {
    "planning/show.py": "the plan's printed form: words, which the cases hold to the letter",
    "planning/wording.py": "words",
    "planning/describe.py": "words",
    "proof/show.py": "the proof's printed form: words",
    "proof/calls.py": "the kernel's table of system calls",
}
"""Modules of words and tables, and what they hold."""


def chosen(package: str, found: Iterable[Mutant]) -> Iterator[Mutant]:
    """Those that are tried."""
    functions: set[str] = set()
    for mutant in found:
        if mutant.file in LEFT_OUT:
            continue
        is_first = mutant.function not in functions
        functions.add(mutant.function)
        number = int.from_bytes(hashlib.sha256(mutant.id.encode()).digest()[:4], "big")
        if is_first or number % ONE_OF[package] == 0:
            yield mutant
