"""The files that a box's output lies in, of which none is lost though nobody of ours stands by.

The monitor writes to `log`. When that is full, or when it is told to, it opens `log.tmp` and moves
it over `log`; what was there would be gone. So each file has a second name, which is ours, and the
next file lies ready as `log.tmp` before it is needed, with its second name as well. Whoever looks
at boxes tends to their logs: a file that has grown is changed for the next while it is far from
full, a fresh one is laid down, and the oldest go. If nobody looks, two files can become full and
none of their lines is lost; only of those between them and the newest file nobody knows.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from orchestr8.engines.crun.places import BoxPlaces

FILE_BYTES_MAX = 10 << 20
"""The monitor changes to the next file before one is larger."""
CHANGE_BYTES = 4 << 20
"""Whoever looks has it change from this size on."""
KEPT_BYTES = 10 << 20
"""At least so much is kept of what a box wrote."""
_FULL_BYTES = FILE_BYTES_MAX - (256 << 10)
"""A file that was left by the monitor of its own accord has at least this size."""
_PIECES_BYTES_MAX = 1 << 20
"""Pieces that lie farther from a file's end do not begin a line that is still shown."""
_REOPEN = b"2 0 0\n"
_CHANGE_SECONDS = 0.5
_LOOK_SECONDS = 0.002
_TRIES = 20


class LogFile(Struct, frozen=True):
    """One file; `gap` says that lines before it may be missing."""

    path: Path
    number: int
    gap: bool


class LogFiles(Struct, frozen=True):
    """Those of one box. Every call is harmless for a box that is gone."""

    box: BoxPlaces

    def tend(self) -> None:
        """Give each file its second name, change to the next in time, and let the oldest go."""
        log = self.box.log
        with contextlib.suppress(FileNotFoundError):
            size = log.stat().st_size
            if size < CHANGE_BYTES and self._spare.exists():
                return
            with self._alone():
                self._change(size)

    def begin(self) -> None:
        """Lay down the first file and the next, before the box writes anything."""
        with self._alone():
            # The monitor may have been here before; a box at its gate has written nothing.
            os.close(os.open(self.box.log, os.O_CREAT | os.O_CLOEXEC, 0o600))
            os.link(self.box.log, self._folder / "1")
            self._lay_down(self._folder / "2")

    def written(self) -> tuple[LogFile, ...]:
        """The files that were written to, oldest first, the newest last."""
        newest = _inode(self.box.log)
        found = []
        for one in self._named():
            found.append(one)
            if _inode(one.path) == newest:
                return tuple(found)
        return tuple(found[:-1] if self._spare.exists() else found)

    @property
    def _folder(self) -> Path:
        return self.box.kept / "logs"

    @property
    def _spare(self) -> Path:
        return self.box.log.with_name(f"{self.box.log.name}.tmp")

    def _named(self) -> list[LogFile]:
        found = []
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            number, _, mark = path.name.partition("-")
            found.append(LogFile(path, int(number), bool(mark)))
        return sorted(found, key=_number)

    def _change(self, size: int) -> None:
        self._name_all()
        inode = _inode(self.box.log)
        if size >= CHANGE_BYTES and self._told_to_change():
            deadline = time.monotonic() + _CHANGE_SECONDS
            while _inode(self.box.log) == inode and time.monotonic() < deadline:
                time.sleep(_LOOK_SECONDS)
            self._name_all()
        self._drop_oldest()

    def _name_all(self) -> None:
        """The monitor may change files at any moment, so it is looked at again after each step."""
        for _ in range(_TRIES):
            named = self._named()
            ready = self._ready(named)
            with _opened(self.box.log) as newest:
                inode = os.fstat(newest).st_ino
                if all(_inode(one.path) != inode for one in named):
                    self._name(newest, named, ready)
                    continue
            if ready:
                return
            self._lay_down(self._folder / str(named[-1].number + 1))

    def _ready(self, named: list[LogFile]) -> LogFile | None:
        """The file that the monitor will take next, if one lies there."""
        spare = _inode(self._spare)
        return next((one for one in named if _inode(one.path) == spare), None)

    def _name(self, newest: int, named: list[LogFile], ready: LogFile | None) -> None:
        """Give the open newest file its second name: after all others, but for the one that lies
        ready. By its descriptor: another one may have its first name by now."""
        if self._ready(named) != ready:
            return
        if ready:
            ready.path.rename(self._folder / str(ready.number + 1))
        before = max((one for one in named if one != ready), key=_number, default=None)
        number = ready.number if ready else before.number + 1 if before else 1
        gap = before is not None and _size(before.path) >= _FULL_BYTES
        with contextlib.suppress(FileNotFoundError):  # it is gone already
            os.link(
                f"/proc/self/fd/{newest}", self._folder / f"{number}{'-gap' if gap else ''}",
                src_dir_fd=newest, follow_symlinks=True,
            )  # fmt: skip

    def _lay_down(self, file: Path) -> None:
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        try:
            os.link(file, self._spare)
        except FileExistsError:  # the monitor is changing to one of its own
            file.unlink()

    def _told_to_change(self) -> bool:
        """Whether the monitor is there to hear it."""
        try:
            control = os.open(self.box.bundle / "ctl", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return os.write(control, _REOPEN) == len(_REOPEN)
        except OSError:
            return False
        finally:
            os.close(control)

    def _drop_oldest(self) -> None:
        """Let the oldest go, but for the beginning of a line that goes on in the one behind it."""
        files, dropped = list(self.written()), []
        sizes = [one.path.stat().st_size for one in files]
        while len(files) > 1 and sum(sizes) - sizes[0] >= KEPT_BYTES:
            dropped.append(files.pop(0).path)
            sizes.pop(0)
        for path in dropped[:-1]:
            path.unlink()
        for path in dropped[-1:]:
            begun = _begun(path)
            if not begun:
                path.unlink()
            elif len(begun) != path.stat().st_size:
                rest = self.box.kept / "log.rest"
                rest.write_bytes(begun)
                rest.rename(path)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _begun(path: Path) -> bytes:
    """The pieces at a file's end of lines that do not end in it, as they stand there."""
    with path.open("rb") as opened:
        opened.seek(max(0, _size(path) - _PIECES_BYTES_MAX))
        records = opened.read().splitlines(keepends=True)
    begun: dict[bytes, list[bytes]] = {}
    for record in records:
        _, stream, kind, *_ = (*record.split(b" ", 3), b"", b"", b"")
        if kind == b"P":
            begun.setdefault(stream, []).append(record)
        else:
            begun.pop(stream, None)
    return b"".join(record for pieces in begun.values() for record in pieces)


def _number(file: LogFile) -> int:
    return file.number


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _inode(path: Path) -> int:
    """Of an absent one none that any file has."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
