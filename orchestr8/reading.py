"""From the paths that were typed to the bytes of manifests, and to the files that lie beside them.

Only regular files are read, never more of them than a manifest may have, and nothing waits: a pipe
or a device under a typed name is a problem for the reader. A path that was typed may be a symbolic
link; inside a folder links are not followed, since a folder's content is not what was typed.

Who has a server read nothing but what is sent needs this and little else, so that it is small: the
standard library, and of that what costs no time.
"""

from __future__ import annotations

import errno
import os
import posixpath
import re
import stat
import sys
from collections.abc import Iterable, Sequence

STANDARD_INPUT = "-"
ENDINGS = (".yaml", ".yml")
"""How manifests in a folder are named."""
ENTRIES_MOST = 20_000
FILE_BYTES_MAX = 1 << 20
"""What one manifest has at most."""
SET_BYTES_MAX = 16 << 20
"""What all manifests of a set have at most."""
# As text: it is compiled when a folder is read.
_MANIFEST = r"""(?mx)\A\s*[{\[] | ^["']?(?:orchestr8|owner|services|platform|defaults)["']?\s*:"""
PLAN_KIND = "plan file"
PLAN_BYTES_MOST = 64 << 20
_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
NO_TEXT = ("the bytes of its name are not UTF-8", "give it another name")
_NO_MANIFEST = "a folder's manifests are its *.yaml and *.yml files, those of sub-folders too"


class Found:
    """What was found: names and contents in the order in which they were read, the YAML files of
    folders that are no manifests, and of each problem a path, what is wrong, and the remedy."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, bytes]] = []
        self.passed_over: list[str] = []
        self.problems: list[tuple[str, str, str]] = []


def read(paths: Sequence[str]) -> Found:
    """Everything under these paths."""
    return _Reading(paths).found


class _Reading:
    """One command line, while its paths are walked."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.found = Found()
        self._seen: set[tuple[int, int]] = set()
        self._entries = 0
        self._bytes = 0
        for path in paths:
            self._take(path)
        if not self.found.problems and not self.found.texts:
            self._note(paths[0] if paths else ".", "no manifest in it", _NO_MANIFEST)

    def _note(self, path: str, what: str, remedy: str = "") -> None:
        self.found.problems.append((path, what, remedy))

    def _keep(self, name: str, content: bytes) -> None:
        self._bytes += len(content)
        self.found.texts.append((name, content))

    def _take(self, path: str) -> None:
        """One path as it was typed."""
        if path == STANDARD_INPUT:
            self._standard_input()
            return
        try:
            found = os.stat(path)  # noqa: PTH116  (pathlib costs a short command its time)
        except (OSError, ValueError) as error:
            self._note(path, _reason(error), _near(path))
            return
        if stat.S_ISDIR(found.st_mode):
            self._folder(path)
        else:
            self._file(path, found, follow=True)

    def _standard_input(self) -> None:
        if any(name == STANDARD_INPUT for name, _ in self.found.texts):
            self._note(STANDARD_INPUT, "standard input can be read once", "name it once")
            return
        if sys.stdin.isatty():
            print("reading a manifest from standard input; Ctrl-D ends it", file=sys.stderr)
        self._keep(STANDARD_INPUT, sys.stdin.buffer.read(FILE_BYTES_MAX + 1))

    def _folder(self, path: str) -> None:
        """Everything below a folder in the order of names; hidden entries are not manifests."""
        try:
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self._note(path, _reason(error))
            return
        self._entries += len(entries)
        if self._entries > ENTRIES_MOST:
            self._note(path, f"more than {ENTRIES_MOST} entries", "name the manifests' own folder")
            return
        for entry in entries:
            if not entry.name.startswith("."):
                self._entry(entry)

    def _entry(self, entry: os.DirEntry[str]) -> None:
        is_manifest = entry.name.endswith(ENDINGS)
        if entry.is_dir(follow_symlinks=False):
            self._folder(entry.path)
        elif entry.is_symlink() and (is_manifest or _leads_to_folder(entry)):
            what = "a symbolic link, which is not followed inside a folder"
            self._note(entry.path, what, "name what it leads to on the command line")
        elif is_manifest:
            self._file(entry.path, entry.stat(follow_symlinks=False), follow=False)

    def _file(self, path: str, found: os.stat_result, *, follow: bool) -> None:
        if (found.st_dev, found.st_ino) in self._seen or self._bytes > SET_BYTES_MAX:
            return
        self._seen.add((found.st_dev, found.st_ino))
        if not is_text(path):
            self._note(path, *NO_TEXT)
            return
        if not stat.S_ISREG(found.st_mode):
            remedy = "pipe it in and write - for standard input" if follow else "take it away"
            self._note(path, f"{_kind(found.st_mode)}, not a file", remedy)
            return
        try:
            content = _read_whole(os.open(path, _OPEN | (0 if follow else os.O_NOFOLLOW)))
        except OSError as error:
            self._note(path, _reason(error))
            return
        if not follow and not looks_like_a_manifest(content):
            self.found.passed_over.append(path)
            return
        self._keep(path, content)


def is_text(name: str) -> bool:
    """Whether a name is UTF-8 on the disk: only such a one can be stored and sent."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def looks_like_a_manifest(content: bytes) -> bool:
    """A folder also holds YAML for other programs, often for those that run in the boxes.

    What has none of a manifest's top-level keys is theirs; what is empty or unreadable counts as
    ours, so that somebody hears of it.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return True
    bare = all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines())
    return bare or re.search(_MANIFEST, text) is not None


def is_plan_file(content: bytes) -> bool:
    """Whether a text is a plan file and no manifest; manifests may be JSON as well."""
    return content.lstrip()[:1] == b"{" and f'"kind": "{PLAN_KIND}"'.encode() in content


def plan_file(paths: Iterable[str]) -> tuple[str, bytes] | None:
    """The first plan file among these paths, or None: whoever reads manifests says what is wrong
    with the others."""
    contents = ((path, _plan_content(path)) for path in paths)
    return next(((path, content) for path, content in contents if content is not None), None)


def _plan_content(path: str) -> bytes | None:
    try:
        with open(os.open(path, _OPEN), "rb") as file:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or file.read(1) != b"{":
                return None
            file.seek(0)
            content = file.read(PLAN_BYTES_MOST)
    except (OSError, ValueError):
        return None
    return content if is_plan_file(content) else None


def read_beside(names: Iterable[str], path: str) -> bytes:
    """A file that a manifest mounts, by its path as the manifest's own name is seen.

    `names` are those of the manifests. No part of the path below the manifest's folder may be a
    symbolic link. Raises OSError.
    """
    on_disk = (name for name in names if name != STANDARD_INPUT)
    folders = {posixpath.normpath(posixpath.dirname(name)) for name in on_disk}
    fitting = [folder for folder in folders if _below(path, folder)]
    if not fitting:
        raise OSError(errno.ENOENT, "standard input has no files beside it")
    folder = max(fitting, key=len)
    return _read_below(folder, path if folder == "." else path[len(folder) :].lstrip("/"))


def _below(path: str, folder: str) -> bool:
    if folder == ".":
        return not path.startswith(("/", "../"))
    return path.startswith(folder.rstrip("/") + "/")


def _read_below(folder: str, path: str) -> bytes:
    """Walks from a folder part by part, so that no link leads out of it."""
    *parents, name = path.split("/")
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for parent in parents:
            deeper = _open_in(at, parent, os.O_DIRECTORY)
            os.close(at)
            at = deeper
        found = os.stat(name, dir_fd=at, follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, f"it is {_kind(found.st_mode)}, not a file")
        return _read_whole(_open_in(at, name, os.O_NONBLOCK))
    finally:
        os.close(at)


def _open_in(folder: int, name: str, flags: int) -> int:
    try:
        return os.open(name, _OPEN | os.O_NOFOLLOW | flags, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            what = f"{name} is a symbolic link or no folder; links are not followed here"
            raise OSError(error.errno, what) from error
        raise


def _read_whole(descriptor: int) -> bytes:
    """A regular file's content, at most one byte more than a file may have."""
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a file any more")
        return file.read(FILE_BYTES_MAX + 1)


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"), (stat.S_ISLNK, "a symbolic link"), (stat.S_ISDIR, "a folder"),
    )  # fmt: skip
    return next((word for is_kind, word in kinds if is_kind(mode)), "something else")


def _reason(error: OSError | ValueError) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return (reason or "it cannot be read").lower()


def _near(path: str) -> str:
    """A name beside it that is much alike."""
    from difflib import get_close_matches

    folder, name = posixpath.split(path)
    try:
        with os.scandir(folder or ".") as listing:
            names = [entry.name for entry in listing]
    except (OSError, ValueError):
        return f"there is no folder {folder}" if folder else ""
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    return f'did you mean "{posixpath.join(folder, close[0])}"?' if close else ""
