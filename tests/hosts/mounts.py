"""Folders whose later mounts every engine sees, although each has a mount namespace of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

# What is mounted below these after an engine has started reaches it all the same. systemd makes
# every mount shared; a machine without it makes none.
# A mount of its own further down passes nothing on by itself, so those are named as well.
SHARED_FOLDERS = (
    Path("/run"),
    Path("/run/orchestr8"),
    Path("/run/orchestr8-test"),
    Path("/var/lib/orchestr8-test"),
)


def share_folders() -> None:
    for folder in SHARED_FOLDERS:
        folder.mkdir(parents=True, exist_ok=True)
        if _is_shared(folder):
            continue
        if not folder.is_mount():
            subprocess.run(["mount", "--rbind", str(folder), str(folder)], check=True)
        subprocess.run(["mount", "--make-shared", str(folder)], check=True)


def _is_shared(folder: Path) -> bool:
    """Whether the mount that holds this folder hands later mounts on."""
    best, shared = "", False
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        point = fields[4]
        if folder.is_relative_to(point) and len(point) >= len(best):
            best, shared = point, any(field.startswith("shared:") for field in fields[6:-3])
    return shared
