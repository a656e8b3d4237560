"""Every case of tests/cases/importing says word for word what it expects."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestr8.contract.grant import Circumstances, grant
from orchestr8.controller.files import contents_of
from orchestr8.importing.model import Kind
from orchestr8.importing.show import shown
from orchestr8.isolation.features import everything
from orchestr8.manifest.load import load
from orchestr8.manifest.model import Fleet, Source
from tests.importing import cases

FOLDERS = cases.case_folders()


def named(folder: Path) -> str:
    """A case as messages name it."""
    return folder.name


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_a_case_says_what_it_expects(folder: Path) -> None:
    found = cases.outcome(folder)
    manifest, findings = cases.expected(folder)
    assert found.text == manifest
    assert f"{shown(found.findings)}\n" == findings


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_the_manifest_of_a_case_is_valid_as_it_stands(folder: Path) -> None:
    """What `validate` asks: the language, the files beside it, and that all of it is granted."""
    part = load([Source(cases.MANIFEST, cases.expected(folder)[0])])
    contents_of(part, lambda path: (folder / path).read_bytes())
    now = datetime(2026, 11, 29, tzinfo=UTC)
    contracts = grant(
        Fleet({"default": part}), Circumstances(Fleet(), "default", everything(), now)
    )
    assert len(contracts.services) == len(part.services) > 0


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_a_second_import_is_the_same(folder: Path) -> None:
    assert cases.outcome(folder) == cases.outcome(folder)


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_a_finding_has_a_place_and_what_is_missing_has_something_nearest(folder: Path) -> None:
    for finding in cases.outcome(folder).findings:
        text = (folder / finding.place.file).read_text("utf-8").splitlines()
        assert 0 < finding.place.line <= len(text), finding
        assert 0 < finding.place.column <= len(text[finding.place.line - 1]) + 1, finding
        if finding.kind is Kind.MUST:
            assert finding.nearest, finding


def test_there_are_cases_of_the_kinds_that_people_have() -> None:
    assert len(FOLDERS) >= 14
