"""Prints how many bytes of memory a process holds that has planned so many thousand services.

python -m benchmarks.resident THOUSANDS
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from benchmarks.fleets import steady


def main() -> None:
    """Plans, lets go of what is over, and prints what the kernel says of this process."""
    planned = steady(int(sys.argv[1]))
    plan = planned.plan()
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    print(pages * os.sysconf("SC_PAGE_SIZE"))
    assert plan.empty


if __name__ == "__main__":
    main()
