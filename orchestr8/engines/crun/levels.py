"""Which box of this host has which of SELinux's levels: a link each, taken by one call.

All installations of a host take from one folder, in memory, since their boxes run beside each
other. A link leads nowhere; it says whose the level is.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from orchestr8.errors import UnavailableError
from orchestr8.isolation import selinux
from orchestr8.names import BoxId


class Levels(Struct, frozen=True):
    """The levels of one installation's boxes, in the folder of all."""

    folder: Path
    installation: str

    def take(self, box_id: BoxId) -> str:
        """A level that no other box has; the same one each time.

        Raises UnavailableError where all that were tried are others'.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        holder = self._holder(box_id)
        for level in selinux.levels(holder):
            link = self.folder / level
            with suppress(FileExistsError):
                link.symlink_to(holder)
                return level
            if self._holds(link, holder):
                return level
        raise UnavailableError(
            f"every label that box {box_id} may have is another box's", "remove boxes of this host"
        )

    def leave(self, box_id: BoxId) -> None:
        """Others may have it; the absent is success."""
        holder = self._holder(box_id)
        for level in selinux.levels(holder) if self.folder.is_dir() else ():
            link = self.folder / level
            if self._holds(link, holder):
                link.unlink(missing_ok=True)

    def _holder(self, box_id: BoxId) -> str:
        return f"{self.installation}/{box_id}"

    def _holds(self, link: Path, holder: str) -> bool:
        try:
            return str(link.readlink()) == holder
        except OSError:
            return False
