"""Plan files on disk: written for their owner alone, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from orchestr8.errors import UsageError
from orchestr8.reading import is_plan_file


def check_out(path: str) -> None:
    """Raises UsageError where a plan file must not be written: nothing but an older one is
    replaced."""
    out = Path(path)
    if out.is_dir() or not out.parent.is_dir():
        raise UsageError(f"--out: {path} cannot be written", "name a file in a folder that exists")
    if out.exists() and not (out.is_file() and is_plan_file(out.read_bytes())):
        raise UsageError(f"--out: {path} is there and is no plan file", "name another file")


def write(path: str, text: str) -> None:
    """Writes a plan file with mode 0600; raises UsageError where the disk refuses."""
    out = Path(path)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(out)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(
            f"--out: {path} cannot be written: {(error.strerror or str(error)).lower()}",
            "look at the folder's rights and at its disk's space",
        ) from error
