"""SELinux's labels of one installation's boxes, and of what is laid out for them."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.json import decode

from orchestr8.boxes.desired import Box
from orchestr8.engines.crun.levels import Levels
from orchestr8.engines.crun.places import Places
from orchestr8.errors import RejectedError
from orchestr8.host import selinux as hand
from orchestr8.isolation import selinux
from orchestr8.names import BoxId

_JOINED = ("pid", "ipc")
"""Whoever shares these with another box reaches its processes and its memory, which have its level;
what a shared network has is held to no level."""


class Labels(Struct, frozen=True):
    """Gives labels; nobody asks it on a host where SELinux is not in force."""

    levels: Levels
    places: Places

    def level(self, box: Box) -> str:
        """The box's own level, or that of the boxes whose processes or memory it shares."""
        peers = [peer for kind, peer in box.joins if kind in _JOINED]
        found = sorted({self._level_of(peer) for peer in peers})
        if len(found) > 1:
            raise RejectedError(
                f"box {box.id} joins boxes that SELinux keeps apart ({' and '.join(found)})",
                "join the processes and the memory of one box",
            )
        if not all(found):
            raise RejectedError(
                f"box {box.id} joins a box that was made before SELinux was in force",
                "restart that one first",
            )
        return found[0] if found else self.levels.take(box.id)

    def own(self, place: Path, level: str) -> None:
        """What is one box's alone."""
        hand.label(place, selinux.file_label(level))

    def image(self, root: Path) -> None:
        """What all boxes read."""
        hand.label(root, selinux.IMAGE_FILES)

    def volume(self, folder: Path) -> None:
        """What a later box has again, with another level."""
        hand.label(folder, selinux.SHARED_FILES)

    def _level_of(self, peer: BoxId) -> str:
        """As its program's document says."""
        document = decode(self.places.box(peer).process.read_bytes(), type=_Process)
        return selinux.level_of(document.selinux_label)


class _Process(Struct, rename={"selinux_label": "selinuxLabel"}):
    """What of a process document is asked here."""

    selinux_label: str = ""
