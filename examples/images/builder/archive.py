"""Image archives in the form of `docker save`, which Docker and skopeo read."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.tree import FIXED_TIME

_CREATED = datetime.datetime.fromtimestamp(FIXED_TIME, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Blob:
    """A layer as a tar file, and the SHA-256 of that file."""

    name: str
    file: Path
    digest: str


def configuration(
    blobs: list[Blob], settings: dict[str, Any], architecture: str
) -> tuple[bytes, str]:
    """The image's configuration, and its digest, which Docker shows as the image's id."""
    document = {
        "architecture": architecture,
        "os": "linux",
        "created": _CREATED,
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{blob.digest}" for blob in blobs]},
        "history": [{"created": _CREATED, "created_by": f"layer {blob.name}"} for blob in blobs],
    }
    data = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return data, hashlib.sha256(data).hexdigest()


def write(file: Path, tags: list[str], blobs: list[Blob], config: bytes, image_id: str) -> None:
    """Write the archive beside its place first, so that a reader never sees half of it."""
    manifest = [
        {
            "Config": f"{image_id}.json",
            "RepoTags": tags,
            "Layers": [f"{blob.digest}.tar" for blob in blobs],
        }
    ]
    half_made = file.with_suffix(".half-made")
    with tarfile.open(half_made, "w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, f"{image_id}.json", config)
        for blob in blobs:
            _add(archive, f"{blob.digest}.tar", blob.file.read_bytes())
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    half_made.rename(file)


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    member.mtime = FIXED_TIME
    archive.addfile(member, io.BytesIO(data))
