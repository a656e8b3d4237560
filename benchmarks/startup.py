"""How much `validate` costs beyond importing the packages that it uses.

Three commands in turn, each a fresh interpreter: Python alone, the import of every module that the
command loads and that is not ours, and the command itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from benchmarks.ground import Ground, plain_environment, python, run
from benchmarks.rows import Row, in_turn, medians, milliseconds

TITLE = "Start-up"
SHOP = "examples/05-shop"
ROUNDS = 15

_LIST_MODULES = """
import json, sys
before = set(sys.modules)
from orchestr8.__main__ import run
sys.stdout = open("/dev/null", "w")
status = run(sys.argv[1:])
own = sorted(
    name for name, module in sys.modules.items()
    if name not in before and not name.startswith(("orchestr8", "__"))
    and getattr(module, "__spec__", None)
)
print(json.dumps([status, own]), file=sys.__stdout__)
"""
_IMPORT_MODULES = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
"""


def rows(_: Ground) -> Iterator[Row]:
    """`validate` of the shop."""
    environment = {**plain_environment(), "ORCHESTR8_STATE": "/nonexistent/orchestr8"}
    modules = modules_of(["validate", SHOP], environment)
    commands = {
        "python": python("-c", "pass"),
        "import": importing(modules),
        "validate": python("-m", "orchestr8", "validate", SHOP),
    }
    found = medians(timed(commands, environment, ROUNDS))
    yield Row("python alone", found["python"], None, "", "ms", ROUNDS)
    yield Row(
        "validate of the shop",
        found["validate"],
        found["import"],
        "import of its packages",
        "ms",
        ROUNDS,
        most=1.3,
        note=f"{len(modules)} modules of other packages",
    )


def modules_of(words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """What a command loads beside our own modules, in the order of names."""
    answer = run(python("-c", _LIST_MODULES, *words), dict(environment))
    status, modules = json.loads(answer.splitlines()[-1])
    if status:
        raise RuntimeError(f"orchestr8 {' '.join(words)} ends with {status}")
    return [str(name) for name in modules]


def importing(modules: Sequence[str]) -> list[str]:
    """A command that imports these and ends."""
    return python("-c", _IMPORT_MODULES, *modules)


def timed(
    commands: Mapping[str, list[str]], environment: Mapping[str, str], rounds: int
) -> dict[str, list[float]]:
    """Milliseconds of each command, run in turn."""

    def measure(command: list[str]) -> float:
        return milliseconds(lambda: run(command, dict(environment)))

    measures = {name: partial(measure, command) for name, command in commands.items()}
    return in_turn(rounds, measures)
