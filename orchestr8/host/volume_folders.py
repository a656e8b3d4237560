"""Where the contents of volumes lie on this host: a folder each, with or without a size.

One with a size has a file system of its own, which is mounted at its folder.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from msgspec import Struct

from orchestr8.errors import EngineError, RejectedError
from orchestr8.host import volume_images

_IMAGES = ".images"


class VolumeFolders(Struct, frozen=True):
    """The volumes' folders below `base`, which is root's alone. Names begin with a letter."""

    base: Path

    def folder(self, name: str) -> Path:
        """Where a volume's content is seen."""
        return self.base / name

    def image(self, name: str) -> Path:
        """The file system of a volume that has a size."""
        return self.base / _IMAGES / f"{name}.ext4"

    def make(self, name: str, uid: int, size_bytes: int | None) -> Path:
        """Make a volume's folder where it is missing, closed to all but its uid.

        What holds something already is left alone; what is smaller than its size grows.
        """
        folder = self.folder(name)
        if size_bytes is not None:
            volume_images.make(self.image(name), size_bytes, uid)
            volume_images.mount(self.image(name), folder)
            volume_images.grow(self.image(name), folder, size_bytes)
        own(folder, uid)
        return folder

    def shown(self, name: str) -> Path:
        """The folder of a volume with a size, mounted again where it was lost, by a reboot say."""
        image = self.image(name)
        if not image.exists():
            raise RejectedError(
                f"the file system of the volume {name} is gone ({image})",
                "restore the volume from a copy, or put the file back",
            )
        volume_images.mount(image, self.folder(name))
        return self.folder(name)

    def size(self, name: str) -> int | None:
        """The size of a volume that has one; None where its file system is gone."""
        return volume_images.size_in(self.image(name))

    def is_shown(self, name: str) -> bool:
        """Whether the file system of a volume with a size is mounted at its folder."""
        try:
            return volume_images.is_mounted(self.image(name), self.folder(name))
        except OSError:
            return False

    def used(self, name: str) -> int:
        """How many bytes a volume's files take of the disk; what goes meanwhile is left out."""
        folder = self.folder(name)
        if self.image(name).exists():
            return volume_images.used_bytes(folder) if self.is_shown(name) else 0
        return sum(_taken(folder))

    def delete(self, name: str) -> None:
        """Delete a volume's content; the absent is success, what is mounted elsewhere is kept."""
        folder = self.folder(name)
        volume_images.delete(self.image(name), folder)
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise failure(f"the volume's folder {folder} cannot be deleted", error) from error


def own(folder: Path, uid: int) -> None:
    """Make the folder, closed; one that holds something already is left alone."""
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        closed = status.st_uid == uid and status.st_mode & 0o7777 == 0o700
        if not closed and not any(folder.iterdir()):
            folder.chmod(0o700)
            os.chown(folder, uid, uid, follow_symlinks=False)
    except OSError as error:
        raise failure(f"the volume's folder {folder} cannot be made", error) from error


def failure(what: str, error: OSError) -> EngineError:
    """A failed call on a volume's folder in our words."""
    return RejectedError(
        f"{what}: {error.strerror}", "run as root on the machine of the boxes; see df -h"
    )


def _taken(folder: Path) -> list[int]:
    seen: dict[tuple[int, int], int] = {}
    for place, _, files in os.walk(folder, onerror=lambda _: None):
        for path in (place, *(os.path.join(place, name) for name in files)):  # noqa: PTH118
            try:
                status = os.lstat(path)
            except OSError:
                continue
            seen[status.st_dev, status.st_ino] = status.st_blocks * 512
    return list(seen.values())
