"""Copies of volumes whose contents are folders of this host. Alike on every engine."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from orchestr8.boxes.world import ObservedBox, ObservedCopy, ObservedVolume
from orchestr8.errors import RejectedError
from orchestr8.host.volume_folders import VolumeFolders

if TYPE_CHECKING:
    from orchestr8.host.volume_copies import VolumeCopies


class FolderCopies(ABC):
    """What volumes hold, and copies of them, for an engine that knows the volumes themselves."""

    @property
    @abstractmethod
    def folders(self) -> VolumeFolders:
        """Where the contents lie."""

    @abstractmethod
    def volumes(self) -> tuple[ObservedVolume, ...]:
        """All of this installation's volumes."""

    @abstractmethod
    def path(self, name: str) -> str:
        """Where a volume's content lies; it is mounted there if it has to be."""

    @abstractmethod
    def user_of(self, name: str) -> str:
        """A box that has the volume, running or not, or the empty text."""

    def used(self, name: str) -> int:
        """How many bytes of the disk a volume takes."""
        return self.folders.used(name)

    def copies(self) -> tuple[ObservedCopy, ...]:
        """All whole ones, sorted by volume and label."""
        return tuple(_copy_of(*one) for one in self._kept().all())

    def copy(self, name: str, label: str, writers: Sequence[ObservedBox]) -> ObservedCopy:
        """By freezing its own file system, or else the boxes that write to it."""
        from orchestr8.host import freezing  # most commands copy nothing

        (seen,) = (one for one in self.volumes() if one.name == name)
        made = ObservedCopy(
            name,
            label,
            seen.owner,
            seen.volume,
            seen.uid,
            seen.size_bytes,
            time.time_ns() // 1_000_000,
        )
        kept = self._swept()
        if self.folders.image(name).exists():
            with freezing.file_system(Path(self.path(name))):
                kept.copy(name, label, asdict(made))
            return made
        still = [(box.pid, box.engine_id) for box in writers if box.pid]
        with freezing.boxes(still):
            kept.copy(name, label, asdict(made))
        return made

    def restore(self, name: str, copy: ObservedCopy) -> None:
        """The owner's own copies only: their content belongs to the uid of its service."""
        (seen,) = (one for one in self.volumes() if one.name == name)
        self.require_free(name)
        if copy.uid != seen.uid:
            raise RejectedError(
                f"the files in the copy {copy.label} belong to uid {copy.uid}, and those of volume "
                f"{name} to uid {seen.uid}",
                "restore it into the volume that it was made of, or one of the same service",
            )
        self.path(name)
        self._swept().restore(name, (copy.name, copy.label), seen.uid)

    def discard(self, copy: ObservedCopy) -> None:
        """Delete a copy."""
        self._swept().discard(copy.name, copy.label)

    def _swept(self) -> VolumeCopies:
        """The copies, without what killed calls left: whoever changes them holds the store's lock,
        so what is half made at that moment is nobody's."""
        kept = self._kept()
        kept.sweep()
        return kept

    def _kept(self) -> VolumeCopies:
        from orchestr8.host.volume_copies import VolumeCopies  # as above

        return VolumeCopies(self.folders)

    def require_free(self, name: str) -> None:
        """Raises RejectedError while a box has the volume."""
        user = self.user_of(name)
        if user:
            raise RejectedError(f"box {user} has the volume {name}", "remove that box first")


def _copy_of(name: str, label: str, about: Mapping[str, Any]) -> ObservedCopy:
    known = set(ObservedCopy.__struct_fields__)
    written = {key: value for key, value in about.items() if key in known}
    return ObservedCopy(**{**written, "name": name, "label": label})
