"""Where the engine keeps its things: what outlives a reboot, and what does not.

A box's own folder in the run folder belongs to the group that is root in the box: the runtime
walks to the prepared mounts as that, and nobody else can enter.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.engines.crun import carried
from orchestr8.engines.crun.carried import Carried
from orchestr8.errors import RejectedError
from orchestr8.host import mounts, trees
from orchestr8.names import BoxId

_RECORD = "box.json"
_NEW = ".new"
_LOOK_SECONDS = 0.001


class BoxPlaces(Struct, frozen=True, dict=True):
    """The folders and files of one box; `kept` outlives a reboot."""

    kept: Path
    run: Path
    runtime: Path
    """What the runtime keeps of it."""

    @cached_property
    def gate(self) -> Path:
        """The pipe at which a created box waits; it goes when the box starts."""
        return self.runtime / "exec.fifo"

    @cached_property
    def record(self) -> Path:
        """What the box is, for whoever finds it."""
        return self.kept / _RECORD

    @cached_property
    def copy(self) -> Path:
        """The same, for whoever finds it without its folder."""
        return self.run / _RECORD

    @cached_property
    def log(self) -> Path:
        """What it wrote."""
        return self.kept / "log"

    @cached_property
    def ended(self) -> Path:
        """Its exit status, written by the monitor."""
        return self.kept / "exit"

    @cached_property
    def told(self) -> Path:
        """There if an earlier release asked it to end; today that is a line of the record."""
        return self.kept / "told"

    @cached_property
    def bundle(self) -> Path:
        """config.json, and the monitor's pipes: never shared, and one for each command too."""
        return self.run / "bundle"

    @cached_property
    def document(self) -> Path:
        """The bundle's config.json."""
        return self.bundle / "config.json"

    @cached_property
    def process(self) -> Path:
        """The process document of its program, which every command in it gets as well."""
        return self.run / "process.json"

    @cached_property
    def phases(self) -> Path:
        """How long its making and its start took."""
        return self.run / "phases"

    @cached_property
    def root(self) -> Path:
        """Where the image is mounted as the box sees it."""
        return self.run / "root"

    @cached_property
    def image(self) -> Path:
        """Where it is mounted when places in it are missing, and `root` shows both."""
        return self.run / "image"

    @cached_property
    def stubs(self) -> Path:
        """The places that the image lacks."""
        return self.run / "stubs"

    @cached_property
    def binds(self) -> Path:
        """The prepared mounts."""
        return self.run / "binds"

    def make(self, group: int) -> None:
        """Make all folders; `group` is the host's id of root in the box."""
        for folder in (self.run, self.binds):
            folder.mkdir(mode=0o700, exist_ok=True)
            os.chown(folder, 0, group)
            folder.chmod(0o710)
        self.bundle.mkdir(mode=0o700, exist_ok=True)

    @contextlib.contextmanager
    def being_made(self, seconds: float = 0) -> Iterator[bool]:
        """Whether it could be had, within a time, for oneself alone.

        Whoever makes the box holds it, and so does every child of theirs until it has become
        another program: so a maker that was killed has left none that nobody would recognise.
        """
        try:
            descriptor = os.open(self.kept, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            yield True
            return
        try:
            yield _locked(descriptor, time.monotonic() + seconds)
        finally:
            os.close(descriptor)

    def held(self) -> Carried | None:
        """What the box is; None where there is nothing that can be read."""
        found = carried.read(self.record)
        if found or self.kept.exists():
            return found
        copied = carried.read(self.copy)
        return replace(copied, stray=True) if copied else None

    @property
    def is_finished(self) -> bool:
        """Whether all that follows a start was done: no prepared mount is on the host any more, and
        what it is has its copy."""
        return self.copy.exists() and not self.root.exists()

    def drop_mounts(self) -> None:
        """Take the prepared mounts off the host; a box that was created has its own copies.

        The root goes last: by it the next look knows of what was left.
        """
        try:
            there = {one.name for one in os.scandir(self.run)}
            bound = sorted(one.name for one in os.scandir(self.binds))
        except FileNotFoundError:
            return
        for name in bound:
            mounts.release(self.binds / name)
        for target in (self.image, self.root):
            if target.name in there:
                mounts.release(target)

    def forget(self) -> None:
        """Remove everything; the absent is success. The record goes last: what it does not name
        any more would never be found."""
        self.drop_mounts()
        with contextlib.suppress(OSError):  # what is mounted there is dropped by the next try
            trees.remove(self.run)
        trees.remove(self.kept, last=_RECORD)


class Places(Struct, frozen=True, dict=True):
    """The engine's folders: `state` on a disk, `run` in memory."""

    state: Path
    run: Path

    @cached_property
    def runtime(self) -> Path:
        """crun's own state; ours alone, or another tool's prune would eat boxes."""
        return self.run / "crun"

    @cached_property
    def sockets(self) -> Path:
        """Where monitors put links to their sockets, whose paths must be short."""
        return self.run / "sockets"

    @cached_property
    def exits(self) -> Path:
        """Where monitors say that a box has ended."""
        return self.run / "exits"

    @cached_property
    def images(self) -> Path:
        """The images' store."""
        return self.state / "images"

    @cached_property
    def volumes(self) -> Path:
        """The volumes' contents and what they are."""
        return self.state / "volumes"

    def box(self, box_id: BoxId) -> BoxPlaces:
        """One box's."""
        return _box_places(self.state, self.run, self.runtime, str(box_id))

    def box_ids(self) -> list[BoxId]:
        """The boxes that have a folder, whole or not."""
        found = []
        for folder in (self._boxes, self._run_boxes):
            if folder.is_dir():
                found += [BoxId.parse(one.name) for one in folder.iterdir() if one.name != _NEW]
        return sorted(set(found))

    def copies(self) -> Iterator[Path]:
        """What the run folders of all installations have of their boxes' records."""
        run_folders = self.run.parent.parent
        return run_folders.glob(f"*/{self._run_boxes.relative_to(self.run.parent)}/*/{_RECORD}")

    def begin(self, held: Carried) -> None:
        """A box's folder appears with its record in it, before anything else of the box exists."""
        with self._alone() as fresh:
            fresh.mkdir(mode=0o700)
            carried.lay_down(fresh / _RECORD, held)
            fresh.rename(self.box(held.id).kept)

    def tidy(self) -> None:
        """Finish what was cut off where no record says so: a folder begun, a folder emptied, one
        whose record a power loss took along, as it took the box."""
        if not self._boxes.is_dir():
            return
        with self._alone():
            for folder in self._boxes.iterdir():
                with contextlib.suppress(OSError):  # most have something in them
                    if folder.name != _NEW and carried.lost(folder / _RECORD):
                        trees.remove(folder, last=_RECORD)
                    folder.rmdir()

    @cached_property
    def _boxes(self) -> Path:
        return self.state / "boxes"

    @cached_property
    def _run_boxes(self) -> Path:
        return self.run / "boxes"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[Path]:
        """Nobody else begins a box meanwhile; the one place where it is done, empty."""
        fresh = self._boxes / _NEW
        descriptor = os.open(self._boxes, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            shutil.rmtree(fresh, ignore_errors=True)
            yield fresh
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        finally:
            os.close(descriptor)

    def mark(self) -> object:
        """Equal while all of it is there and as it was made; None where something lacks."""
        folders = (self._boxes, self._run_boxes, self.runtime, self.sockets, self.exits)
        try:
            seen = [folder.stat() for folder in folders]
        except OSError:
            return None
        return tuple((one.st_dev, one.st_ino, one.st_mode) for one in seen)

    def make(self) -> None:
        """Make what every box needs."""
        for folder in (self.state, self.images, self.volumes, self._boxes):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.run, self._run_boxes):
            folder.mkdir(mode=0o711, parents=True, exist_ok=True)
            folder.chmod(0o711)
        for folder in (self.runtime, self.sockets, self.exits):
            folder.mkdir(mode=0o700, exist_ok=True)
        _require_way(self.run)


@lru_cache(maxsize=1024)
def _box_places(state: Path, run: Path, runtime: Path, name: str) -> BoxPlaces:
    return BoxPlaces(state / "boxes" / name, run / "boxes" / name, runtime / name)


def _locked(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_LOOK_SECONDS)
        else:
            return True


def _require_way(folder: Path) -> None:
    """The root of a box, nobody on the host, walks to its mounts from the top."""
    for above in folder.parents:
        if not above.stat().st_mode & 0o001:
            raise RejectedError(
                f"{above} lets nobody through but its owner, and boxes have to pass",
                f"chmod o+x {above}",
            )
