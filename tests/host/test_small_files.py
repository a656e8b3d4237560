"""Small files, which are written by few calls."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestr8.host import small_files


def test_the_last_that_is_written_is_there_and_nobody_else_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "one"
    small_files.write(file, b"a long text")
    small_files.write(file, b"short")
    assert file.read_bytes() == b"short"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_is_added_to_or_must_be_new_where_that_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "one"
    with pytest.raises(FileNotFoundError):
        small_files.write(file, b"more", os.O_APPEND)
    small_files.write(file, b"some", os.O_CREAT | os.O_EXCL)
    with pytest.raises(FileExistsError):
        small_files.write(file, b"other", os.O_CREAT | os.O_EXCL)
    small_files.write(file, b"more", os.O_APPEND)
    assert file.read_bytes() == b"somemore"
