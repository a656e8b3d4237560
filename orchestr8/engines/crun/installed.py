"""Where the crun engine's programs are; nothing heavy is imported, so that asking costs nothing."""

from __future__ import annotations

import shutil

NEEDED = ("crun", "conmon")
PACKAGES = "crun conmon skopeo umoci"
_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


def found(name: str) -> str | None:
    """A program's path, whatever the caller's PATH."""
    return shutil.which(name, path=_FOLDERS)


def missing() -> tuple[str, ...]:
    """The programs without which no box can be made."""
    return tuple(name for name in NEEDED if not found(name))
