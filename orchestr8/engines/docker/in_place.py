"""Whether what a box shall see of files is where it was declared, by the kernel's word.

A Docker Engine follows the links of an image: what is declared below one is mounted elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from orchestr8.errors import RejectedError
from orchestr8.kernel import files, mounts
from orchestr8.names import BoxId


def require_in_place(box_id: BoxId, found: Mapping[str, Any]) -> None:
    """Raises RejectedError where a mount of this inspected container is not at its path.

    One that has ended by now has none, and is as good as it was.
    """
    pid, host = int(found["State"].get("Pid") or 0), found["HostConfig"]
    if pid <= 0:
        return
    wanted = {*(host.get("Tmpfs") or ()), *(one["Target"] for one in host.get("Mounts") or ())}
    there: set[str] = set()
    with suppress(OSError):
        table = files.read_text(f"/proc/{pid}/mountinfo", limit=files.LARGE_BYTES)
        there = {mount.target for mount in mounts.parse(table)}
    elsewhere = sorted(wanted - there) if there else ()
    for target in elsewhere:
        link = _link_on(pid, target)
        why = f"{link[0]} is a link to {link[1]} in its image" if link else "nobody knows why"
        raise RejectedError(
            f"starting box {box_id}: {target} is not where it was declared: {why}",
            "write the path without the link, or take the link out of the image",
        )


def _link_on(pid: int, target: str) -> tuple[str, str] | None:
    """The first part of a path that is a link in a box, and where it leads."""
    root = Path(f"/proc/{pid}/root")
    path = PurePosixPath(target)
    for part in (*reversed(path.parents), path):
        here = root / part.relative_to("/")
        if part != PurePosixPath("/") and here.is_symlink():
            return str(part), str(here.readlink())
    return None
