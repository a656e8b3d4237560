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
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.hosts.apart import apart
from tests.parts import ENGINES, PARTS

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "parts"


@dataclass(frozen=True)
class Ended:
    """What became of one part."""

    name: str
    status: int
    seconds: float
    passed: int
    failed: int
    skipped: int


def run_part(name: str, options: list[str]) -> Ended:
    """Runs one part and prints its lines as they come."""
    report = CACHE / f"{name}.xml"
    report.unlink(missing_ok=True)
    began = time.monotonic()
    with ExitStack() as stack:
        before = stack.enter_context(apart(CACHE)) if name in ENGINES else []
        pytest = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", f"--part={name}"]
        process = stack.enter_context(
            subprocess.Popen(
                [*before, *pytest, *options],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace",
            )
        )  # fmt: skip
        assert process.stdout
        for line in process.stdout:
            print(f"{name:>9} | {line}", end="", flush=True)
    return Ended(name, process.returncode, time.monotonic() - began, *_counts(report))


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


def main(options: list[str]) -> int:
    """Runs every part; fails if one of them did."""
    CACHE.mkdir(parents=True, exist_ok=True)
    ended: dict[str, Ended] = {}

    def run(name: str) -> None:
        ended[name] = run_part(name, options)

    threads = [threading.Thread(target=run, args=(name,)) for name in PARTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    parts = [ended[name] for name in PARTS if name in ended]
    for part in parts:
        print(
            f"{part.name}: {part.passed} passed, {part.failed} failed, {part.skipped} skipped "
            f"in {part.seconds:.0f} s (exit status {part.status})"
        )
    passed, failed, skipped = (
        sum(getattr(part, kind) for part in parts) for kind in ("passed", "failed", "skipped")
    )
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if len(parts) == len(PARTS) and all(part.status == 0 for part in parts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
