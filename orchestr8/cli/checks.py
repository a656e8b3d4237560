"""What a check of this host is: where it looks, what it saw, and what would mend it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from msgspec import Struct

from orchestr8.controller.settings import Settings


class Grade(Enum):
    """How a check came out."""

    GOOD = "ok"
    LIMITED = "limited"
    BAD = "blocked"


class Check(Struct, frozen=True):
    """One thing that was looked at. `mend` is what to type or to do about it.

    `safe` says that it is a command line that adds what lacks and changes nobody's choice, so that
    `--fix` may run it.
    """

    subject: str
    grade: Grade
    seen: str
    mend: str = ""
    safe: bool = False


def installing(package: str) -> tuple[str, bool]:
    """The command that installs a package, and whether there is such a command here."""
    return f"apt-get install -y {package}", shutil.which("apt-get") is not None


class Host(Struct, frozen=True):
    """The places that are looked at; all of them of this machine."""

    settings: Settings
    environment: Mapping[str, str]
    root: Path = Path("/")

    def text(self, path: str) -> str:
        """A small file's content, or the empty text."""
        try:
            return (self.root / path).read_text("utf-8", "replace").strip()
        except OSError:
            return ""

    def exists(self, path: str) -> bool:
        """Whether there is such a path."""
        try:
            return (self.root / path).exists()
        except OSError:
            return False
