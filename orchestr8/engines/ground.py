"""What an engine stands on here."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from orchestr8.boxes.network import Ranges


class Ground(Struct, frozen=True):
    """What an engine stands on here: the installation, its address ranges, its run folder, the
    state folder that its boxes name, and what an image may take on the disk where we unpack it."""

    installation: str
    run_folder: Path
    ranges: Ranges
    state_folder: Path
    image_bytes_max: int = 16 << 30
