"""How long each part of making and starting a box took, kept beside the box until it goes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from msgspec.json import decode, encode

from orchestr8.host import small_files
from orchestr8.kernel import files


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
        small_files.write(file, encode(rounded))


def read(file: Path) -> dict[str, float]:
    """Milliseconds by part, in their order; nothing where nothing is kept."""
    try:
        return decode(files.read_bytes(str(file)), type=dict[str, float])
    except (OSError, ValueError):
        return {}
