"""Copies of volumes: everything that files have is kept, and nothing half-made looks whole."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.host import freezing, volume_images
from orchestr8.host.volume_copies import VolumeCopies
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
ABOUT = {"uid": UID}


@contextmanager
def copies() -> Iterator[VolumeCopies]:
    """A plain volume `plain` and one of 16 MiB, `sized`, each with the same content."""
    with folder_on_disk() as base:
        folders = VolumeFolders(base / "volumes")
        try:
            for name, size_bytes in (("plain", None), ("sized", 16 * MIB)):
                fill(folders.make(name, UID, size_bytes))
            yield VolumeCopies(folders)
        finally:
            for name in ("plain", "sized", "further"):
                with contextlib.suppress(RejectedError):
                    folders.delete(name)


@contextmanager
def held_still(folder: Path, name: str) -> Iterator[None]:
    """What a copy of a volume with a size asks of its caller."""
    with freezing.file_system(folder) if name == "sized" else contextlib.nullcontext():
        yield


def fill(folder: Path) -> None:
    (folder / "one").write_text("rows")
    (folder / "one").chmod(0o640)
    os.chown(folder / "one", UID, UID + 1)
    os.link(folder / "one", folder / "two")
    os.setxattr(folder / "one", "user.colour", b"blue")
    (folder / "link").symlink_to("/etc/shadow")
    os.mkfifo(folder / "fifo")
    with (folder / "sparse").open("wb") as file:
        file.seek(4 * MIB)
        file.write(b"end")
    (folder / "below").mkdir(mode=0o711)
    (folder / "below" / "three").write_bytes(os.urandom(5000))


def told(folder: Path) -> dict[str, object]:
    """All that is kept of a tree, by path."""
    found: dict[str, object] = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        status = path.lstat()
        found[str(path.relative_to(folder))] = (
            status.st_mode, status.st_uid, status.st_gid, int(status.st_mtime),
            path.read_bytes() if path.is_file() and not path.is_symlink() else "",
            os.readlink(path) if path.is_symlink() else "",  # noqa: PTH115
            status.st_nlink if path.is_file() and not path.is_symlink() else 0,
            sorted(os.listxattr(path, follow_symlinks=False)),
            status.st_blocks < 1000,
        )  # fmt: skip
    return found


@with_own_mounts
@pytest.mark.parametrize("name", ["plain", "sized"])
def test_a_copy_brings_everything_back(name: str) -> None:
    with copies() as made:
        folder = made.folders.folder(name)
        before = told(folder)
        with held_still(folder, name):
            made.copy(name, "first", ABOUT)
        (folder / "one").unlink()
        (folder / "fresh").write_text("after the copy")
        made.restore(name, (name, "first"), UID)
        assert told(folder) == before
        assert [one[:2] for one in made.all()] == [(name, "first")]
        made.discard(name, "first")
        made.discard(name, "first")
        assert list(made.all()) == []


@with_own_mounts
def test_a_copy_goes_from_one_kind_of_volume_into_the_other() -> None:
    with copies() as made:
        for source, target in (("plain", "sized"), ("sized", "plain")):
            before = told(made.folders.folder(source))
            with held_still(made.folders.folder(source), source):
                made.copy(source, "moved", ABOUT)
            (made.folders.folder(target) / "other").touch()
            made.restore(target, (source, "moved"), UID)
            assert told(made.folders.folder(target)) == before
        assert made.folders.size("sized") == 16 * MIB
        made.sweep()
        left = [one for one in made.folders.base.rglob("*") if one.name.startswith(".new-")]
        assert left == []


@with_own_mounts
def test_what_does_not_fit_leaves_the_volume_as_it_was() -> None:
    with copies() as made:
        (made.folders.folder("plain") / "big").write_bytes(os.urandom(20 * MIB))
        made.copy("plain", "large", ABOUT)
        before = told(made.folders.folder("sized"))
        with pytest.raises(UnavailableError, match="no room"):
            made.restore("sized", ("plain", "large"), UID)
        assert told(made.folders.folder("sized")) == before


@with_own_mounts
def test_names_of_copies() -> None:
    with copies() as made:
        made.copy("plain", "first", ABOUT)
        for label, said in (("first", "already"), ("../x", "cannot name"), (".new-1", "cannot")):
            with pytest.raises(RejectedError, match=said):
                made.copy("plain", label, ABOUT)
        with pytest.raises(RejectedError, match="there is no copy"):
            made.restore("plain", ("plain", "second"), UID)


@with_own_mounts
def test_half_a_copy_is_none_and_is_swept_away() -> None:
    with copies() as made:
        half = made.path("plain", ".new-0123")
        (half / "content").mkdir(parents=True)
        (half / "about.json").write_text("{}")
        assert list(made.all()) == []
        made.sweep()
        assert not half.exists()


@with_own_mounts
def test_writers_wait_while_a_file_system_is_frozen_and_go_on_when_we_are_killed() -> None:
    with copies() as made:
        folder = made.folders.folder("sized")
        script = (
            "import sys, time; from pathlib import Path; from orchestr8.host import freezing\n"
            "with freezing.file_system(Path(sys.argv[1])):\n"
            "    print('frozen', flush=True); time.sleep(600)\n"
        )
        freezer = subprocess.Popen(
            [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert freezer.stdout and freezer.stdout.readline() == "frozen\n"
        with pytest.raises(UnavailableError, match="frozen"), freezing.file_system(folder):
            pass
        writer = subprocess.Popen(["touch", str(folder / "late")])
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(0.3)
        freezer.send_signal(signal.SIGKILL)
        assert writer.wait(30) == 0
        freezer.wait()
        freezer.stdout.close()


def test_tasks_stand_still_and_go_on_when_we_are_killed(tmp_path: Path) -> None:
    """Over a real cgroup: the counter that a task writes does not move meanwhile."""
    from orchestr8.host import hierarchies

    trees = hierarchies.by_controller()
    tree = trees.get("freezer") or next(t for t in hierarchies.everywhere() if t.version == 2)
    group = tree.path / f"orchestr8-test-freezing-{os.getpid()}"
    group.mkdir()
    counter = tmp_path / "counter"
    busy = subprocess.Popen(["sh", "-c", f"while :; do echo x >> {counter}; sleep 0.01; done"])
    script = (
        "import sys, time; from orchestr8.host import freezing\n"
        "with freezing.boxes([(int(sys.argv[1]), sys.argv[2])]):\n"
        "    print('frozen', flush=True); time.sleep(600)\n"
    )
    try:
        (group / "cgroup.procs").write_text(str(busy.pid))
        freezer = subprocess.Popen(
            [sys.executable, "-c", script, str(busy.pid), group.name],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert freezer.stdout and freezer.stdout.readline() == "frozen\n"
        before = counter.stat().st_size
        time.sleep(0.2)
        assert counter.stat().st_size == before
        freezer.kill()
        freezer.wait()
        freezer.stdout.close()
        until = time.monotonic() + 30
        while counter.stat().st_size == before:
            assert time.monotonic() < until, "it was never thawed"
            time.sleep(0.01)
    finally:
        busy.kill()
        busy.wait()
        for _ in range(100):
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.05)


def test_what_is_not_in_the_cgroup_that_is_meant_is_never_frozen() -> None:
    with pytest.raises(RejectedError, match="cannot be frozen"), \
            freezing.boxes([(os.getpid(), "some-other-container")]):  # fmt: skip
        pass
