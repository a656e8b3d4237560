"""A table of mounts is read again once it has changed, whoever changed it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestr8.host import mount_calls
from orchestr8.kernel import cgroups
from orchestr8.kernel.mount_table import MountTable, OwnMounts
from tests.controller.looping import until
from tests.host.rights import needs_root

pytestmark = needs_root


@contextmanager
def mounted(folder: Path) -> Iterator[str]:
    """A file system in memory for as long as a block lasts; its place as the table tells it."""
    mount_calls.mount("memory", str(folder), "tmpfs", 0)
    try:
        yield f" {folder} "
    finally:
        mount_calls.unmount(str(folder))


def test_what_comes_and_goes_is_told(tmp_path: Path) -> None:
    with MountTable("/proc/thread-self/mountinfo") as table:
        with mounted(tmp_path) as place:
            assert table.has_changed()
            assert place in table.read()
        assert table.has_changed()
        assert place not in table.read()


def test_ones_own_is_as_it_is_at_every_look(tmp_path: Path) -> None:
    own = OwnMounts()
    before = own.text()
    with mounted(tmp_path) as place:
        assert place in own.text()
    assert place not in own.text()
    assert place not in before


def test_control_groups_are_looked_for_again_once_mounts_have_changed(tmp_path: Path) -> None:
    before = cgroups.hierarchies()
    assert cgroups.trees_for({"mounted nowhere": "/"}).items() >= before.items()
    until(lambda: cgroups.hierarchies() is cgroups.hierarchies())
    with mounted(tmp_path):
        assert cgroups.hierarchies() is not before


def test_a_folder_on_the_way_that_got_another_name_is_seen_soon(tmp_path: Path) -> None:
    own = OwnMounts()
    before, after = tmp_path / "before", tmp_path / "after"
    (before / "place").mkdir(parents=True)
    mount_calls.mount("memory", str(before / "place"), "tmpfs", 0)
    try:
        assert f" {before}/place " in own.text()
        before.rename(after)
        until(lambda: f" {after}/place " in own.text())
        assert f" {before}/place " not in own.text()
    finally:
        mount_calls.unmount(str((after if after.exists() else before) / "place"))
