"""docs/attacks.md from the attempts themselves: `python -m tests.attacks.document`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from tests.attacks.attempts import ATTEMPTS, Attempt
from tests.hosts.crun import NEWER, SAID

FILE = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"

_HEAD = """\
# Attempts to get out of a box

Each is made from inside a default box, as the product runs every command there: on crun as the host
has it, {cruns}, and on two generations of Docker. Each
must fail in the way that the wall before it makes it fail (`tests/attacks`). One with a `*` is also
made in a container without walls, where it must succeed: so it is the wall that stops it, and not a
mistake in the attempt. Without one are those that would harm this machine if they succeeded, and
those whose success no container shows. A heading is a known class of attacks. This page is made
from the tests.

Beside them: a fork bomb ends at the box's limit, and takes from no command but its own; eating
memory ends the eater inside; calls of another architecture end their caller; after the attempts
the proof still holds; and the crun engine is given hostile images (entries that lead out, hard
links to the host, whiteouts of their own root, set-uid files, devices, capabilities, pipes where
the runtime reads, links that put a mount over the kernel's own folders, working folders in /proc).

Not tried here: faults of the kernel itself, timing and cache side channels, and image layers that
swell when they are unpacked.
"""


def render() -> str:
    """The whole page."""
    rows = sorted(ATTEMPTS.items(), key=_row)
    parts = [_HEAD.format(cruns=", ".join(SAID[name] for name in NEWER))]
    for row, attempts in groupby(rows, key=_row):
        parts.append(f"## {row}\n")
        parts.append("".join(f"- {_line(name, attempt)}\n" for name, attempt in attempts))
    return "\n".join(parts)


def _row(item: tuple[str, Attempt]) -> str:
    return item[1].row


def _line(name: str, attempt: Attempt) -> str:
    return f"{name} *" if attempt.control else name


if __name__ == "__main__":
    FILE.write_text(render(), "utf-8")
