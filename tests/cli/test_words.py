"""No text names a verb that does not exist, and none shows what only this machine has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from inspect import signature

import pytest

from orchestr8.cli.app import ORDINARY_DAY
from orchestr8.cli.verbs import VERBS
from tests.cli.console import ROOT, Console

# A command is what stands between backticks or after two spaces, as all our texts write it.
_COMMAND = re.compile(r"(?:`|  |sudo )orchestr8 ([a-z]+)")
_OPTION = re.compile(r"(?:`|  )orchestr8 ([a-z]+)[^`\n]*? (--[a-z-]+)")


def _texts() -> Iterator[tuple[str, str]]:
    """Every string of the product, docstrings of verbs included, with the file that has it."""
    for path in sorted((ROOT / "orchestr8").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield str(path.relative_to(ROOT)), node.value


def test_every_command_in_every_text_exists() -> None:
    named = [(file, verb) for file, text in _texts() for verb in _COMMAND.findall(text)]
    assert len(named) > 30, "the pattern still finds what it is to check"
    unknown = {(file, verb) for file, verb in named if verb not in VERBS}
    assert not unknown


@pytest.mark.parametrize("document", ["README.md", "docs/architecture.md", "examples/README.md"])
def test_every_command_in_the_documents_exists(document: str) -> None:
    path = ROOT / document
    text = path.read_text() if path.exists() else ""
    assert set(_COMMAND.findall(text)) <= VERBS.keys()


def test_every_option_in_every_text_exists(console: Console) -> None:
    named = {pair for _, text in _texts() for pair in _OPTION.findall(text)}
    helps = {verb: console.run(verb, "--help").output for verb, _ in named}
    missing = {(verb, option) for verb, option in named if option not in helps[verb]}
    assert not missing


def test_every_command_answers_a_program_but_the_one_that_passes_another_on() -> None:
    lacking = set[str]()
    for name, verb in VERBS.items():
        module = import_module(f"orchestr8.cli.{verb.module}")
        commands = getattr(module, "COMMANDS", None) or {"": module.run}
        lacking |= {
            f"{name} {part}".strip()
            for part, function in commands.items()
            if "output" not in signature(function).parameters
        }
    assert lacking == {"exec"}


def test_the_ordinary_day_is_six_commands() -> None:
    assert _COMMAND.findall(ORDINARY_DAY)[:6] == ["init", "plan", "apply", "status", "why", "prove"]
