"""Whether what a box shall see of files is where it was declared, by the kernel's word.

A Docker Engine follows the links of an image: what is declared below one is mounted elsewhere.
The root of a box cannot be written and an image never changes, so that boxes of one image with the
same mounts are alike in this, unless one is declared inside of what others write.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from msgspec import Struct

from orchestr8.boxes.desired import Box
from orchestr8.errors import RejectedError
from orchestr8.kernel import files, mounts
from orchestr8.names import BoxId


class Mounts(Struct, frozen=True):
    """What decides where the mounts of a box come to be."""

    image_id: str
    targets: frozenset[str]


def mounts_of(box: Box, host: Mapping[str, Any]) -> Mounts | None:
    """Those of a box with this part of its body; None where one is declared inside of a volume or a
    path of the host, in which there may be other links each time."""
    targets = _targets(host)
    spec = box.spec
    foreign = {volume.target for volume in spec.volumes}
    foreign |= {path.target for path in spec.profile.host_paths}
    if any(str(folder) in foreign for one in targets for folder in PurePosixPath(one).parents):
        return None
    return Mounts(spec.image_id, targets)


def require_in_place(box_id: BoxId, found: Mapping[str, Any]) -> bool:
    """Raises RejectedError where a mount of this inspected container is not at its path.

    False where nobody can say so: one that has ended by now has none, and is as good as it was.
    """
    pid = int(found["State"].get("Pid") or 0)
    there: set[str] = set()
    if pid > 0:
        with suppress(OSError):
            table = files.read_text(f"/proc/{pid}/mountinfo", limit=files.LARGE_BYTES)
            there = {mount.target for mount in mounts.parse(table)}
    if not there:
        return False
    for target in sorted(_targets(found["HostConfig"]) - there):
        link = _link_on(pid, target)
        why = f"{link[0]} is a link to {link[1]}" if link else "nobody knows why"
        raise RejectedError(
            f"starting box {box_id}: {target} is not where it was declared: {why}",
            "write the path without the link, or take the link out of the image or volume",
        )
    return True


def _targets(host: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(host.get("Tmpfs") or ()) | {one["Target"] for one in host.get("Mounts") or ()}


def _link_on(pid: int, target: str) -> tuple[str, str] | None:
    """The first part of a path that is a link in a box, and where it leads."""
    root = Path(f"/proc/{pid}/root")
    path = PurePosixPath(target)
    for part in (*reversed(path.parents), path):
        here = root / part.relative_to("/")
        if part != PurePosixPath("/") and here.is_symlink():
            return str(part), str(here.readlink())
    return None
