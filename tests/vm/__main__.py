"""All of this folder, on two machines side by side: `python -m tests.vm [pytest's options]`.

A machine waits about as much as it computes, and its second processor does little; so two of them
take little longer than one on two cores.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.hosts import vm
from tests.run import Part, side_by_side
from tests.vm import setting

FOLDER = Path(__file__).parent
SUITES = FOLDER / "test_suites.py"


def main(options: list[str]) -> int:
    """Runs the roads and the shop on one machine, the project's own tests on the other."""
    vm.ensure_base()
    setting.ensure_wheels()
    roads = sorted(map(str, set(FOLDER.glob("test_*.py")) - {SUITES}))
    return side_by_side(
        [
            Part("roads", ["-v", *options, *roads]),
            Part("suites", ["-v", *options, str(SUITES)]),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
