"""Tells stories: `python -m tests.simulation [SECONDS | seed SEED]`.

Without words as many as go into a minute, from a seed that is new each time; a story that breaks
something is named, and `seed SEED` tells it again. At the end stands what went wrong at which call.
"""

from __future__ import annotations

import random
import sys
import time

from tests.simulation.table import empty, shown
from tests.simulation.telling import Stories, tell


def main(words: list[str]) -> int:
    """Returns 1 where something was broken."""
    if words[:1] == ["seed"]:
        print(tell(int(words[1])))
        return 0
    seconds = float(words[0]) if words else 60.0
    first, until = random.SystemRandom().randrange(10**9), time.monotonic() + seconds
    stories, seed = Stories(), first
    while time.monotonic() < until and not stories.broken:
        stories.tell(seed)
        seed += 1
    print(shown(stories.total.met))
    print(f"{len(empty(stories.total.met))} cells are empty")
    print(f"{seed - first} stories from seed {first}: {stories.total}")
    print(*stories.broken, sep="\n")
    return 1 if stories.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
