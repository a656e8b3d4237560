"""Where this host keeps its control groups: v1, v2, or some of each, and the files in them."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from orchestr8.errors import FeatureMissingError, RejectedError

_NO_CONTROLLERS = frozenset(
    ("rw", "ro", "noprefix", "clone_children", "xattr", "none", "cpuset_v2_mode", "seclabel")
)
_ENABLED = "cgroup.subtree_control"
_CHUNK_BYTES = 64 << 10
_VALUE_BYTES = 4 << 10
"""What can be written to a control file is read with one call, as it was written with one."""


class Hierarchy(Struct, frozen=True):
    """One mounted tree of control groups."""

    version: int
    path: Path


def by_controller() -> Mapping[str, Hierarchy]:
    """The tree of each controller of this host; a controller that is off is missing."""
    found: dict[str, Hierarchy] = {}
    for hierarchy, options in _mounted():
        names = options.split(",") if hierarchy.version == 1 else _offered(hierarchy)
        for name in sorted(set(names) - _NO_CONTROLLERS):
            found.setdefault(name, hierarchy)
    return found


class Standing(Struct):
    """The trees of some controllers, which mostly stay where they are: the table of mounts is read
    again only where one is missing, or another file system stands in its place."""

    controllers: tuple[str, ...]
    _trees: Mapping[str, Hierarchy] = field(default_factory=dict)
    _devices: Mapping[Path, int] = field(default_factory=dict)

    def trees(self) -> Mapping[str, Hierarchy]:
        """The tree of each; a controller that is off is missing."""
        is_whole = len(self._trees) == len(self.controllers)
        if not is_whole or any(_device(path) != at for path, at in self._devices.items()):
            found = by_controller()
            self._trees = {name: found[name] for name in self.controllers if name in found}
            self._devices = {tree.path: _device(tree.path) for tree in self._trees.values()}
        return self._trees


def everywhere() -> tuple[Hierarchy, ...]:
    """Every mounted tree, once each; an engine makes folders in all of them."""
    return tuple({hierarchy.path: hierarchy for hierarchy, _ in _mounted()}.values())


def require(controller: str) -> Hierarchy:
    """The tree of a controller that a quota cannot do without."""
    found = by_controller().get(controller)
    if not found:
        raise FeatureMissingError(
            f"the kernel does not account {controller} by control group",
            f"boot with cgroup_enable={controller}, or leave {controller} out of the quotas",
        )
    return found


def make(hierarchy: Hierarchy, group: str, controllers: tuple[str, ...]) -> Path:
    """The group's folder, made where it is missing, with these controllers in force in it.

    On v2 a group has a controller's files only if every group above it hands the controller down.
    """
    folder = hierarchy.path
    for part in Path(group.lstrip("/")).parts:
        if hierarchy.version == 2:
            _hand_down(folder, controllers)
        folder = folder / part
        try:
            folder.mkdir(mode=0o755, exist_ok=True)
        except OSError as error:
            raise refused(f"cannot make the control group {folder}", error) from error
    return folder


def write(file: Path | str, text: str) -> None:
    """Write one control file where it does not say so already."""
    wanted = text.encode()
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        try:
            if os.read(descriptor, _VALUE_BYTES).strip() != wanted:
                os.pwrite(descriptor, wanted, 0)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise refused(f"the kernel does not take {text} as {file}", error) from error


def put(file: Path | str, *texts: str) -> None:
    """Write to one control file, each text with a call of its own, as the kernel takes them."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for text in texts:
            os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def read(file: Path | str) -> str:
    """One control file, or the empty text where there is none."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        whole = os.read(descriptor, _CHUNK_BYTES)
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            whole += chunk
        return whole.decode().strip()
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def refused(what: str, error: OSError) -> RejectedError:
    """The kernel's no, with what to do about it."""
    match error.errno:
        case errno.EBUSY:
            remedy = (
                "the owner's boxes use more than that now; stop some, or leave the quota higher"
            )
        case errno.EINVAL:
            remedy = "a box of the owner has a higher maximum; lower that first"
        case _:
            remedy = "run as root of the host, with the control groups mounted writable"
    return RejectedError(f"{what}: {error.strerror}", remedy)


def _mounted() -> list[tuple[Hierarchy, str]]:
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - cgroup")
        if not right:
            continue
        kind, _, options = right.split(" ", 2)
        if kind in ("", "2"):
            point = left.split(" ")[4].replace("\\040", " ")
            found.append((Hierarchy(2 if kind else 1, Path(point)), options))
    return found


def _device(path: Path) -> int:
    try:
        return path.stat().st_dev
    except OSError:
        return 0


def _offered(hierarchy: Hierarchy) -> list[str]:
    return read(hierarchy.path / "cgroup.controllers").split()


def _hand_down(folder: Path, controllers: tuple[str, ...]) -> None:
    handed = read(folder / _ENABLED).split()
    missing = [name for name in controllers if name not in handed]
    if not missing:
        return
    try:
        (folder / _ENABLED).write_text(" ".join(f"+{name}" for name in missing))
    except OSError as error:
        raise RejectedError(
            f"cannot hand {', '.join(missing)} down from {folder}: {error.strerror}",
            "on a host with systemd let the engine use its systemd driver",
        ) from error
