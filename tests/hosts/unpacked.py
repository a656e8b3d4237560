"""Programs of packages that are unpacked beside the machine: installed they would be started."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache"


def unpack(folder: Path, packages: Sequence[str]) -> None:
    """The files of these packages below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *packages],
        cwd=folder, check=True,
    )  # fmt: skip
    for package in sorted(folder.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
        package.unlink()


def with_what_lacks(package: str) -> list[str]:
    """The packages that an installation of this one would bring or renew."""
    command = ["apt-get", "-s", "-qq", "--no-install-recommends", "install", package]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line.split()[1] for line in said.splitlines() if line.startswith("Inst ")]
