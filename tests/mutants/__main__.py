"""`python -m tests.mutants [--seconds N] [PACKAGE…]`: tries mutants and writes down what survives.

A run goes on where the last one stopped, as long as the package is the same; survivors are tried
again each time. The exit status is 1 while something is untried, unjudged, or too much survives.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

from tests.mutants import report
from tests.mutants.report import Judged
from tests.mutants.trial import ROOT, mutants_of, read

KILLERS = {
    "contract": ("tests/contract",),
    "planning": ("tests/planning",),
    "proof": ("tests/proof",),
}
"""The tests of each package: its own, which are fast."""
PACKAGES = tuple(KILLERS)
CACHE = ROOT / ".cache" / "mutants"


def results_of(package: str) -> Path:
    """Where the results of a package as it is now are kept."""
    texts = sorted((ROOT / "orchestr8" / package).glob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in texts)).hexdigest()
    return CACHE / f"{package}-{digest[:12]}.jsonl"


def run(package: str, seconds: float) -> list[str]:
    """Tries what is left of a package; what is still to be done."""
    results = results_of(package)
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-s", "-p", "tests.mutants.trial",
            f"--mutants-of={package}", f"--mutants-file={results}", f"--mutants-seconds={seconds}",
            *KILLERS[package],
        ],
        cwd=ROOT, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        return [f"{package}: the tests fail without any mutant"]
    known, wanted = read(results), [mutant.id for mutant in mutants_of(package)]
    found = {name: known[name] for name in wanted if name in known}
    judged, left = report.load(), len(wanted) - len(found)
    one = judged[package] = report.renewed(judged.get(package, Judged()), found, left)
    report.save(judged)
    print(f"{package}: {one.killed} of {one.tried} killed ({100 * one.part_killed:.1f} %)")
    to_do = [f"{package}: {left} mutants are not tried yet"] if left else []
    to_do += [
        f"{package}: no sentence for {name}" for name, why in one.survivors.items() if not why
    ]
    least = report.KILLED_LEAST[package]
    if one.part_killed < least:
        to_do.append(f"{package}: fewer than {least:.0%} are killed")
    return to_do


def main() -> int:
    """Tries the packages in turn."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help=", ".join(PACKAGES))
    parser.add_argument("--seconds", type=float, default=3_600, help="for one package")
    arguments = parser.parse_args()
    packages = arguments.packages or PACKAGES
    if unknown := sorted(set(packages) - set(PACKAGES)):
        parser.error(f"there are no mutants of {', '.join(unknown)}")
    CACHE.mkdir(parents=True, exist_ok=True)
    to_do = [line for package in packages for line in run(package, arguments.seconds)]
    print("\n".join(to_do) or f"judged: {report.DOCUMENT.relative_to(ROOT)}")
    return 1 if to_do else 0


if __name__ == "__main__":
    sys.exit(main())
