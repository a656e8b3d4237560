"""Small files, written and read by as few calls as the kernel needs: a box has a dozen of them."""

from __future__ import annotations

import os
from pathlib import Path

_AFRESH = os.O_CREAT | os.O_TRUNC
_BYTES_AT_ONCE = 4_096


def read(file: str) -> bytes:
    """A file's whole content."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(iter(lambda: os.read(descriptor, _BYTES_AT_ONCE), b""))
    finally:
        os.close(descriptor)


def write(file: Path, content: bytes, how: int = _AFRESH) -> None:
    """A file with this content that nobody but its owner reads.

    What it held is overwritten, unless it is opened otherwise: `how` is flags of open.
    """
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC | how, 0o600)
    try:
        put(descriptor, content)
    finally:
        os.close(descriptor)


def put(descriptor: int, content: bytes) -> None:
    """All of it, into a file that is open."""
    while content:
        content = content[os.write(descriptor, content) :]
