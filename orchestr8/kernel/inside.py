"""What stands at paths inside a box: masks, read-only places, device nodes.

Every path is walked by openat2 with the box's root as root, and opened by O_PATH only, so that no
link, device or file server of the workload's choice is ever entered.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from orchestr8.kernel import files, syscalls
from orchestr8.proof.model import Mount

_NULL = os.makedev(1, 3)
_NODES_MAX = 4096
_DEPTH_MAX = 6
_CORES = "/sys/devices/system/cpu"
_ABSENT = (2, 20)  # ENOENT, ENOTDIR


@dataclass
class Inside:
    """A box's tree, seen from its root. `close` it after use."""

    root: int
    mounts: Sequence[Mount]
    _by_id: dict[int, Mount] = field(init=False)

    def __post_init__(self) -> None:
        self._by_id = {mount.id: mount for mount in self.mounts}

    @classmethod
    def of(cls, task_folder: int, mounts: Sequence[Mount]) -> Inside:
        """The tree of the task whose /proc folder is open."""
        flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
        return cls(os.open("root", flags, dir_fd=task_folder), mounts)

    def close(self) -> None:
        """Let go of the box's root."""
        os.close(self.root)

    def _open(self, path: str) -> int | None:
        """A descriptor that only points; None if nothing is there."""
        try:
            return syscalls.open_inside(
                self.root, path.lstrip("/") or ".", os.O_PATH | os.O_NOFOLLOW
            )
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise

    def _mount_at(self, number: int, path: str) -> Mount | None:
        """The mount of this id, if it is mounted exactly at `path`."""
        mount = self._by_id.get(number)
        return mount if mount and mount.target == path else None

    def mask(self, path: str) -> str:
        """What hides `path`: "absent", "null device", "empty read-only", or "visible".

        The device number alone proves nothing: the mask of CVE-2025-31133 was a bind of a target
        of the attacker's choice. It takes the mount at this very path and its root as well.
        """
        descriptor = self._open(path)
        if descriptor is None:
            return "absent"
        try:
            number, mode, device = syscalls.statx(descriptor, "", syscalls.AT_EMPTY_PATH)
            mount = self._mount_at(number, path)
            if mount is None:
                return "visible"
            if stat.S_ISCHR(mode) and device == _NULL and mount.root == "/null":
                return "null device"
            if stat.S_ISDIR(mode) and mount.type == "tmpfs":
                seen = os.fstatvfs(descriptor)
                if seen.f_flag & os.ST_RDONLY and self._is_empty(descriptor, seen):
                    return "empty read-only"
            return "visible"
        finally:
            os.close(descriptor)

    @staticmethod
    def _is_empty(descriptor: int, seen: os.statvfs_result) -> bool:
        # only ever a tmpfs, which answers by itself, and counts its root as its first file
        if seen.f_files - seen.f_ffree == 1:
            return True
        folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=descriptor)
        try:
            return not files.names(folder)
        finally:
            os.close(folder)

    def writability(self, path: str) -> str:
        """ "absent", "read-only", "root only" (uid 0 alone may write there) or "writable"."""
        descriptor = self._open(path)
        if descriptor is None:
            return "absent"
        try:
            if os.fstatvfs(descriptor).f_flag & os.ST_RDONLY:
                return "read-only"
            found = os.fstat(descriptor)
            return "writable" if found.st_uid or found.st_mode & 0o022 else "root only"
        finally:
            os.close(descriptor)

    def capacity(self, path: str) -> int:
        """The bytes that the file system mounted at `path` can hold, as the kernel counts them."""
        descriptor = self._open(path)
        if descriptor is None:
            raise OSError(2, "nothing is mounted there", path)
        try:
            number, _, _ = syscalls.statx(descriptor, "", syscalls.AT_EMPTY_PATH)
            if self._mount_at(number, path) is None:
                raise OSError(2, "nothing is mounted there", path)
            seen = os.fstatvfs(descriptor)
            return seen.f_blocks * seen.f_frsize
        finally:
            os.close(descriptor)

    def device_nodes(self) -> tuple[str, ...]:
        """Every node below /dev as `null c 1:3`, sorted; mounts with nodev cannot have any."""
        found: list[str] = []
        waiting = [("dev", 0)]
        seen = 0
        while waiting:
            folder, depth = waiting.pop()
            for name, mode, device in self._entries(folder):
                seen += 1
                if seen > _NODES_MAX:
                    raise OSError(7, f"more than {_NODES_MAX} entries", "/dev")
                path = f"{folder}/{name}"
                if stat.S_ISDIR(mode) and depth < _DEPTH_MAX:
                    waiting.append((path, depth + 1))
                elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
                    kind = "c" if stat.S_ISCHR(mode) else "b"
                    numbers = f"{os.major(device)}:{os.minor(device)}"
                    found.append(f"{path.removeprefix('dev/')} {kind} {numbers}")
        return tuple(sorted(found))

    def _entries(self, folder: str) -> list[tuple[str, int, int]]:
        """Name, mode and device number of what a folder holds; nothing where nodes cannot be."""
        pointer = self._open(folder)
        if pointer is None:
            return []
        try:
            number, _, _ = syscalls.statx(pointer, "", syscalls.AT_EMPTY_PATH)
            mount = self._by_id.get(number)
            if mount and "nodev" in mount.options:
                return []
            listed = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=pointer)
        finally:
            os.close(pointer)
        entries = []
        try:
            for name in files.names(listed):
                with suppress(FileNotFoundError):
                    found = os.stat(name, dir_fd=listed, follow_symlinks=False)
                    entries.append((files.decode(os.fsencode(name)), found.st_mode, found.st_rdev))
        finally:
            os.close(listed)
        return entries


def host_devices(nodes: Sequence[str]) -> dict[str, str]:
    """What the host has under the names of a box's nodes: `fuse` to `c 10:229`."""
    found = {}
    for node in nodes:
        name = node.rsplit(" ", 2)[0]
        if ".." in name.split("/") or "\\" in name:
            continue
        with suppress(OSError, ValueError):
            state = os.lstat(f"/dev/{name}")
            kinds = {stat.S_IFCHR: "c", stat.S_IFBLK: "b"}
            kind = kinds.get(stat.S_IFMT(state.st_mode))
            if kind:
                found[name] = f"{kind} {os.major(state.st_rdev)}:{os.minor(state.st_rdev)}"
    return found


def thermal_paths() -> tuple[str, ...]:
    """The folders in which this host counts how often a core was slowed: a side channel."""
    with suppress(OSError), os.scandir(_CORES) as cores:
        paths = [f"{core.path}/thermal_throttle" for core in cores if core.name.startswith("cpu")]
        return tuple(sorted(path for path in paths if files.identity(path)))
    return ()
