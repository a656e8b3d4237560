"""Paths of the host that are shown to boxes."""

from __future__ import annotations

import stat
from pathlib import Path

from orchestr8.errors import RejectedError


def require_plain(source: Path) -> None:
    """A link may lead elsewhere by the time that it is mounted; a socket gives its server's powers
    however it is mounted, a device its driver's."""
    try:
        mode, real = source.lstat().st_mode, source.resolve(strict=True)
    except OSError as error:
        raise RejectedError(
            f"{source} cannot be shown to a box: {error.strerror}", "make it first, or name another"
        ) from error
    if real != source:
        raise RejectedError(f"{source} leads through a link to {real}", f"write {real}")
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise RejectedError(
            f"{source} is neither a directory nor a plain file",
            "name the directory or file itself; sockets and devices are not shown to boxes",
        )
