"""Debian packages through the host's own apt: which ones, where they are, what is in them."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_LISTS = Path("/var/lib/apt/lists")


class AptError(Exception):
    """apt cannot tell or fetch; the text says what to type."""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    file: str  # as apt names it
    digest: str
    needs: tuple[tuple[str, ...], ...]  # each of them by one of its alternatives
    provides: tuple[str, ...]

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Package:
        """A package again from what `asdict` and JSON made of one."""
        lists = {"needs": tuple(map(tuple, fields["needs"])), "provides": tuple(fields["provides"])}
        return cls(**fields | lists)

    @property
    def upstream(self) -> str:
        """The version as its authors count: no epoch, no Debian revision."""
        return re.sub(r"[+~].*", "", self.version.split(":")[-1].rsplit("-", 1)[0])


def has_lists() -> bool:
    """Whether apt knows any package at all."""
    return any(_LISTS.glob("*_Packages*"))


def state(names: list[str]) -> str:
    """Differs whenever `resolve` might answer otherwise: another question, lists or sources."""
    places = [_LISTS, *sorted(Path("/etc/apt").rglob("*"))]
    seen = [(str(place), place.stat().st_mtime_ns) for place in places if place.exists()]
    return hashlib.sha256(repr((names, seen)).encode()).hexdigest()


def resolve(names: list[str]) -> dict[str, Package]:
    """What apt would install for these names on an empty machine, by package name.

    An empty package database makes apt name everything, whatever this machine has installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        lines = _apt(
            ["apt-get", "--print-uris", "--yes", "install", *sorted(names)],
            Path(folder),
        )
        files = {}
        for line in lines.splitlines():
            if line.startswith("'"):
                file = line.split()[1]
                name, version, _ = file.split("_")
                files[name] = (unquote(version), file)
        wanted = [f"{name}={version}" for name, (version, _) in sorted(files.items())]
        stanzas = _apt(["apt-cache", "show", *wanted], Path(folder))
    packages = {}
    for stanza in stanzas.split("\n\n"):
        fields = dict(re.findall(r"^([A-Z][\w-]*): *(.*)$", stanza, re.MULTILINE))
        name = fields.get("Package", "")
        # One version may be in several indexes; the first one is as good as the others.
        if name in packages or name not in files or fields["Version"] != files[name][0]:
            continue
        needs = ", ".join(filter(None, (fields.get("Pre-Depends"), fields.get("Depends"))))
        packages[name] = Package(
            name,
            *files[name],
            digest=fields["SHA256"],
            needs=tuple(_names(need.split("|")) for need in needs.split(",") if need.strip()),
            provides=_names(fields.get("Provides", "").split(",")),
        )
    return packages


def reachable(
    wanted: tuple[str, ...], without: set[str], pool: dict[str, Package]
) -> list[Package]:
    """The wanted packages and all that they need, not going through those left out."""
    providers = {name: package for package in pool.values() for name in package.provides}
    found: dict[str, Package] = {}
    left_out = {name for name in pool for pattern in without if fnmatchcase(name, pattern)}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        package = pool.get(name) or providers.get(name)
        if not package or package.name in found or package.name in left_out:
            continue
        found[package.name] = package
        waiting += [alternative for need in package.needs for alternative in need]
    missing = [name for name in wanted if name not in found and name not in left_out]
    if missing:
        raise AptError(f"apt found no package {', '.join(missing)}; is this suite too old?")
    return [found[name] for name in sorted(found)]


def fetch(packages: list[Package], folder: Path) -> None:
    """Bring the files that the folder lacks; apt checks their digests."""
    folder.mkdir(parents=True, exist_ok=True)
    lacking = [p for p in packages if not (folder / p.file).exists()]
    if lacking:
        names = [f"{package.name}={package.version}" for package in lacking]
        _apt(["apt-get", "--quiet=2", "-o", "APT::Sandbox::User=root", "download", *names], folder)


def contents(file: Path) -> tarfile.TarFile:
    """The files of a package."""
    unpacked = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", str(file)], check=True, stdout=subprocess.PIPE
    )
    return tarfile.open(fileobj=io.BytesIO(unpacked.stdout))


def _names(texts: list[str]) -> tuple[str, ...]:
    """Package names without version bounds and architecture."""
    return tuple(re.split(r"[\s(:]", text.strip())[0] for text in texts if text.strip())


def _apt(command: list[str], folder: Path) -> str:
    """Run apt in the folder, on an empty package database and with no cache of the host's."""
    database, archives = folder / "status", folder / "archives"
    database.touch()
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    options = {
        "Dir::State::status": database,
        "Dir::Cache::archives": archives,
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "APT::Install-Recommends": "false",
        "Debug::NoLocking": "true",
    }
    extra = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    program, *arguments = command
    done = subprocess.run([program, *extra, *arguments], cwd=folder, text=True, capture_output=True)
    if done.returncode:
        reason = "\n".join(f"  {line}" for line in done.stderr.strip().splitlines()[-5:])
        raise AptError(f"{program} failed; `apt-get update` may mend it:\n{reason}")
    return done.stdout
