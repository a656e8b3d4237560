"""A file tree in memory, made reproducible: no owner, no time, no set-id bit, sorted."""

from __future__ import annotations

import fnmatch
import io
import posixpath
import re
import stat
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

# The same instant for every file, so that equal contents give an equal digest.
FIXED_TIME = 1_700_000_000

# A merged /usr: packages of some suites still ship the old paths.
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")

# What no box reads, with all that is below it. Licences stay.
_LEFT_OUT = (
    "usr/share/doc/*/[!c]*",
    "usr/share/doc/*/changelog*",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/lintian",
    "usr/share/bug",
    "usr/share/bash-completion",
    "usr/share/debconf",
    "usr/share/apport",
    "usr/share/doc-base",
    "usr/share/pixmaps",
    "usr/share/applications",
    "usr/share/initramfs-tools",
    "usr/share/gdb",
    "usr/share/menu",
    "usr/lib/systemd",
    "usr/lib/tmpfiles.d",
    "usr/lib/sysusers.d",
    "etc/init.d",
    "etc/cron*",
    "etc/logrotate.d",
    "etc/default",
    "etc/systemd",
    "etc/ufw",
    "etc/apport",
    "etc/apparmor.d",
)


@dataclass(frozen=True)
class Node:
    mode: int
    data: bytes | None = None  # of a file
    target: str | None = None  # of a link

    @property
    def is_folder(self) -> bool:
        return self.data is None and self.target is None


class Tree:
    """Paths without a leading slash, and what is there. A folder of the layers below stays theirs:
    an entry of ours would change its mode."""

    def __init__(self, below: Mapping[str, Node], prune: tuple[str, ...] = ()) -> None:
        self.nodes: dict[str, Node] = {}
        self._below = below
        left_out = [pattern for path in _LEFT_OUT + prune for pattern in (path, path + "/*")]
        self._left_out = re.compile("|".join(fnmatch.translate(pattern) for pattern in left_out))

    def add_folder(self, path: str, mode: int = 0o755) -> None:
        path = _normal(path)
        if path and path not in self._below:
            self._add_parents(path)
            self.nodes[path] = Node(mode)

    def add_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        self._add(path, Node(mode, data=data))

    def add_link(self, path: str, target: str) -> None:
        self._add(path, Node(0o777, target=target))

    def add_package(self, archive: tarfile.TarFile) -> None:
        for member in archive:
            if self._left_out.match(_normal(member.name)):
                continue
            mode = member.mode & 0o1777  # nothing in a box may change its user
            if member.isdir():
                self.add_folder(member.name, mode)
            elif member.issym():
                self.add_link(member.name, member.linkname)
            elif member.islnk():
                original = self.nodes.get(_normal(member.linkname))
                if original:
                    self._add(member.name, original)
            elif member.isfile():
                source = archive.extractfile(member)
                assert source is not None
                self.add_file(member.name, source.read(), mode)

    def add_folder_of(self, folder: Path) -> None:
        """Files of our own; only whether one is executable is taken from the disk."""
        for file in sorted(folder.rglob("*")):
            path = str(file.relative_to(folder))
            if file.is_symlink():
                self.add_link(path, str(file.readlink()))
            elif file.is_dir():
                self.add_folder(path)
            else:
                executable = file.stat().st_mode & stat.S_IXUSR
                self.add_file(path, file.read_bytes(), 0o755 if executable else 0o644)

    def set_mode(self, path: str, mode: int) -> None:
        self.nodes[_normal(path)] = replace(self.nodes[_normal(path)], mode=mode)

    def copy(self, path: str, source: str) -> None:
        source = _normal(source)
        self._add(path, self.nodes.get(source) or self._below[source])

    def matching(self, pattern: str) -> list[str]:
        """Paths of this tree and the layers below it."""
        return fnmatch.filter(sorted({*self._below, *self.nodes}), _normal(pattern))

    def as_tar(self) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path, node in sorted(self.nodes.items()):
                member = _member(path, node)
                archive.addfile(member, io.BytesIO(node.data) if node.data else None)
        return buffer.getvalue()

    def _add(self, path: str, node: Node) -> None:
        path = _normal(path)
        self._add_parents(path)
        self.nodes[path] = node

    def _add_parents(self, path: str) -> None:
        parent = posixpath.dirname(path)
        if parent and parent not in self.nodes and parent not in self._below:
            self._add_parents(parent)
            self.nodes[parent] = Node(0o755)

    def extract(self, folder: Path) -> None:
        """Lay the files out on the disk, over what is there."""
        for path, node in sorted(self.nodes.items()):
            place = folder / path
            if node.target is not None:
                place.unlink(missing_ok=True)
                place.symlink_to(node.target)
            elif node.data is None:
                place.mkdir(exist_ok=True)
            else:
                place.unlink(missing_ok=True)
                place.write_bytes(node.data)
                place.chmod(node.mode & 0o777)


def _normal(path: str) -> str:
    path = posixpath.normpath("/" + path).lstrip("/")
    first, _, rest = path.partition("/")
    return f"usr/{path}" if first in _MERGED and rest else path


def _member(path: str, node: Node) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.mtime = FIXED_TIME
    member.mode = node.mode
    if node.target is not None:
        member.type = tarfile.SYMTYPE
        member.linkname = node.target
    elif node.data is None:
        member.type = tarfile.DIRTYPE
    else:
        member.size = len(node.data)
    return member
