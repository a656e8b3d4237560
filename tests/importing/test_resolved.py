"""What Compose itself resolves is what we read, for every case."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.importing import cases, resolved

PROGRAM = resolved.compose_program()


@pytest.mark.skipif(PROGRAM is None, reason="no engine's root here has Compose")
@pytest.mark.parametrize("folder", cases.case_folders(), ids=lambda folder: folder.name)
def test_compose_reads_what_we_read(folder: Path) -> None:
    assert PROGRAM
    theirs, ours = resolved.by_compose(PROGRAM, folder), resolved.by_us(folder)
    assert ours.keys() == theirs.keys()
    for name, service in theirs.items():
        assert ours[name] == service, name
