"""Each example folder is run by a scenario, and named where examples are listed."""

from __future__ import annotations

from tests.house import ROOT
from tests.scenarios.test_examples import EXAMPLES

FOLDERS = {folder.name for folder in (ROOT / "examples").iterdir() if folder.name[:2].isdecimal()}


def untried(folders: set[str], tried: set[str]) -> set[str]:
    """The folders without a scenario, and the scenarios without a folder."""
    return folders ^ tried or (set() if folders else {"there is no example"})


def test_every_example_is_run() -> None:
    assert untried(FOLDERS, set(EXAMPLES)) == set()


def test_an_empty_list_fails() -> None:
    assert untried(set(), set())
    assert untried({"01-hello"}, set())
    assert untried(set(), {"01-hello"})


def test_examples_are_numbered_without_gaps() -> None:
    assert sorted(name[:2] for name in FOLDERS) == [
        f"{number:02}" for number in range(1, len(FOLDERS) + 1)
    ]


def test_the_list_of_examples_is_whole() -> None:
    listed = (ROOT / "examples" / "README.md").read_text("utf-8")
    assert {name for name in FOLDERS if f"`{name}`" not in listed} == set()
