"""A plugin of pytest: the tests are collected once, and each mutant is tried in a fork.

A mutant meets only the tests that call its function, the fastest first, and the first that fails
kills it. What became of it is a line in a file, so that a run goes on where the last one stopped.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants import operators, places
from tests.mutants.operators import Mutant
from tests.mutants.sample import chosen

ROOT = Path(__file__).resolve().parents[2]
CPU_SECONDS = 5
"""Added to twenty times what a test usually takes, before a mutant counts as one that never ends;
processor time, so that a busy machine kills nothing."""
SURVIVED = ("survived", "never called")
"""What is tried again in each run, since a test may have come to it; the rest is known."""
Key = tuple[str, str, int]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mutants")
    group.addoption("--mutants-of", help="a package below orchestr8")
    group.addoption("--mutants-file", help="where results are kept, one a line")
    group.addoption("--mutants-only", default="", help="those whose name has this pattern in it")
    group.addoption("--mutants-seconds", type=float, default=600, help="stop after this long")


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Tries the mutants instead of running the tests."""
    package = session.config.getoption("--mutants-of")
    if not package:
        return None
    deadline = time.monotonic() + session.config.getoption("--mutants-seconds")
    results = Path(session.config.getoption("--mutants-file"))
    known = read(results)
    callers, seconds = _watched(session.items, str(ROOT / "orchestr8" / package))
    everything = list(mutants_of(package))
    waiting = [one for one in everything if one.id not in known]
    waiting += [one for one in everything if known.get(one.id) in SURVIVED]
    only = re.compile(session.config.getoption("--mutants-only"))
    waiting = [one for one in waiting if only.search(one.id)]
    with results.open("a", encoding="utf-8") as file:
        for number, mutant in enumerate(waiting):
            if time.monotonic() > deadline:
                break
            result = _try(mutant, callers, seconds)
            file.write(json.dumps({"id": mutant.id, "result": result}) + "\n")
            file.flush()
            if result == "survived" or number % 50 == 0:
                _say(f"{number + 1} of {len(waiting)}: {result}: {mutant.id}")
    left = sum(one.id not in read(results) for one in everything)
    _say(f"{len(everything)} mutants of {package}, {left} of them not tried yet")
    return True


def mutants_of(package: str) -> Iterator[Mutant]:
    """The mutants of a package that are tried."""
    for path in sorted((ROOT / "orchestr8" / package).glob("*.py")):
        name = f"{package}/{path.name}"
        yield from chosen(package, operators.mutants(name, path.read_text("utf-8")))


def read(results: Path) -> dict[str, str]:
    """What became of each mutant, the later line counting."""
    if not results.exists():
        return {}
    lines = (json.loads(line) for line in results.read_text("utf-8").splitlines())
    return {line["id"]: line["result"] for line in lines}


def _watched(
    items: list[pytest.Item], folder: str
) -> tuple[dict[Key, list[pytest.Item]], dict[pytest.Item, float]]:
    """Which tests call each function, and how long each takes; all must pass."""
    callers: dict[Key, list[pytest.Item]] = defaultdict(list)
    seconds: dict[pytest.Item, float] = {}
    for item, following in zip(items, [*items[1:], None], strict=True):
        called: set[Key] = set()

        def note(frame: Any, event: str, _argument: object, called: set[Key] = called) -> None:
            if event == "call" and frame.f_code.co_filename.startswith(folder):
                called.add(_key(frame.f_code))

        began = time.perf_counter()
        sys.settrace(note)
        try:
            reports = runtestprotocol(item, nextitem=following, log=False)
        finally:
            sys.settrace(None)
        seconds[item] = time.perf_counter() - began
        failed = [report for report in reports if report.failed]
        assert not failed, f"{item.nodeid} fails without any mutant: {failed[0].longreprtext}"
        for key in called:
            callers[key].append(item)
    return callers, seconds


def _key(code: CodeType) -> Key:
    return code.co_filename, code.co_name, code.co_firstlineno


def _try(
    mutant: Mutant, callers: dict[Key, list[pytest.Item]], seconds: dict[pytest.Item, float]
) -> str:
    path = ROOT / "orchestr8" / mutant.file
    source = path.read_text("utf-8")
    changed = places.compare(source, operators.mutated(mutant, source), str(path))
    if not changed:
        return "no change"
    called = {item for place in changed for item in callers.get(_key(place.right), ())}
    items = sorted(called, key=lambda item: seconds[item])
    if not items:
        return "never called"
    child = os.fork()
    if child == 0:
        _in_child(changed, {item: CPU_SECONDS + 20 * seconds[item] for item in items})
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed: it never ends" if os.WTERMSIG(status) == signal.SIGPROF else "killed: died"
    return {0: "survived", 1: "killed"}.get(os.WEXITSTATUS(status), "not put in")


def _in_child(changed: Sequence[places.Changed], limits: dict[pytest.Item, float]) -> None:
    """Never comes back: 0 for a mutant that all tests let pass within their limits."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    items = list(limits)
    status = 3
    try:
        if not places.put_in(changed):
            os._exit(3)
        status = 1
        for item, following in zip(items, [*items[1:], None], strict=True):
            signal.setitimer(signal.ITIMER_PROF, limits[item])
            if any(one.failed for one in runtestprotocol(item, nextitem=following, log=False)):
                os._exit(1)
        status = 0
    finally:
        os._exit(status)


def _say(text: str) -> None:
    print(text, file=sys.__stderr__, flush=True)
