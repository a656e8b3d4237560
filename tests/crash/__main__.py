"""`python3 -m tests.crash [--engine 28] [--first]`: every instant, one line each.

Of a change, or of the first apply of all; goes on where it stopped.
What was tried is kept beside the caches, and forgotten when the product's code has changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import hosts
from tests.crash.story import FirstApply, Story, story
from tests.hosts import engines

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "crash"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.crash", description=__doc__)
    parser.add_argument("--engine", default="28", choices=sorted(engines.GENERATIONS))
    parser.add_argument(
        "--from", type=int, default=0, dest="begin", metavar="CALL",
        help="begin at this call instead of where the last sweep stopped",
    )  # fmt: skip
    parser.add_argument(
        "--first", action="store_true", help="the first apply of all, and not a change"
    )  # fmt: skip
    parser.add_argument("--to", type=int, default=0, dest="last", metavar="CALL")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try each Nth call only")
    asked = parser.parse_args()
    tried = Tried.of(f"{asked.engine}-first" if asked.first else asked.engine)
    with hosts.engine(asked.engine) as engine:
        hosts.load_images(engine.socket)
        with _told(engine, first=asked.first) as told:
            number = asked.begin or tried.next_number()
            print(f"Docker Engine {engine.version}, from call {number} on", flush=True)
            while not asked.last or number <= asked.last:
                if not _try(told, number, tried):
                    break
                number += asked.every
        return _conclude(tried)


@contextmanager
def _told(engine: engines.Engine, *, first: bool) -> Iterator[Story | FirstApply]:
    if first:
        yield FirstApply.of(engine)
        return
    with story(engine) as made:
        yield made


def _try(told: Story | FirstApply, number: int, tried: Tried) -> bool:
    """One instant; False once a run was over before it."""
    began = time.monotonic()
    ending, wrong = told.kill(number)
    if not ending.call:
        if ending.status:
            sys.exit(f"an apply that nobody killed failed before its call {number}:\n{ending.said}")
        print(f"untouched: an apply made {ending.calls} calls", flush=True)
        tried.note(number, "", ())
        return False
    call = _short(ending.call, told)
    spent = time.monotonic() - began
    print(f"{number:4}  {call:60}  {'WRONG' if wrong else 'ok':5}  {spent:4.1f} s", flush=True)
    for line in wrong:
        print(f"      {line}", flush=True)
    tried.note(number, call, wrong)
    if wrong:
        told.look_again()
    return True


def _conclude(tried: Tried) -> int:
    rows = tried.rows()
    points = [row for row in rows if row["call"]]
    failed = [row for row in points if row["wrong"]]
    over = " to the end" if len(rows) > len(points) else ""
    print(f"{len(points)} instants tried{over}, {len(failed)} with something wrong")
    for row in failed:
        print(f"  {row['number']}  {row['call']}")
    return 1 if failed else 0


def _short(call: str, told: Story | FirstApply) -> str:
    """The call without what differs from run to run."""
    word, _, path = call.partition(" ")
    if isinstance(told, Story):
        for folder in (told.fleet.run_folder / told.fleet.installation, told.fleet.base):
            path = path.removeprefix(f"{folder}/")
    return f"{word} {path.partition(':[')[0]}"[:60]


@dataclass(frozen=True)
class Tried:
    """The instants of one story that were tried with this code: a line of JSON each."""

    file: Path
    code: str

    @classmethod
    def of(cls, told: str) -> Tried:
        """What is known; of other code nothing is."""
        sources = sorted((ROOT / "orchestr8").rglob("*.py"))
        hashed = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()
        CACHE.mkdir(parents=True, exist_ok=True)
        return cls(CACHE / f"{told}.jsonl", hashed[:16])

    def rows(self) -> list[dict[str, object]]:
        """The last word on each instant, in their order."""
        if not self.file.exists():
            return []
        found = [json.loads(line) for line in self.file.read_text().splitlines()]
        latest = {row["number"]: row for row in found if row["code"] == self.code}
        return [latest[number] for number in sorted(latest)]

    def next_number(self) -> int:
        """Where a sweep goes on: after the last instant, or at the first once it is over."""
        rows = self.rows()
        if not rows or not rows[-1]["call"]:
            self.file.unlink(missing_ok=True)
            return 1
        return int(str(rows[-1]["number"])) + 1

    def note(self, number: int, call: str, wrong: tuple[str, ...]) -> None:
        """Writes one instant down."""
        row = {"code": self.code, "number": number, "call": call, "wrong": wrong}
        with self.file.open("a") as file:
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    sys.exit(main())
