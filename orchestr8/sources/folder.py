"""A folder of this machine as a source: others may write there, and root reads it.

Nothing is followed and nothing is waited for. A folder is taken as it is while nobody writes to it,
and named by a hash of its names and contents; what is read later has its hash or is refused.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestr8.errors import Place, Problem, RejectedError, UnavailableError
from orchestr8.sources.files import DEPTH_MOST, ENTRIES_MOST, LINK_BYTES_MOST
from orchestr8.sources.objects import DamagedError, Entry, shown

TOTAL_BYTES_MOST = 64 << 20
"""What a folder has at most, since all of it is read at every look."""
QUIET_SECONDS = 0.5
"""For how long nothing may have changed, so that half a copy is not taken for the whole."""
PATIENCE_SECONDS = 30.0
LOOKS_LEAST = 3
"""A folder of many files, or a slow disk, may take longer for a single look than the patience."""
_ENTER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASS = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}  # fmt: skip


class Content:
    """What a folder had: `name` is its hash, `problems` why it must not be believed."""

    def __init__(self, folder: str, *, with_contents: bool) -> None:
        """Looks at everything once; raises OSError where something went meanwhile."""
        self.problems: list[Problem] = []
        self.changed_ns = 0
        self._folder = folder
        self._with_contents = with_contents
        self._stamps = hashlib.sha256()
        self._trees: dict[str, list[Entry]] = {}
        self._files: dict[str, str] = {}
        self._links: dict[str, bytes] = {}
        self._entries = 0
        self._bytes = 0
        with _opened(folder, self._judge_above) as descriptor:
            self.name = self._take_folder(descriptor, "", 0)

    @property
    def stamp(self) -> bytes:
        """The same as long as nobody has written anything."""
        return self._stamps.digest()

    def tree(self, name: str) -> list[Entry]:
        """A folder's entries."""
        return self._trees[name]

    def read(self, name: str, kind: str, bytes_most: int) -> bytes:
        """A file's content, or where a link leads.

        Raises DamagedError where it is not what it was, OverflowError above `bytes_most`.
        """
        content = self._links.get(name)
        if content is not None:
            return content
        path = self._files[name]
        try:
            parent, file_name = posixpath.split(path)
            with _opened(posixpath.join(self._folder, parent)) as folder:
                descriptor = os.open(file_name, _READ, dir_fd=folder)
                with os.fdopen(descriptor, "rb") as file:
                    content = file.read(bytes_most + 1) if _is_file(descriptor) else b""
        except OSError as error:
            raise DamagedError(f"{_shown(path)}: {error.strerror}") from error
        if len(content) > bytes_most:
            raise OverflowError
        if _hash("file", content) != name:
            raise DamagedError(f"{_shown(path)} was written to while it was read")
        return content

    def _note(self, path: str, what: str, remedy: str) -> None:
        place = posixpath.join(self._folder, path) if path else self._folder
        self.problems.append(Problem(Place(_shown(place)), what, _shown(remedy)))

    def _judge_above(self, path: str, found: os.stat_result) -> None:
        """Who may rename a folder above it might as well write to it; where /tmp's bit is set, only
        what is one's own can be renamed."""
        if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
            what = f"everybody may write to {path}, and so put another folder there"
            self._note("", what, f"chmod o-w {path}")

    def _judge(self, path: str, found: os.stat_result) -> None:
        if found.st_mode & stat.S_IWOTH:
            shown = posixpath.join(self._folder, path) if path else self._folder
            self._note(path, "everybody may write to it", f"chmod o-w {shown}")
        if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            what = "it has several names (hard links), and may be somebody else's file"
            self._note(path, what, "put a copy there")

    def _take_folder(self, descriptor: int, path: str, depth: int) -> str:
        found = os.fstat(descriptor)
        self._judge(path, found)
        self._see(path, found)
        entries: list[Entry] = []
        # what is deeper is refused by whoever looks for manifests in it
        names = sorted(os.listdir(descriptor)) if depth <= DEPTH_MOST else []
        for name in names:
            if name.startswith("."):
                continue
            self._entries += 1
            if self._entries > ENTRIES_MOST:
                if self._entries == ENTRIES_MOST + 1:
                    remedy = "name the manifests' own folder"
                    self._note("", f"more than {ENTRIES_MOST} files and folders in it", remedy)
                break
            entries.append(self._take(descriptor, name, posixpath.join(path, name), depth))
        listed = "".join(f"{one.kind} {one.id} {one.name}\0" for one in entries)
        made = _hash("folder", listed.encode())
        self._trees[made] = entries
        return made

    def _take(self, parent: int, name: str, path: str, depth: int) -> Entry:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "device")
        made = kind
        if kind == "folder":
            descriptor = os.open(name, _ENTER, dir_fd=parent)
            try:
                made = self._take_folder(descriptor, path, depth + 1)
            finally:
                os.close(descriptor)
        elif kind == "file":
            made = self._take_file(parent, name, path)
        else:
            self._see(path, found)
        if kind == "link":
            target = os.fsencode(os.readlink(name, dir_fd=parent))[: LINK_BYTES_MOST + 1]
            made = _hash(kind, target)
            self._links[made] = target
        return Entry(_shown(name), kind, made)

    def _take_file(self, parent: int, name: str, path: str) -> str:
        descriptor = os.open(name, _READ, dir_fd=parent)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise FileNotFoundError(path)
            self._judge(path, found)
            self._see(path, found)
            before, self._bytes = self._bytes, self._bytes + found.st_size
            if self._bytes > TOTAL_BYTES_MOST >= before:
                most = TOTAL_BYTES_MOST >> 20
                remedy = "keep data in volumes, and manifests in a folder of their own"
                self._note("", f"more than {most} MiB in it", remedy)
            if not self._with_contents or self._bytes > TOTAL_BYTES_MOST:
                return ""
            hashed = hashlib.sha256(b"file\0")
            while piece := file.read(1 << 20):
                hashed.update(piece)
            if _stamp(os.fstat(descriptor)) != _stamp(found):
                raise FileNotFoundError(path)
        self._files[hashed.hexdigest()] = path
        return hashed.hexdigest()

    def _see(self, path: str, found: os.stat_result) -> None:
        self.changed_ns = max(self.changed_ns, found.st_ctime_ns)
        self._stamps.update(os.fsencode(path) + _stamp(found))


def content_of(folder: str) -> Content:
    """What a folder has, once nobody writes to it.

    Raises RejectedError where it is not there or not a folder, UnavailableError where it was
    written to at each of LOOKS_LEAST looks, and for PATIENCE_SECONDS.
    """
    began, looks = time.monotonic(), 0
    while looks < LOOKS_LEAST or time.monotonic() - began < PATIENCE_SECONDS:
        looks += 1
        try:
            before = Content(folder, with_contents=False)
            rests_ns = time.time_ns() - before.changed_ns
            left = QUIET_SECONDS - rests_ns / 1e9
            # a clock that was set back makes the newest change one of the future
            if 0 < left <= QUIET_SECONDS:
                time.sleep(left)
                continue
            taken = Content(folder, with_contents=True)
        except (FileNotFoundError, NotADirectoryError):
            _require(folder)
            continue
        except OSError as error:
            raise _unreadable(folder, error) from error
        if taken.stamp == before.stamp:
            return taken
    seconds = time.monotonic() - began
    raise UnavailableError(
        f"{folder} was written to at each of {looks} looks within {seconds:.0f} s",
        "keep what changes by itself out of it",
    )


def _require(folder: str) -> None:
    """Raises RejectedError unless the folder itself is there."""
    try:
        with _opened(folder):
            return
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: str, error: OSError) -> RejectedError:
    return RejectedError(
        f"the folder {folder} cannot be read: {(error.strerror or 'it changes').lower()}",
        "look whether it is there, and a folder by each part of its path: links are not followed",
    )


@contextmanager
def _opened(path: str, above: Callable[[str, os.stat_result], None] | None = None) -> Iterator[int]:
    """A folder, come to part by part from the root so that no link leads elsewhere; `above` is told
    of each folder on the way. Raises OSError."""
    at, here = os.open("/", _PASS), "/"
    try:
        for part in path.strip("/").split("/"):
            if above:
                above(here, os.fstat(at))
            deeper = os.open(part, _PASS, dir_fd=at)
            os.close(at)
            at, here = deeper, posixpath.join(here, part)
        descriptor = os.open(".", _ENTER, dir_fd=at)
    finally:
        os.close(at)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _shown(path: str) -> str:
    return shown(os.fsencode(path))


def _is_file(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def _hash(kind: str, content: bytes) -> str:
    return hashlib.sha256(kind.encode() + b"\0" + content).hexdigest()


def _stamp(found: os.stat_result) -> bytes:
    facts = (found.st_dev, found.st_ino, found.st_mode, found.st_nlink, found.st_size,
             found.st_mtime_ns, found.st_ctime_ns)  # fmt: skip
    return repr(facts).encode()
