"""The run folder, and binds below it that already are what a box shall see.

The engine binds them into boxes as they are and changes no flag. Each is private to itself (what is
mounted below the source later never appears), but its place lies on a shared mount: an engine
in a mount namespace of its own, if that follows ours, sees it all the same.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from orchestr8.errors import FeatureMissingError, RejectedError
from orchestr8.host import mount_calls, mount_table, user_namespaces
from orchestr8.names import BoxId

_MEMORY_OPTIONS = "mode=0711,size=256m,nr_inodes=65536"
_OPTIONS = {
    mount_calls.MOUNT_ATTR_RDONLY: "ro",
    mount_calls.MOUNT_ATTR_NOSUID: "nosuid",
    mount_calls.MOUNT_ATTR_NODEV: "nodev",
    mount_calls.MOUNT_ATTR_NOEXEC: "noexec",
}

_FLAGS = {
    os.ST_RDONLY: "ro",
    os.ST_NOSUID: "nosuid",
    os.ST_NODEV: "nodev",
    os.ST_NOEXEC: "noexec",
}


class IdMap(Struct, frozen=True):
    """Whose files a source holds, and as whose the box sees them; all other ids are nobody's."""

    uid_from: int
    gid_from: int
    uid_to: int
    gid_to: int
    count: int = 1


class RunFolder(Struct, frozen=True, dict=True):
    """What lives until the next reboot: staged files and secrets, and binds. In memory only."""

    path: Path

    @cached_property
    def boxes(self) -> Path:
        """One folder a box, for writing."""
        return self.path / "boxes"

    @cached_property
    def shown(self) -> Path:
        """The same folders, read-only for everybody: what the engine binds from."""
        return self.path / "shown"

    @cached_property
    def binds(self) -> Path:
        """One folder a box, with a mount for each of its volumes."""
        return self.path / "binds"

    def ensure(self) -> None:
        """Make the folder in memory, shared, and what belongs in it; repeating is harmless.

        Where it lies on a disk, a small file system in memory is put over it: a secret never
        reaches a disk, and no box's files can fill the host's memory.
        """
        try:
            self._ensure()
        except OSError as error:
            raise mount_calls.failure(f"cannot set up {self.path}", error) from error

    def mark(self) -> object:
        """Equal while nothing of it has been taken away or mounted over; None where it lacks.

        Much cheaper than to make it ready again, which reads the host's table of mounts.
        """
        try:
            seen = [place.stat() for place in (self.path, self.boxes, self.shown)]
            read_only = os.statvfs(self.shown).f_flag & os.ST_RDONLY
        except OSError:
            return None
        return (read_only, *((one.st_dev, one.st_ino, one.st_mode, one.st_uid) for one in seen))

    def _ensure(self) -> None:
        for folder, mode in ((self.path.parent, 0o755), (self.path, 0o711)):
            if not folder.is_dir():
                folder.mkdir(mode=mode, parents=True, exist_ok=True)
                folder.chmod(mode)  # whatever the umask is: the root of a box passes here
        target = str(self.path)
        if mount_table.holding(self.path).kind not in ("tmpfs", "ramfs"):
            _mount_memory(target)
        if not mount_table.holding(self.path).shared:
            # The mount below may be somebody else's: only one of its own is ours to share.
            if not mount_table.at(self.path):
                mount_calls.mount(target, target, "", mount_calls.MS_BIND)
            mount_calls.mount("", target, "", mount_calls.MS_SHARED)
        owner = self.path.stat()
        if owner.st_uid != os.geteuid() or owner.st_mode & 0o022:
            raise RejectedError(
                f"{self.path} can be written by others", f"chown root: {self.path}; chmod 711 it"
            )
        for folder in (self.boxes, self.shown, self.binds):
            folder.mkdir(mode=0o700, exist_ok=True)
        attach(self.boxes.resolve(), self.shown, read_only=True)


class Binds(Struct, frozen=True):
    """Mounts that were made for one box each."""

    run: RunFolder

    def bind(
        self,
        box_id: BoxId,
        source: Path,
        *,
        read_only: bool,
        executable: bool = False,
        idmap: IdMap | None = None,
    ) -> Path:
        """Show a file or folder of the host to one box; gives the path to bind from.

        Never set-uid, never devices; executable only if asked. Repeating gives the same path.
        """
        wanted = f"{source} {read_only} {executable} {idmap}"
        folder = self.run.binds / str(box_id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = folder / hashlib.sha256(wanted.encode()).hexdigest()[:16]
        attach(source, target, read_only=read_only, executable=executable, idmap=idmap)
        return target

    def release(self, box_id: BoxId) -> None:
        """Take all of a box's mounts away; the absent is success."""
        folder = self.run.binds / str(box_id)
        with contextlib.suppress(FileNotFoundError):
            for target in folder.iterdir():
                release(target)
            folder.rmdir()


def attach(
    source: Path,
    target: Path,
    *,
    read_only: bool,
    executable: bool = False,
    idmap: IdMap | None = None,
) -> None:
    """Mount a file or folder at `target` as it shall be seen; what is there already is kept.

    No part of `source` may be a link: an owner may own a folder on the way.
    """
    try:
        opened = mount_calls.open_straight(str(source), os.O_PATH)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RejectedError(
                f"a part of {source} is a link", f"name {source.resolve()} itself, if it is meant"
            ) from error
        raise mount_calls.failure(f"cannot open {source}", error) from error
    try:
        seen = os.fstat(opened)
        attributes = _attributes(read_only, executable)
        if os.path.lexists(target):
            if _is_attached(seen, target, attributes, idmap):
                return
            release(target)
        if stat.S_ISDIR(seen.st_mode):
            target.mkdir(mode=0o700)
        else:
            target.touch(mode=0o600)
        _attach(opened, target, attributes, idmap)
    finally:
        os.close(opened)


def attach_copy(tree: int, target: Path, *, read_only: bool, idmap: IdMap | None = None) -> None:
    """Mount a detached copy of a folder's mount at `target`."""
    target.mkdir(mode=0o700, exist_ok=True)
    _settle(tree, target, _attributes(read_only, executable=False), idmap)


def attach_layers(layers: Sequence[Path], target: Path) -> None:
    """Show several folders as one, the first on top; nothing can be written there."""
    flags = mount_calls.MS_RDONLY | mount_calls.MS_NOSUID | mount_calls.MS_NODEV
    stacked = ":".join(str(layer) for layer in layers)
    try:
        mount_calls.mount("overlay", str(target), "overlay", flags, f"lowerdir={stacked}")
    except OSError as error:
        raise mount_calls.failure(f"cannot mount layers at {target}", error) from error


def flags(path: Path) -> tuple[str, ...]:
    """The flags of the mount that a path is seen through, as mount options."""
    found = os.statvfs(path).f_flag
    return tuple(word for flag, word in _FLAGS.items() if found & flag)


def release(target: Path) -> None:
    """Take a mount and its place away; lazily, since a process may still look at it."""
    try:
        while mount_calls.unmount(str(target)):
            pass
        target.rmdir() if target.is_dir() else target.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise mount_calls.failure(f"cannot release {target}", error) from error


def _attributes(read_only: bool, executable: bool) -> int:
    attributes = mount_calls.MOUNT_ATTR_NOSUID | mount_calls.MOUNT_ATTR_NODEV
    if read_only:
        attributes |= mount_calls.MOUNT_ATTR_RDONLY
    if not executable:
        attributes |= mount_calls.MOUNT_ATTR_NOEXEC
    return attributes


def _mount_memory(target: str) -> None:
    flags = mount_calls.MS_NOSUID | mount_calls.MS_NODEV | mount_calls.MS_NOEXEC
    try:
        mount_calls.mount("orchestr8", target, "tmpfs", flags, f"{_MEMORY_OPTIONS},noswap")
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # Before Linux 6.4 such a file system may be swapped out.
        mount_calls.mount("orchestr8", target, "tmpfs", flags, _MEMORY_OPTIONS)


def _is_attached(
    source: os.stat_result, target: Path, attributes: int, idmap: IdMap | None
) -> bool:
    mounted = mount_table.at(target)
    if not mounted:
        return False
    there = target.stat()
    options = {word for flag, word in _OPTIONS.items() if attributes & flag}
    if idmap:
        options.add("idmapped")
    same = (there.st_dev, there.st_ino) == (source.st_dev, source.st_ino)
    return same and options <= mounted.options


def _attach(opened: int, target: Path, attributes: int, idmap: IdMap | None) -> None:
    try:
        tree = mount_calls.clone_tree(opened)
    except OSError as error:
        release(target)
        raise mount_calls.failure(f"cannot mount at {target}", error) from error
    try:
        _settle(tree, target, attributes, idmap)
    finally:
        os.close(tree)


def _settle(tree: int, target: Path, attributes: int, idmap: IdMap | None) -> None:
    """Put a detached tree in its place, as it shall be seen."""
    try:
        if idmap:
            _set_mapped(tree, attributes, idmap)
        else:
            mount_calls.set_attributes(tree, attributes, None)
        mount_calls.move_tree(tree, str(target))
    except OSError as error:
        release(target)
        raise mount_calls.failure(f"cannot mount at {target}", error) from error


def _set_mapped(tree: int, attributes: int, idmap: IdMap) -> None:
    ids = (idmap.uid_from, idmap.uid_to, idmap.gid_from, idmap.gid_to)
    with user_namespaces.mapping(*ids, idmap.count) as namespace:
        try:
            mount_calls.set_attributes(tree, attributes, namespace)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            raise FeatureMissingError(
                "the file system of the volumes cannot show files under another owner",
                "keep the engine's data on ext4, xfs or btrfs, with Linux 5.15 or later",
            ) from error
