"""All tests, the suite's parts side by side: `python -m tests.run [pytest's options]`.

The parts wait far more than they compute, so that two cores serve three of them. Each line of
their output carries its part's name; the last line is the sum.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.hosts.apart import apart
from tests.parts import ENGINES, PARTS

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "parts"


@dataclass(frozen=True)
class Part:
    """What one pytest runs: its options, and whether it needs a network and mounts of its own."""

    name: str
    options: Sequence[str]
    apart: bool = False


@dataclass(frozen=True)
class Ended:
    """What became of one part."""

    name: str
    status: int
    seconds: float
    passed: int
    failed: int
    skipped: int


def run_part(part: Part) -> Ended:
    """Runs one part and prints its lines as they come."""
    report = CACHE / f"{part.name}.xml"
    report.unlink(missing_ok=True)
    began = time.monotonic()
    with ExitStack() as stack:
        before = stack.enter_context(apart(CACHE)) if part.apart else []
        pytest = [sys.executable, "-m", "pytest", f"--junitxml={report}"]
        process = stack.enter_context(
            subprocess.Popen(
                [*before, *pytest, *part.options],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace",
            )
        )  # fmt: skip
        assert process.stdout
        for line in process.stdout:
            print(f"{part.name:>9} | {line}", end="", flush=True)
    return Ended(part.name, process.returncode, time.monotonic() - began, *_counts(report))


def _counts(report: Path) -> tuple[int, int, int]:
    """Passed, failed and skipped tests of a report; none where there is no report."""
    if not report.exists():
        return 0, 0, 0
    passed = failed = skipped = 0
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        total = int(suite.get("tests", 0))
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        left_out = int(suite.get("skipped", 0))
        passed, failed, skipped = passed + total - bad - left_out, failed + bad, skipped + left_out
    return passed, failed, skipped


def side_by_side(parts: Sequence[Part]) -> int:
    """Runs the parts at once; the exit status, which is 0 if all of them passed."""
    CACHE.mkdir(parents=True, exist_ok=True)
    ended: dict[str, Ended] = {}

    def run(part: Part) -> None:
        ended[part.name] = run_part(part)

    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [ended[part.name] for part in parts if part.name in ended]
    for one in found:
        print(
            f"{one.name}: {one.passed} passed, {one.failed} failed, {one.skipped} skipped "
            f"in {one.seconds:.0f} s (exit status {one.status})"
        )
    passed, failed, skipped = (
        sum(getattr(one, kind) for one in found) for kind in ("passed", "failed", "skipped")
    )
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if len(found) == len(parts) and all(one.status == 0 for one in found) else 1


def main(options: list[str]) -> int:
    """Runs every part; fails if one of them did."""
    return side_by_side(
        [Part(name, ["-q", f"--part={name}", *options], apart=name in ENGINES) for name in PARTS]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
