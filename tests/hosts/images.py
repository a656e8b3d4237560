"""The demo images of this checkout in an engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_BUILDER = Path(__file__).resolve().parents[2] / "examples" / "images" / "build.py"


def load_images(socket: Path | str) -> None:
    """Build the images that lack, and load those that the engine at this socket has not."""
    subprocess.run([sys.executable, str(_BUILDER), "--load", str(socket)], check=True)
