"""Places for mounts that an image does not have.

The image is mounted read-only, so nothing can be made in it. What lacks is laid out beside it,
empty, and an overlay without an upper layer shows both. A link where a mount shall be counts as
lacking: the mount would lie where it leads, and not where it was declared.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath

from orchestr8.errors import RejectedError

_LINKS_MAX = 40
_ALWAYS = ("/proc", "/dev", "/sys")
"""Where the kernel's own file systems are mounted."""


@lru_cache(maxsize=1024)
def missing(root: Path, folders: tuple[str, ...], files: tuple[str, ...]) -> Mapping[str, bool]:
    """The places that an image lacks, as paths without links, and whether each is a folder.

    An image never changes once it is unpacked, so what was found is remembered. What lies below the
    kernel's file systems is made in these, whatever the image has there.

    Raises RejectedError where a link would put a mount over the kernel's file systems, or one of
    these elsewhere: the masks and the runtime's own writes would then meet what the image says. And
    where a folder above leads elsewhere, since it has more in it than the place of a mount.
    """
    found: dict[str, bool] = {}
    for targets, is_folder in ((tuple(sorted({*_ALWAYS, *folders})), True), (files, False)):
        for target in targets:
            if _is_below(target, folders):
                continue  # it is made in that mount
            place = resolved(root, target)
            if str(place) != target:
                _require_hidden(root, target, place)
                found[target] = is_folder
            elif (target in _ALWAYS or not _is_the_kernels(place)) and not _has(root, target):
                found[target] = is_folder
    return found


def _has(root: Path, target: str) -> bool:
    return (root / target.lstrip("/")).exists()


def _is_below(target: str, folders: tuple[str, ...]) -> bool:
    above = PurePosixPath(target).parents
    return any(PurePosixPath(folder) in above for folder in folders)


def _require_hidden(root: Path, target: str, place: PurePosixPath) -> None:
    """Raises RejectedError where nothing may be laid over the links of a path."""
    above = PurePosixPath(target).parent
    if target in _ALWAYS or _is_the_kernels(place):
        remedy = f"build it with a folder of its own at {target}"
    elif resolved(root, str(above)) != above:
        remedy = f"write {place} in the manifest, or build it with a folder of its own at {above}"
    else:
        return
    raise RejectedError(f"the image's links lead from {target} to {place}", remedy)


def lay_out(places: Mapping[str, bool], folder: Path, owner: int) -> None:
    """Make the places below a folder; `owner` is the host's id of root in the box."""
    for place, is_folder in sorted(places.items()):
        path = folder / place.lstrip("/")
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if is_folder:
            path.mkdir(mode=0o755, exist_ok=True)
        else:
            path.touch(mode=0o644)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner)
        path.chmod(0o755 if path.is_dir() else 0o644)


def resolved(root: Path, target: str) -> PurePosixPath:
    """Where a path leads in an image whose links lead nowhere but into the image."""
    pending = [part for part in target.split("/") if part not in ("", ".")]
    place = PurePosixPath("/")
    for _ in range(len(pending) + _LINKS_MAX * 8):
        if not pending:
            return place
        part = pending.pop(0)
        if part == "..":
            place = place.parent
            continue
        link = _link(root / (place / part).relative_to("/"))
        if link is None:
            place = place / part
        else:
            pending = [*(one for one in link.split("/") if one not in ("", ".")), *pending]
            place = PurePosixPath("/") if link.startswith("/") else place
    raise RejectedError(f"the image's links at {target} lead in a circle", "build it anew")


def _is_the_kernels(place: PurePosixPath) -> bool:
    return place == PurePosixPath("/") or any(place.is_relative_to(one) for one in _ALWAYS)


def _link(path: Path) -> str | None:
    try:
        return str(path.readlink()) if stat.S_ISLNK(path.lstat().st_mode) else None
    except OSError:
        return None
