"""Every case of tests/cases/grant says word for word what it expects."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.errors import Exit, RefusedError
from tests.contract import cases


@pytest.mark.parametrize("path", cases.case_files(), ids=lambda path: path.stem)
def test_a_case_says_what_it_expects(path: Path) -> None:
    case, expected = cases.read(path)
    assert cases.outcome(case) == expected, case["title"]


def test_there_are_cases() -> None:
    assert len(cases.case_files()) > 60


def test_a_refusal_has_an_exit_status_of_its_own() -> None:
    assert RefusedError.exit is Exit.REFUSED
