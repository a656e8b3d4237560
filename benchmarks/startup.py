"""How much `validate` costs beyond importing the packages that it uses.

Three commands in turn, each a fresh interpreter: Python alone, the import of every module that
`validate` loads and that is not ours, and `validate` itself. Prints medians and ratios, and asserts
nothing.

    python3 benchmarks/startup.py [ROUNDS]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHOP = "examples/05-shop"
GOAL = 1.3

_LIST_MODULES = """
import json, sys
before = set(sys.modules)
from orchestr8.__main__ import run
sys.stdout = open("/dev/null", "w")
status = run(["validate", sys.argv[1]])
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


def main() -> None:
    """Measures and prints."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    with tempfile.TemporaryDirectory() as state:
        environment = {**os.environ, "ORCHESTR8_STATE": f"{state}/none"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        modules = _modules(environment)
        commands = {
            "python alone": ["-c", "pass"],
            "import of its packages": ["-c", _IMPORT_MODULES, *modules],
            "validate": ["-m", "orchestr8", "validate", SHOP],
        }
        spent: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, arguments in commands.items():
                taken = _run([sys.executable, *arguments], environment)
                if number:  # the first round writes the bytecode
                    spent[name].append(taken)
    medians = {name: statistics.median(values) for name, values in spent.items()}
    print(f"{rounds} rounds in turn, medians; {len(modules)} modules of other packages")
    for name, median in medians.items():
        print(f"{name.ljust(24)} {median:7.1f} ms  (least {min(spent[name]):.1f})")
    ratio = medians["validate"] / medians["import of its packages"]
    print(f"validate / import of its packages: {ratio:.2f} (goal: at most {GOAL})")


def _modules(environment: dict[str, str]) -> list[str]:
    """What `validate` loads beside our own modules, in the order of names."""
    command = [sys.executable, "-c", _LIST_MODULES, SHOP]
    answer = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    status, modules = json.loads(answer.stdout)
    if status:
        sys.exit(f"validate {SHOP} ends with {status}:\n{answer.stderr}")
    return modules


def _run(command: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
