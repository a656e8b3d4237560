"""Volumes: Docker keeps them, with labels from which they can be adopted; we own their content."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.world import ObservedVolume
from orchestr8.engines.docker.client import Client, patient
from orchestr8.engines.docker.translate import INSTALLATION
from orchestr8.errors import RejectedError

OWNER = "orchestr8.owner"
VOLUME = "orchestr8.volume"
UID = "orchestr8.uid"


class DockerVolumes:
    """The volumes of one installation."""

    def __init__(self, client: Client, installation: str) -> None:
        self._client = client
        self._installation = installation

    @patient
    def volumes(self) -> tuple[ObservedVolume, ...]:
        """All of them, sorted by name."""
        wanted = json.dumps({"label": [f"{INSTALLATION}={self._installation}"]})
        answer = self._client.get("/volumes", "listing the volumes", filters=wanted)
        found = [_observed(item) for item in answer.get("Volumes") or []]
        return tuple(sorted(found, key=lambda volume: volume.name))

    @patient
    def ensure(self, volume: DesiredVolume) -> None:
        """Make it where it is missing, with its content closed to all but its uid.

        The owner of a volume that is there is left alone: its content is somebody's data.
        """
        found = self._find(volume.name)
        if found is None:
            found = self._client.post(
                "/volumes/create",
                f"making the volume {volume.name}",
                {
                    "Name": volume.name,
                    "Driver": "local",
                    "Labels": {
                        INSTALLATION: self._installation,
                        OWNER: volume.owner,
                        VOLUME: volume.volume,
                        UID: str(volume.uid),
                    },
                },
            )
        self._require_ours(volume.name, found)
        self._close(found["Mountpoint"], volume.uid)

    @patient
    def delete(self, name: str) -> None:
        """Delete a volume of ours and its content."""
        found = self._find(name)
        if found is None:
            return
        self._require_ours(name, found)
        self._client.delete(f"/volumes/{name}", f"deleting the volume {name}")

    def path(self, name: str) -> str:
        """Where a volume's content lies on this host."""
        found = self._find(name)
        if found is None:
            raise RejectedError(f"the volume {name} is not there", "apply again: it is made first")
        self._require_ours(name, found)
        return str(found["Mountpoint"])

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

    @staticmethod
    def _close(path: str, uid: int) -> None:
        # only an empty volume is given away, so that a repeated call completes a broken-off one
        folder = Path(path)
        try:
            status = folder.lstat()
            closed = status.st_uid == uid and status.st_mode & 0o7777 == 0o700
            if closed or any(folder.iterdir()):
                return
            folder.chmod(0o700)
            os.chown(folder, uid, uid, follow_symlinks=False)
        except OSError as error:
            raise RejectedError(
                f"the volume's folder {path} cannot be given to uid {uid}: {error.strerror}",
                "run as root on the machine of the Docker Engine",
            ) from error


def _observed(item: Mapping[str, Any]) -> ObservedVolume:
    labels: Mapping[str, str] = item.get("Labels") or {}
    uid = labels.get(UID, "")
    return ObservedVolume(
        name=item["Name"],
        owner=labels.get(OWNER, ""),
        volume=labels.get(VOLUME, ""),
        uid=int(uid) if uid.isascii() and uid.isdigit() else 0,
        path=item["Mountpoint"],
    )
