"""Volumes: Docker keeps their names and labels, we their content.

The content lies in a folder of ours beside Docker's own, and the Docker volume leads to it. Boxes
get it by a bind that was prepared, so Docker counts the volume as unused: were the content in
Docker's folder, `docker volume prune` would delete it under a running box.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.world import ObservedVolume
from orchestr8.engines.docker.client import Client, patient
from orchestr8.engines.docker.containers import carried_spec
from orchestr8.engines.docker.machine import DockerMachine
from orchestr8.engines.docker.translate import BOX, INSTALLATION
from orchestr8.errors import EngineError, RejectedError

OWNER = "orchestr8.owner"
VOLUME = "orchestr8.volume"
UID = "orchestr8.uid"


class DockerVolumes:
    """The volumes of one installation."""

    def __init__(self, client: Client, installation: str, machine: DockerMachine) -> None:
        self._client = client
        self._installation = installation
        self._machine = machine

    @patient
    def volumes(self) -> tuple[ObservedVolume, ...]:
        """All of them, sorted by name."""
        answer = self._client.get("/volumes", "listing the volumes", filters=self._filter())
        found = [_observed(item) for item in answer.get("Volumes") or []]
        return tuple(sorted(found, key=lambda volume: volume.name))

    @patient
    def ensure(self, volume: DesiredVolume) -> None:
        """Make it where it is missing, its content closed to all but its uid.

        The content of a volume that is there is somebody's data, and stays as it is.
        """
        found = self._find(volume.name)
        if found is None:
            device = self._folder / volume.name
            _make_content(device, volume.uid)
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
                    },
                },
            )
        self._require_ours(volume.name, found)
        _make_content(Path(_content(found)), volume.uid)

    @patient
    def delete(self, name: str) -> None:
        """Delete a volume of ours with its content, unless a box has it."""
        found = self._find(name)
        if found is None:
            return
        self._require_ours(name, found)
        user = self._user_of(name)
        if user:
            raise RejectedError(f"box {user} has the volume {name}", "remove that box first")
        content = Path(_content(found))
        if content.parent == self._folder:
            # the content first: a call that breaks off here can be repeated
            _delete_content(content)
        self._client.delete(f"/volumes/{name}", f"deleting the volume {name}")

    def path(self, name: str) -> str:
        """Where a volume's content lies on this host."""
        found = self._find(name)
        if found is None:
            raise RejectedError(f"the volume {name} is not there", "apply again: it is made first")
        self._require_ours(name, found)
        return _content(found)

    @property
    def _folder(self) -> Path:
        return Path(self._machine.data_folder) / "orchestr8" / self._installation

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

    def _user_of(self, name: str) -> str:
        """A box that has the volume, running or not, or the empty text."""
        listed = self._client.get(
            "/containers/json", f"deleting the volume {name}", all="1", filters=self._filter()
        )
        for item in listed:
            spec = carried_spec(item["Labels"])
            if spec is None or any(volume.volume == name for volume in spec.volumes):
                return str(item["Labels"].get(BOX, item["Id"]))
        return ""


def _make_content(folder: Path, uid: int) -> None:
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
        raise _failure(f"the volume's folder {folder} cannot be made", error) from error


def _delete_content(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _failure(f"the volume's folder {folder} cannot be deleted", error) from error


def _failure(what: str, error: OSError) -> EngineError:
    return RejectedError(
        f"{what}: {error.strerror}", "run as root on the machine of the Docker Engine; see df -h"
    )


def _content(found: Mapping[str, Any]) -> str:
    options: Mapping[str, str] = found.get("Options") or {}
    return str(options.get("device") or found["Mountpoint"])


def _observed(item: Mapping[str, Any]) -> ObservedVolume:
    labels: Mapping[str, str] = item.get("Labels") or {}
    uid = labels.get(UID, "")
    return ObservedVolume(
        name=item["Name"],
        owner=labels.get(OWNER, ""),
        volume=labels.get(VOLUME, ""),
        uid=int(uid) if uid.isascii() and uid.isdigit() else 0,
        path=_content(item),
    )
