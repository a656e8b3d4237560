"""What `make check` runs passes: the linter, the types, the import contracts.

Continuous integration runs the tests, and so these run there as well.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT

BIN = Path(sys.executable).parent


def recipe(makefile: str, target: str) -> list[str]:
    """The programs of the virtual environment that a target runs."""
    body = re.search(rf"^{target}:\n((?:\t.*\n?)+)", makefile, re.MULTILINE)
    assert body, f"the Makefile has no target {target}"
    return re.findall(r"^\t@\$\(BIN\)/(.*)$", body[1], re.MULTILINE)


COMMANDS = recipe((ROOT / "Makefile").read_text("utf-8"), "check")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_check_passes(command: str) -> None:
    program, *words = command.split()
    done = subprocess.run(
        [BIN / program, *words], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_everything_is_checked() -> None:
    programs = {command.split()[0] for command in COMMANDS}
    assert programs == {"ruff", "mypy", "lint-imports"}


def test_the_recipe_is_read() -> None:
    assert recipe("a:\n\t@x\ncheck:\n\t@.ci/setup\n\t@$(BIN)/ruff check .\n\nb:\n", "check") == [
        "ruff check ."
    ]
