"""What hides a folder of a box is a file system in memory with nothing in it, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestr8.host import mount_calls
from orchestr8.host.mount_calls import MS_BIND, MS_RDONLY
from orchestr8.kernel import mounts
from orchestr8.kernel.inside import Inside
from tests.host.rights import needs_root

pytestmark = needs_root

MS_REMOUNT = 0x20  # include/uapi/linux/mount.h
EMPTY, VISIBLE = "empty read-only", "visible"


def nothing(_: Path) -> None:
    """Nothing is put there."""


def a_file(folder: Path) -> None:
    (folder / "secret").touch()


def a_folder(folder: Path) -> None:
    (folder / "secrets").mkdir()


def a_file_that_is_gone(folder: Path) -> None:
    (folder / "secret").touch()
    (folder / "secret").unlink()


@pytest.mark.parametrize("options", ["", "nr_inodes=0"], ids=["counted", "uncounted"])
@pytest.mark.parametrize(
    ("put", "state"),
    [(nothing, EMPTY), (a_file, VISIBLE), (a_folder, VISIBLE), (a_file_that_is_gone, EMPTY)],
)
def test_a_mask_has_nothing_in_it(
    tmp_path: Path, options: str, put: Callable[[Path], None], state: str
) -> None:
    mount_calls.mount("memory", str(tmp_path), "tmpfs", 0, options)
    try:
        put(tmp_path)
        assert mask(tmp_path) == VISIBLE, "it can be written"
        mount_calls.mount("memory", str(tmp_path), "tmpfs", MS_REMOUNT | MS_BIND | MS_RDONLY)
        assert mask(tmp_path) == state
    finally:
        mount_calls.unmount(str(tmp_path))


def test_a_file_without_a_name_shows_nothing(tmp_path: Path) -> None:
    mount_calls.mount("memory", str(tmp_path), "tmpfs", 0)
    written = os.open(tmp_path, os.O_TMPFILE | os.O_RDWR)
    read = os.open(f"/proc/self/fd/{written}", os.O_RDONLY)
    os.close(written)  # a mount that somebody writes to cannot become read-only
    try:
        mount_calls.mount("memory", str(tmp_path), "tmpfs", MS_REMOUNT | MS_BIND | MS_RDONLY)
        assert mask(tmp_path) == EMPTY
    finally:
        os.close(read)
        mount_calls.unmount(str(tmp_path))


def mask(folder: Path) -> str:
    """What hides a folder, seen as if the host were a box."""
    table = Path("/proc/thread-self/mountinfo").read_text()
    inside = Inside(os.open("/", os.O_PATH | os.O_DIRECTORY), mounts.parse(table))
    try:
        return inside.mask(str(folder))
    finally:
        inside.close()
