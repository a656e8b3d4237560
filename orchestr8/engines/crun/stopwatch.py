"""How long each part of making and starting a box took, kept beside the box until it goes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path


class Stopwatch:
    """Gives the time since the last lap to a part; a part may have several laps."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, part: str) -> None:
        """What has passed since the last lap was this part."""
        now = time.perf_counter()
        self._spent[part] = self._spent.get(part, 0.0) + (now - self._last) * 1000
        self._last = now

    def write(self, file: Path, earlier: Mapping[str, float] | None = None) -> None:
        """Keeps it, behind what was kept earlier."""
        spent = {**(earlier or {}), **self._spent}
        rounded = {part: round(taken, 3) for part, taken in spent.items()}
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, json.dumps(rounded).encode())
        finally:
            os.close(descriptor)


def read(file: Path) -> dict[str, float]:
    """Milliseconds by part, in their order; nothing where nothing is kept."""
    try:
        return {str(part): float(spent) for part, spent in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
