"""Manifest files from disk or standard input: which they are, and their checked bytes.

A folder stands for every .yaml and .yml file below it, in order of name; hidden ones are left
out. Nothing but regular files is read, never more than a manifest may have, and no link leads
out of a folder.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from orchestr8.errors import ManifestError, Place, Problem, UsageError
from orchestr8.manifest.files import STANDARD_INPUT
from orchestr8.manifest.model import Source
from orchestr8.manifest.text import FILE_BYTES_MAX, decode

FILES_MAX = 5_000
_SUFFIXES = (".yaml", ".yml")


def read_sources(names: Sequence[str], standard_input: BinaryIO | None = None) -> list[Source]:
    """The texts that a command line names: files, folders, or - for standard input.

    Raises UsageError for what is not there or may not be read, ManifestError for files that
    cannot be manifests, all of them at once.
    """
    sources: list[Source] = []
    problems: list[Problem] = []
    for name in names:
        for path in _files(name):
            if len(sources) >= FILES_MAX:
                raise UsageError(f"more than {FILES_MAX} files", "split them into several sets")
            try:
                sources.append(decode(path, _content(path, standard_input)))
            except ManifestError as error:
                problems += error.problems
    if problems:
        raise ManifestError(tuple(problems))
    return sources


def _files(name: str) -> Iterator[str]:
    path = Path(name)
    if name == STANDARD_INPUT or not path.is_dir():
        yield name
        return
    found = sorted(_below(path))
    if not found:
        raise UsageError(
            f"{name} has no manifest in it", "a manifest is a file that ends with .yaml or .yml"
        )
    yield from (str(file) for file in found)


def _below(folder: Path) -> Iterator[Path]:
    """Manifests in a folder; links may lead to other files of the same folder."""
    root = folder.resolve()
    for current, folders, files in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for file in files:
            path = Path(current, file)
            if file.startswith(".") or path.suffix not in _SUFFIXES:
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise UsageError(
                    f"{path} is a link that leads out of the folder", "name the file itself"
                )
            yield path


def _content(name: str, standard_input: BinaryIO | None) -> bytes:
    if name == STANDARD_INPUT:
        stream = standard_input or sys.stdin.buffer
        return stream.read(FILE_BYTES_MAX + 1)
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}", "check the name") from None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            what = "is not a regular file"
            raise ManifestError((Problem(Place(name), what, "name a file, a folder or -"),))
        return file.read(FILE_BYTES_MAX + 1)
