"""The files of a commit or a folder: manifests as texts, others when a manifest mounts them."""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from orchestr8.errors import ManifestError, Place, Problem
from orchestr8.manifest.model import Source
from orchestr8.manifest.text import (
    ENDINGS,
    FILE_BYTES_MAX,
    SET_BYTES_MAX,
    decode,
    looks_like_a_manifest,
)
from orchestr8.sources.objects import Entry

ENTRIES_MOST = 20_000
DEPTH_MOST = 32
LINK_BYTES_MOST = 4096
_NO_SUCH_FILE = "the source has no such file"
_STANDS_IN = b"version https://git-lfs.github.com/spec/"
"""How a text begins that Git LFS leaves in place of a file."""


class Tree(Protocol):
    """Files and folders by the hashes of what they have; what is read has its hash or is refused.

    Both raise DamagedError where it has another, and `read` OverflowError where it is larger.
    """

    def tree(self, name: str) -> list[Entry]:
        """A folder's entries."""

    def read(self, name: str, kind: str, bytes_most: int) -> bytes:
        """The content of a file, or where a link leads; its `kind` is blob."""


@dataclass(frozen=True)
class Files:
    """What lies below a path, by its path in the repository or folder."""

    texts: tuple[Source, ...]
    entries: Mapping[str, Entry] = field(repr=False)
    objects: Tree = field(repr=False)

    def read_file(self, path: str) -> bytes:
        """A file that a manifest mounts; raises OSError."""
        entry = self.entries.get(path)
        if entry is None:
            hidden = any(part.startswith(".") for part in path.split("/"))
            what = "what begins with a dot is not read in a source" if hidden else _NO_SUCH_FILE
            raise OSError(errno.ENOENT, what)
        if entry.kind != "file":
            raise OSError(errno.EINVAL, f"it is a {entry.kind}, not a file")
        try:
            content = self.objects.read(entry.id, "blob", FILE_BYTES_MAX)
        except OverflowError:
            raise OSError(errno.EFBIG, "it is larger than 1 MiB") from None
        if content.startswith(_STANDS_IN):
            raise OSError(errno.EREMOTE, "Git LFS keeps it elsewhere, and only a pointer is here")
        return content


def files_below(objects: Tree, tree: str, path: str) -> Files:
    """Everything below a path of a commit's tree.

    Raises ManifestError with what must not be there: submodules, links that lead out or that are
    named as manifests are, too many or too large files, or no manifest at all.
    """
    top = entry_at(objects, tree, path)
    if top is None or top.kind != "folder":
        what = "is not in the commit" if top is None else f"is a {top.kind}, not a folder"
        remedy = "push it, or mend the source's `path` in the platform's manifest"
        raise ManifestError((Problem(Place(path or "."), f"the path {what}", remedy),))
    found = _Walk(objects, path)
    found.folder(top.id, path, 0)
    texts = found.texts()
    if not texts and not found.problems:
        remedy = "a folder's manifests are its *.yaml and *.yml files, those of sub-folders too"
        found.note(path or ".", "no manifest in it", remedy)
    if found.problems:
        raise ManifestError(tuple(found.problems))
    return Files(tuple(texts), found.entries, objects)


def entry_at(objects: Tree, tree: str, path: str) -> Entry | None:
    """What stands at a path of a tree; the tree itself without one. Nothing is followed."""
    entry = Entry("", "folder", tree)
    for part in path.split("/") if path else ():
        if entry.kind != "folder":
            return None
        inside = (one for one in objects.tree(entry.id) if one.name == part)
        found = next(inside, None)
        if found is None:
            return None
        entry = found
    return entry


class _Walk:
    def __init__(self, objects: Tree, path: str) -> None:
        self._objects = objects
        self._path = path
        self.entries: dict[str, Entry] = {}
        self.problems: list[Problem] = []

    def note(self, path: str, what: str, remedy: str) -> None:
        self.problems.append(Problem(Place(path), what, remedy))

    def folder(self, tree: str, path: str, depth: int) -> None:
        """Hidden entries are nobody's manifests, and of no service."""
        if depth > DEPTH_MOST:
            self.note(path, f"folders more than {DEPTH_MOST} deep", "put the files further up")
            return
        for entry in self._objects.tree(tree):
            if entry.name.startswith("."):
                continue
            if len(self.entries) >= ENTRIES_MOST:
                if len(self.entries) == ENTRIES_MOST:
                    what = f"more than {ENTRIES_MOST} files below the source's path"
                    self.note(self._path or ".", what, "name the manifests' own folder as `path`")
                    self.entries[""] = entry
                return
            below = posixpath.join(path, entry.name)
            if entry.kind == "folder":
                self.folder(entry.id, below, depth + 1)
            else:
                self.entries[below] = entry
                self._judge(below, entry)

    def _judge(self, path: str, entry: Entry) -> None:
        if entry.kind == "submodule":
            what = "a submodule: what it leads to is another repository's, and is never fetched"
            self.note(path, what, "put the files themselves there")
        elif entry.kind == "link" and entry.name.endswith(ENDINGS):
            what = "a symbolic link, which is not followed in a source"
            self.note(path, what, "put the file itself there")
        elif entry.kind == "link" and self._leads_out(path, entry):
            what = "a symbolic link that leads out of the source's path"
            self.note(path, what, "take it away, or put the file itself there")
        elif entry.kind not in ("file", "link"):
            self.note(path, f"a {entry.kind}, not a file", "take it away")

    def _leads_out(self, path: str, entry: Entry) -> bool:
        try:
            target = self._objects.read(entry.id, "blob", LINK_BYTES_MOST).decode("utf-8")
        except (OverflowError, UnicodeDecodeError):
            return True
        leads_to = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        inside = self._path == "" or leads_to == self._path
        inside = inside or leads_to.startswith(self._path + "/")
        return target.startswith("/") or leads_to.split("/")[0] == ".." or not inside

    def texts(self) -> list[Source]:
        """The manifests; other programs' YAML is passed over as in a folder."""
        texts: list[Source] = []
        size = 0
        for path, entry in sorted(self.entries.items()):
            if entry.kind != "file" or not path.endswith(ENDINGS):
                continue
            try:
                content = self._objects.read(entry.id, "blob", FILE_BYTES_MAX)
                size += len(content)
                if content.startswith(_STANDS_IN):  # passed over, its services would be released
                    what = "Git LFS keeps the file elsewhere: only a pointer to it is here"
                    self.note(path, what, "keep manifests in git itself: git lfs untrack")
                elif looks_like_a_manifest(content):
                    texts.append(decode(path, content))
            except OverflowError:
                what = "the file is larger than a manifest may be (1MiB)"
                self.note(path, what, "split it into several files of one folder")
            except ManifestError as error:
                self.problems += error.problems
            if size > SET_BYTES_MAX:
                what = "the source has more than 16MiB of manifests"
                self.note(path, what, "split it into several sources")
                break
        return texts
