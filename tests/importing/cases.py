"""Cases as folders: the files of a Compose project, and the manifest and findings that they make.

`python -m tests.importing.cases` writes what comes out now into every case, to be read in a review.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from orchestr8.cli.importing import read_beside
from orchestr8.importing.compose import imported
from orchestr8.importing.model import Imported, Project
from orchestr8.importing.show import shown

FOLDER = Path(__file__).parent.parent / "cases" / "importing"
MANIFEST, FINDINGS = "manifest.yaml", "findings.txt"


def case_folders() -> list[Path]:
    """Every case."""
    return sorted(path.parent for path in FOLDER.glob("*/compose.yaml"))


def files(folder: Path) -> tuple[str, ...]:
    """The Compose files of a case, as one would name them in its folder."""
    names = ("compose.yaml", "compose.override.yaml")
    return tuple(name for name in names if (folder / name).exists())


def outcome(folder: Path) -> Imported:
    """What a case's files make, read where they are."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return imported(Project(files(folder), "home", read_beside), MANIFEST)
    finally:
        os.chdir(before)


def expected(folder: Path) -> tuple[str, str]:
    """The manifest and the findings that a case expects."""
    return (folder / MANIFEST).read_text("utf-8"), (folder / FINDINGS).read_text("utf-8")


def rewrite() -> None:
    """Puts what comes out now into every case whose expectation differs."""
    for folder in case_folders():
        found = outcome(folder)
        for name, text in ((MANIFEST, found.text), (FINDINGS, f"{shown(found.findings)}\n")):
            path = folder / name
            if not path.exists() or path.read_text("utf-8") != text:
                path.write_text(text)
                sys.stdout.write(f"{folder.name}/{name}\n")


if __name__ == "__main__":
    rewrite()
