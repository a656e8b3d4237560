"""The demo images of this checkout in an engine."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

_BUILDER = Path(__file__).resolve().parents[2] / "examples" / "images" / "build.py"


def load_images(socket: Path | str) -> None:
    """Build the images that lack, and load those that the engine at this socket has not."""
    subprocess.run([sys.executable, str(_BUILDER), "--load", str(socket)], check=True)


def archives() -> dict[str, Path]:
    """The archive of each demo image, by the image's name and tag; built where it lacks."""
    subprocess.run([sys.executable, str(_BUILDER)], check=True, stdout=subprocess.DEVNULL)
    folder = _BUILDER.parents[2] / ".cache" / "images"
    found: dict[str, Path] = {}
    for archive in sorted(folder.glob("*.tar")):
        with tarfile.open(archive) as opened:
            manifest = opened.extractfile("manifest.json")
            assert manifest
            for image in json.load(manifest):
                found |= dict.fromkeys(image["RepoTags"], archive)
    return found
