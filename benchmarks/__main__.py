"""`python -m benchmarks [GROUP…]`: measure, print the table, write results.json and the document.

Without a group all of them run. With some, the other groups' rows stay as they were written last.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from benchmarks import document, results
from benchmarks.ground import Ground
from benchmarks.results import Measured
from benchmarks.rows import Row, Verdict, failed

GROUPS = (
    "startup",
    "planning",
    "memory",
    "unchanged",
    "limits",
    "calls",
    "provision",
    "crowd",
    "thousand",
    "hundred",
    "many",
    "cold",
    "crash",
    "pushed",
    "volumes",
    "network",
    "idle",
    "kept",
    "machine",
)
"""Each a module of this package with a TITLE and `rows(ground)`, cheap ones first."""


def main() -> int:
    """Exit status 1 if anything could not be measured; a missed goal is no failure of the run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    chosen = parser.parse_args().groups or list(GROUPS)
    unknown = [name for name in chosen if name not in GROUPS]
    if unknown:
        parser.error(f"there is no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    began = time.monotonic()
    with Ground() as ground:
        machine = results.this_machine()
        found = [Measured(group, row) for group in chosen for row in _measured(group, ground)]
    results.write(found, machine, GROUPS)
    document.write()
    print(f"\n{time.monotonic() - began:.0f} s; written: {results.FILE.name}, {document.FILE.name}")
    bad = [one.row for one in found if one.row.verdict is Verdict.FAILED]
    for row in bad:
        print(f"FAILED: {row.name}: {row.failure}", file=sys.stderr)
    return 1 if bad else 0


def _measured(group: str, ground: Ground) -> Iterator[Row]:
    """The rows of a group as they come; what breaks it is a row as well, and stops no other."""
    module: Any = import_module(f"benchmarks.{group}")
    print(f"\n{module.TITLE}", flush=True)
    try:
        for row in module.rows(ground):
            print(document.line(row), flush=True)
            yield row
    except Exception as error:
        row = failed(module.TITLE.lower(), error)
        print(document.line(row), flush=True)
        yield row


if __name__ == "__main__":
    sys.exit(main())
