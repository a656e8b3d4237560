"""Volumes: Docker keeps their names and labels, we their content.

The content lies in a folder of ours beside Docker's own, and the Docker volume leads to it. Boxes
get it by a bind that was prepared, so Docker counts the volume as unused: were the content in
Docker's folder, `docker volume prune` would delete it under a running box.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.world import ObservedVolume
from orchestr8.engines.docker.carried import carried_spec
from orchestr8.engines.docker.client import Client, patient
from orchestr8.engines.docker.details import milliseconds
from orchestr8.engines.docker.labels import BOX, INSTALLATION
from orchestr8.engines.docker.machine import DockerMachine
from orchestr8.engines.folder_copies import FolderCopies
from orchestr8.errors import RejectedError
from orchestr8.host.volume_folders import VolumeFolders, own
from orchestr8.names import ServiceName

OWNER = "orchestr8.owner"
VOLUME = "orchestr8.volume"
UID = "orchestr8.uid"
SERVICE = "orchestr8.service"
"""Whose data it is, written service.owner."""
SIZED = "orchestr8.sized"
"""The volume has a file system of its own, of this kind."""


class DockerVolumes(FolderCopies):
    """The volumes of one installation."""

    def __init__(self, client: Client, installation: str, machine: DockerMachine) -> None:
        self._client = client
        self._installation = installation
        self._machine = machine

    @patient
    def volumes(self) -> tuple[ObservedVolume, ...]:
        """All of them, sorted by name."""
        answer = self._client.get("/volumes", "listing the volumes", filters=self._filter())
        found = [self._observed(item) for item in answer.get("Volumes") or []]
        return tuple(sorted(found, key=lambda volume: volume.name))

    @patient
    def ensure(self, volume: DesiredVolume) -> None:
        """Make it where it is missing, its content closed to all but its uid.

        The content of a volume that is there is somebody's data, and stays as it is.
        """
        found = self._find(volume.name)
        if found is None:
            device = self.folders.make(volume.name, volume.uid, volume.size_bytes)
            found = self._client.post(
                "/volumes/create",
                f"making the volume {volume.name}",
                {
                    "Name": volume.name,
                    "Driver": "local",
                    # for whoever mounts it by Docker's own means, a backup for instance
                    "DriverOpts": {
                        "type": "none",
                        "o": "bind,nosuid,nodev,noexec",
                        "device": str(device),
                    },
                    "Labels": {
                        INSTALLATION: self._installation,
                        OWNER: volume.owner,
                        VOLUME: volume.volume,
                        UID: str(volume.uid),
                        **({SERVICE: str(volume.service)} if volume.service else {}),
                        **({SIZED: "ext4"} if volume.size_bytes is not None else {}),
                    },
                },
            )
        self._require_ours(volume.name, found)
        if Path(_content(found)).parent != self.folders.base:
            own(Path(_content(found)), volume.uid)
            return
        if volume.size_bytes is not None and not _is_sized(found):
            raise RejectedError(
                f"the volume {volume.name} is there without a size, and holds somebody's data",
                "leave its size out, or declare another volume and copy the data into it",
            )
        size_bytes = volume.size_bytes
        if _is_sized(found):
            self.folders.shown(volume.name)
            size_bytes = size_bytes or self.folders.size(volume.name)
        self.folders.make(volume.name, volume.uid, size_bytes)

    @patient
    def delete(self, name: str) -> None:
        """Delete a volume of ours with its content, unless a box has it."""
        found = self._find(name)
        if found is None:
            return
        self._require_ours(name, found)
        self.require_free(name)
        content = Path(_content(found))
        if content.parent == self.folders.base:
            # the content first: a call that breaks off here can be repeated
            self.folders.delete(name)
        self._client.delete(f"/volumes/{name}", f"deleting the volume {name}")

    def path(self, name: str) -> str:
        """Where a volume's content lies on this host."""
        found = self._find(name)
        if found is None:
            raise RejectedError(f"the volume {name} is not there", "apply again: it is made first")
        self._require_ours(name, found)
        return str(self.folders.shown(name)) if _is_sized(found) else _content(found)

    @property
    def folders(self) -> VolumeFolders:
        """Beside the engine's own data."""
        return VolumeFolders(Path(self._machine.data_folder) / "orchestr8" / self._installation)

    def _observed(self, item: Mapping[str, Any]) -> ObservedVolume:
        labels: Mapping[str, str] = item.get("Labels") or {}
        name, uid, sized = item["Name"], labels.get(UID, ""), _is_sized(item)
        return ObservedVolume(
            name=name,
            owner=labels.get(OWNER, ""),
            volume=labels.get(VOLUME, ""),
            uid=int(uid) if uid.isascii() and uid.isdigit() else 0,
            path=_content(item),
            size_bytes=self.folders.size(name) if sized else None,
            ready=not sized or self.folders.is_shown(name),
            created_ms=milliseconds(item.get("CreatedAt", "")),
            service=ServiceName.read(labels.get(SERVICE, "")),
        )

    def _filter(self) -> str:
        return json.dumps({"label": [f"{INSTALLATION}={self._installation}"]})

    def _find(self, name: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self._client.find(
            f"/volumes/{name}", f"looking for the volume {name}"
        )
        return found

    def _require_ours(self, name: str, found: Mapping[str, Any]) -> None:
        if (found.get("Labels") or {}).get(INSTALLATION) != self._installation:
            raise RejectedError(
                f"the volume {name} is there and is not this installation's",
                f"see what it holds: docker volume inspect {name}; then rename ours, or remove it",
            )

    def user_of(self, name: str) -> str:
        """A box that has the volume, running or not, or the empty text."""
        listed = self._client.get(
            "/containers/json", f"deleting the volume {name}", all="1", filters=self._filter()
        )
        for item in listed:
            spec = carried_spec(item["Labels"])
            if spec is None or any(volume.volume == name for volume in spec.volumes):
                return str(item["Labels"].get(BOX, item["Id"]))
        return ""


def _content(found: Mapping[str, Any]) -> str:
    options: Mapping[str, str] = found.get("Options") or {}
    return str(options.get("device") or found["Mountpoint"])


def _is_sized(found: Mapping[str, Any]) -> bool:
    return SIZED in (found.get("Labels") or {})
