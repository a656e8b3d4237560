"""Volumes: a folder each below the state folder, and beside them what they are."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import Any

from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.world import ObservedVolume
from orchestr8.engines.crun.places import Places
from orchestr8.engines.folder_copies import FolderCopies
from orchestr8.errors import RejectedError
from orchestr8.host.volume_folders import VolumeFolders
from orchestr8.names import ServiceName


class CrunVolumes(FolderCopies):
    """The volumes of one installation."""

    def __init__(self, places: Places) -> None:
        self.places = places

    def volumes(self) -> tuple[ObservedVolume, ...]:
        """All of them, sorted by name."""
        found = (self._observed(file.stem) for file in sorted(self._known.glob("[!.]*.json")))
        return tuple(volume for volume in found if volume)

    def ensure(self, volume: DesiredVolume) -> None:
        """Make it where it is missing; the content of one that is there stays as it is."""
        known = self._document(volume.name)
        if known is None:
            self.folders.make(volume.name, volume.uid, volume.size_bytes)
            self._write(volume)
            return
        if volume.size_bytes is not None and not known["sized"]:
            raise RejectedError(
                f"the volume {volume.name} is there without a size, and holds somebody's data",
                "leave its size out, or declare another volume and copy the data into it",
            )
        size_bytes = volume.size_bytes
        if known["sized"]:
            self.folders.shown(volume.name)
            size_bytes = size_bytes or self.folders.size(volume.name)
        self.folders.make(volume.name, known["uid"], size_bytes)

    def delete(self, name: str) -> None:
        """Delete a volume with its content, unless a box has it; the absent is success."""
        if self._document(name) is None:
            return
        self.require_free(name)
        self.folders.delete(name)
        self._file(name).unlink(missing_ok=True)

    def path(self, name: str) -> str:
        """Where a volume's content lies on this host."""
        known = self._document(name)
        if known is None:
            raise RejectedError(f"the volume {name} is not there", "apply again: it is made first")
        return str(self.folders.shown(name) if known["sized"] else self.folders.folder(name))

    def _observed(self, name: str) -> ObservedVolume | None:
        known = self._document(name)
        if known is None:
            return None
        return ObservedVolume(
            name=name,
            owner=known["owner"],
            volume=known["volume"],
            uid=known["uid"],
            path=str(self.folders.folder(name)),
            size_bytes=self.folders.size(name) if known["sized"] else None,
            ready=not known["sized"] or self.folders.is_shown(name),
            created_ms=known["created_ms"],
            service=ServiceName.read(known.get("service", "")),
        )

    def user_of(self, name: str) -> str:
        """A box that has the volume, or the empty text."""
        for box_id in self.places.box_ids():
            carried = self.places.box(box_id).held()
            spec = carried.box_spec if carried else None
            if spec is None or any(volume.volume == name for volume in spec.volumes):
                return str(box_id)
        return ""

    def _write(self, volume: DesiredVolume) -> None:
        self._known.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._known / f".{secrets.token_hex(8)}"
        document = {
            "owner": volume.owner,
            "volume": volume.volume,
            "uid": volume.uid,
            "service": str(volume.service or ""),
            "sized": volume.size_bytes is not None,
            "created_ms": time.time_ns() // 1_000_000,
        }
        fresh.write_text(json.dumps(document))
        fresh.rename(self._file(volume.name))

    def _document(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self._file(name).read_text())
        except (OSError, ValueError):
            return None
        return found

    @property
    def folders(self) -> VolumeFolders:
        """Below the state folder."""
        return VolumeFolders(self.places.volumes)

    @property
    def _known(self) -> Path:
        return self.places.state / "volumes-known"

    def _file(self, name: str) -> Path:
        return self._known / f"{name}.json"
