"""Tells stories: `python -m tests.simulation [SECONDS | seed SEED]`.

Without words as many as go into a minute, from a seed that is new each time; a story that breaks
something is named, and `seed SEED` tells it again.
"""

from __future__ import annotations

import random
import sys
import time

from tests.simulation.telling import Told, tell


def main(words: list[str]) -> int:
    """Returns 1 where something was broken."""
    if words[:1] == ["seed"]:
        print(tell(int(words[1])))
        return 0
    seconds = float(words[0]) if words else 60.0
    first, until = random.SystemRandom().randrange(10**9), time.monotonic() + seconds
    total = Told(0, 0)
    seed = first
    while time.monotonic() < until:
        try:
            total += tell(seed)
        except AssertionError as error:
            print(f"{error}\nseed {seed}: python -m tests.simulation seed {seed}")
            return 1
        seed += 1
    print(f"{seed - first} stories from seed {first}: {total}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
