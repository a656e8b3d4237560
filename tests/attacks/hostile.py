"""Archives of images that an attacker made: any entries in a layer, on top of an honest image."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One entry of a layer, as a tar archive has it; `device` is a major and a minor number."""

    name: str
    kind: bytes = tarfile.REGTYPE
    link: str = ""
    content: bytes = b""
    mode: int = 0o755
    device: tuple[int, int] = (0, 0)
    headers: dict[str, str] = field(default_factory=dict)


def link(name: str, target: str) -> Entry:
    """A symbolic link."""
    return Entry(name, tarfile.SYMTYPE, target)


def build(archive: Path, base: Path | None, entries: Iterable[Entry], **config: Any) -> None:
    """Writes an archive of `docker save` with the layers of `base` and one of these entries."""
    document: dict[str, Any] = {"architecture": "amd64", "os": "linux", "config": {}}
    document["rootfs"] = {"type": "layers", "diff_ids": []}
    layers: dict[str, bytes] = {}
    if base:
        with tarfile.open(base) as opened:
            (described,) = json.loads(_content(opened, "manifest.json"))
            document = json.loads(_content(opened, described["Config"]))
            layers = {name: _content(opened, name) for name in described["Layers"]}
    layer = _layer(entries)
    digest = hashlib.sha256(layer).hexdigest()
    layers[f"{digest}.tar"] = layer
    document.pop("history", None)
    document["rootfs"]["diff_ids"].append(f"sha256:{digest}")
    document["config"] |= config
    with tarfile.open(archive, "w") as opened:
        manifest = [
            {"Config": "config.json", "RepoTags": ["hostile:1"], "Layers": list(layers)},
        ]
        files = layers | {
            "config.json": json.dumps(document).encode(),
            "manifest.json": json.dumps(manifest).encode(),
        }
        for name, content in files.items():
            _add(opened, Entry(name, content=content))


def lay_out(archive: Path, folder: Path, *, left_out: int = 0) -> None:
    """Writes an OCI layout of an archive's image, its configuration to the letter; the manifest has
    so many layers fewer than that names."""
    with tarfile.open(archive) as opened:
        (described,) = json.loads(_content(opened, "manifest.json"))
        config = _content(opened, described["Config"])
        names = described["Layers"][: len(described["Layers"]) - left_out]
        layers = [_content(opened, name) for name in names]
    manifest = {
        "schemaVersion": 2,
        "config": _blob(folder, "application/vnd.oci.image.config.v1+json", config),
        "layers": [_blob(folder, "application/vnd.oci.image.layer.v1.tar", one) for one in layers],
    }
    kind, content = "application/vnd.oci.image.manifest.v1+json", json.dumps(manifest).encode()
    index = {"schemaVersion": 2, "manifests": [_blob(folder, kind, content)]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def _blob(folder: Path, kind: str, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    file = folder / "blobs" / "sha256" / digest
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}


def _layer(entries: Iterable[Entry]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as opened:
        for entry in entries:
            _add(opened, entry)
    return written.getvalue()


def _add(archive: tarfile.TarFile, entry: Entry) -> None:
    made = tarfile.TarInfo(entry.name)
    made.type, made.linkname, made.mode = entry.kind, entry.link, entry.mode
    made.size = len(entry.content)
    made.devmajor, made.devminor = entry.device
    made.pax_headers = entry.headers
    archive.addfile(made, io.BytesIO(entry.content))


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    opened = archive.extractfile(name)
    assert opened
    return opened.read()
