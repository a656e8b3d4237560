"""Volumes with a size, on a real disk, in a mount namespace of each test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestr8.errors import FeatureMissingError, RejectedError
from orchestr8.host import loop_devices, volume_images
from orchestr8.host.volume_folders import VolumeFolders
from tests.host.disk import folder_on_disk
from tests.host.namespaces import with_own_mounts
from tests.host.rights import needs_root

pytestmark = [
    needs_root,
    pytest.mark.skipif(bool(volume_images.missing()), reason=volume_images.missing() or "-"),
]

MIB = 1 << 20
UID = 70_000
SYS_RESOURCE = 24


def can_grow_in_use() -> bool:
    effective = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if "CapEff" in line
    )
    return bool(int(effective.split()[1], 16) >> SYS_RESOURCE & 1)


@contextmanager
def volumes() -> Iterator[VolumeFolders]:
    """Folders of volumes; what is mounted there goes with the test's mount namespace."""
    with folder_on_disk() as folder:
        made = VolumeFolders(folder / "volumes")
        try:
            yield made
        finally:
            for name in ("data", "other"):
                made.delete(name)


def filled(folder: Path) -> int:
    """How many bytes fit."""
    written = 0
    with (folder / "big").open("wb", buffering=0) as file:
        try:
            while True:
                written += file.write(b"x" * 65_536)
        except OSError:
            return written


@pytest.mark.parametrize("size", [16, 64, 300])
def test_a_size_in_an_image_is_read_back_exactly(size: int, tmp_path: Path) -> None:
    for size_bytes in (size * MIB, size * MIB + 4096 * 7):
        image = tmp_path / f"{size_bytes}.ext4"
        volume_images.make(image, size_bytes, UID)
        assert volume_images.size_in(image) == size_bytes


def test_what_is_no_file_system_has_no_size(tmp_path: Path) -> None:
    assert volume_images.size_in(tmp_path / "absent") is None
    (tmp_path / "x").write_bytes(bytes(4096))
    with pytest.raises(RejectedError, match="holds no file system"):
        volume_images.size_in(tmp_path / "x")


@with_own_mounts
def test_a_volume_takes_as_much_as_its_size_and_no_more() -> None:
    with volumes() as made:
        folder = made.make("data", UID, 32 * MIB)
        status = folder.stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (UID, UID, 0o700)
        assert list(folder.iterdir()) == [], "not even lost+found: databases ask for nothing"
        assert made.image("data").stat().st_blocks * 512 < 8 * MIB, "it takes what is in it"
        assert 31 * MIB < filled(folder) < 34 * MIB
        assert 31 * MIB < made.used("data") < 34 * MIB


@with_own_mounts
def test_it_is_mounted_once_whoever_asks_and_again_when_it_was_lost() -> None:
    with volumes() as made:
        folder = made.make("data", UID, 16 * MIB)
        (folder / "kept").write_text("rows")
        device = folder.stat().st_dev
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: made.make("data", UID, 16 * MIB), range(8)))
        assert folder.stat().st_dev == device
        lines = [one for one in Path("/proc/self/mountinfo").read_text().splitlines()
                 if str(folder) in one]  # fmt: skip
        assert len(lines) == 1
        assert {"nosuid", "nodev", "noexec"} <= set(lines[0].split()[5].split(","))
        volume_images.unmount(made.image("data"), folder)
        assert not made.is_shown("data")
        assert loop_devices.device_of(made.image("data")) is None, "the device went with it"
        assert made.size("data") == 16 * MIB
        assert (made.shown("data") / "kept").read_text() == "rows"


@with_own_mounts
def test_a_file_system_that_something_holds_is_mounted_from_the_same_device() -> None:
    """Two devices on one image would destroy it: a box may hold what the host has unmounted."""
    with volumes() as made:
        folder = made.make("data", UID, 16 * MIB)
        held = os.open(folder, os.O_RDONLY)
        device = os.fstat(held).st_dev
        try:
            with pytest.raises(RejectedError, match="is in use"):
                volume_images.unmount(made.image("data"), folder)
            assert made.shown("data").stat().st_dev == device
            with pytest.raises(RejectedError, match="is in use"):
                made.delete("data")
            assert made.image("data").exists()
        finally:
            os.close(held)


@with_own_mounts
def test_it_grows_while_nothing_holds_it_and_never_shrinks() -> None:
    with volumes() as made:
        folder = made.make("data", UID, 16 * MIB)
        (folder / "kept").write_text("rows")
        made.make("data", UID, 48 * MIB)
        assert made.size("data") == 48 * MIB
        assert (folder / "kept").read_text() == "rows"
        assert filled(folder) > 40 * MIB
        made.make("data", UID, 16 * MIB)
        assert made.size("data") == 48 * MIB


@with_own_mounts
def test_a_growth_that_was_killed_half_way_is_seen_and_done_again() -> None:
    with volumes() as made:
        made.make("data", UID, 16 * MIB)
        os.truncate(made.image("data"), volume_images.image_bytes(32 * MIB))
        assert made.size("data") == 16 * MIB, "what counts is the file system"
        made.make("data", UID, 32 * MIB)
        assert made.size("data") == 32 * MIB


@pytest.mark.skipif(not can_grow_in_use(), reason="needs CAP_SYS_RESOURCE, which is not here")
@with_own_mounts
def test_it_grows_in_use_where_the_host_allows_it() -> None:
    with volumes() as made:
        folder = made.make("data", UID, 16 * MIB)
        held = os.open(folder, os.O_RDONLY)
        try:
            made.make("data", UID, 48 * MIB)
            assert made.size("data") == 48 * MIB
        finally:
            os.close(held)


@pytest.mark.skipif(can_grow_in_use(), reason="needs a host without CAP_SYS_RESOURCE")
@with_own_mounts
def test_where_nobody_may_grow_what_is_in_use_it_is_said_and_nothing_is_lost() -> None:
    with volumes() as made:
        folder = made.make("data", UID, 16 * MIB)
        (folder / "kept").write_text("rows")
        held = os.open(folder / "kept", os.O_RDONLY)
        try:
            with pytest.raises(FeatureMissingError) as missing:
                made.make("data", UID, 48 * MIB)
            assert "CAP_SYS_RESOURCE" in missing.value.what
            assert "stop its boxes" in missing.value.remedy
            assert (folder / "kept").read_text() == "rows"
            assert made.size("data") == 16 * MIB
        finally:
            os.close(held)
        made.make("data", UID, 48 * MIB)
        assert made.size("data") == 48 * MIB


@with_own_mounts
def test_a_lost_file_system_is_said_and_never_replaced_by_a_plain_folder() -> None:
    with volumes() as made:
        folder = made.make("data", UID, 16 * MIB)
        volume_images.unmount(made.image("data"), folder)
        made.image("data").unlink()
        with pytest.raises(RejectedError, match="is gone"):
            made.shown("data")


@with_own_mounts
def test_without_a_size_it_is_a_folder_and_its_files_are_counted() -> None:
    with volumes() as made:
        folder = made.make("other", UID, None)
        (folder / "one").write_bytes(b"x" * 100_000)
        os.link(folder / "one", folder / "two")
        assert 100_000 <= made.used("other") < 130_000, "a file with two names counts once"
        assert made.size("other") is None
        made.delete("other")
        made.delete("other")
        assert not folder.exists()
