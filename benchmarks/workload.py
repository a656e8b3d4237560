"""The workload that stamps its own first instruction, as a program, a root and an image."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).with_name("floor")
NAME = "orchestr8-bench-first:1"
_FOLDERS = ("dev", "etc", "proc", "run", "sys", "tmp", "var/tmp")
_FILES = ("etc/hosts", "etc/resolv.conf")
_WAIT_SECONDS = 10.0
_LOOK_SECONDS = 0.0005


@dataclass(frozen=True)
class Workload:
    """`root` is a folder with the program in it, `archive` an image as `docker save` writes it."""

    root: Path
    archive: Path


def compiled(name: str, folder: Path) -> Path:
    """A program of ours, compiled anew and without libraries."""
    made = folder / name
    command = ["gcc", "-O2", "-static", "-o", str(made), str(SOURCES / f"{name}.c")]
    subprocess.run(command, check=True, capture_output=True)
    return made


def workload(folder: Path) -> Workload:
    """The program in a root that has a place for everything which is mounted in a box."""
    root = folder / "root"
    for name in _FOLDERS:
        (root / name).mkdir(parents=True)
    for name in _FILES:
        (root / name).touch()
    compiled("first", folder).rename(root / "first")
    archive = folder / "first.tar"
    archive.write_bytes(_image(root))
    return Workload(root, archive)


def stamp(file: Path, prefix: str = "") -> int:
    """Waits for the stamp in a file, behind a prefix; nanoseconds of CLOCK_MONOTONIC."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        text = file.read_text() if file.exists() else ""
        if text.endswith("\n"):
            return int(text.splitlines()[0].removeprefix(prefix).split()[-1])
        time.sleep(_LOOK_SECONDS)
    raise RuntimeError(f"the workload wrote nothing to {file}")


def offset(pid: int) -> int:
    """How far a process's CLOCK_MONOTONIC is ahead of ours, in nanoseconds."""
    for line in Path(f"/proc/{pid}/timens_offsets").read_text().splitlines():
        clock, seconds, nanoseconds = line.split()
        if clock == "monotonic":
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return 0


def _image(root: Path) -> bytes:
    layer = _packed(root)
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/first"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()  # fmt: skip
    manifest = [{"Config": "config.json", "RepoTags": [NAME], "Layers": ["layer.tar"]}]
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, content in (
            ("manifest.json", json.dumps(manifest).encode()),
            ("config.json", config),
            ("layer.tar", layer),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return whole.getvalue()


def _packed(root: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as layer:
        for path in sorted(root.rglob("*")):
            layer.add(path, str(path.relative_to(root)), recursive=False)
    return packed.getvalue()
