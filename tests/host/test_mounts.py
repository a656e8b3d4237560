"""The run folder and the binds in it, in a mount namespace of each test's own."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from orchestr8.errors import RejectedError
from orchestr8.host import mount_calls, mount_table, mounts
from orchestr8.host.mounts import Binds, IdMap, RunFolder
from orchestr8.names import BoxId
from tests.host.disk import folder_on_disk
from tests.host.namespaces import with_own_mounts
from tests.host.rights import needs_root

pytestmark = needs_root

BOX = BoxId("data", "db", 3)
OWNER, SEEN = 1_114_108, 1_179_644
MAP = IdMap(OWNER, OWNER, SEEN, SEEN)


def _volume(folder: Path) -> Path:
    made = folder / "volume"
    made.mkdir()
    (made / "content").write_text("kept")
    for path in (made, made / "content"):
        os.chown(path, OWNER, OWNER)
    made.chmod(0o700)
    return made


def _run_folder(folder: Path) -> RunFolder:
    made = RunFolder(folder / "run")
    made.ensure()
    return made


def _as(uid: int, script: str) -> str:
    done = subprocess.run(
        ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "sh", "-c", script],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@with_own_mounts
def test_the_run_folder_is_in_memory_and_shared() -> None:
    with folder_on_disk() as folder:
        run = _run_folder(folder)
        mounted = mount_table.at(run.path)
        assert mounted
        assert mounted.kind == "tmpfs"
        assert mounted.shared
        assert mounted.options >= {"nosuid", "nodev", "noexec"}
        assert run.path.stat().st_mode & 0o777 == 0o711
        assert run.boxes.stat().st_mode & 0o777 == 0o700
        mounts.release(run.shown)
        while mount_calls.unmount(str(run.path)):
            pass


@with_own_mounts
def test_making_it_ready_again_changes_nothing(tmp_path: Path) -> None:
    run = _run_folder(tmp_path)
    (run.boxes / "kept").write_text("kept")
    before = Path("/proc/self/mountinfo").read_text()
    run.ensure()
    assert Path("/proc/self/mountinfo").read_text() == before
    assert (run.shown / "kept").read_text() == "kept"


@with_own_mounts
def test_memory_of_somebody_else_stays_theirs(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "none", str(tmp_path)], check=True)
    (tmp_path / "run").mkdir(mode=0o711)
    (tmp_path / "run" / "api.sock").touch()
    run = _run_folder(tmp_path)
    theirs = mount_table.at(tmp_path)
    assert theirs
    assert not theirs.shared
    assert mount_table.holding(run.path).shared
    assert (run.path / "api.sock").exists()


@with_own_mounts
def test_a_run_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    run = _run_folder(tmp_path)
    run.path.chmod(0o777)
    with pytest.raises(RejectedError, match="can be written by others"):
        run.ensure()


@with_own_mounts
def test_what_is_shown_cannot_be_written(tmp_path: Path) -> None:
    run = _run_folder(tmp_path)
    (run.boxes / "file").write_text("one")
    with pytest.raises(OSError, match="Read-only"):
        (run.shown / "file").write_text("two")
    mounted = mount_table.at(run.shown)
    assert mounted
    assert mounted.options >= {"ro", "nosuid", "nodev", "noexec"}


@with_own_mounts
@pytest.mark.parametrize(
    ("read_only", "executable", "wanted"),
    [
        (True, False, {"ro", "nosuid", "nodev", "noexec"}),
        (False, False, {"rw", "nosuid", "nodev", "noexec"}),
        (False, True, {"rw", "nosuid", "nodev"}),
    ],
)
def test_a_bind_has_its_flags(
    tmp_path: Path, read_only: bool, executable: bool, wanted: set[str]
) -> None:
    binds = Binds(_run_folder(tmp_path))
    path = binds.bind(BOX, _volume(tmp_path), read_only=read_only, executable=executable)
    mounted = mount_table.at(path)
    assert mounted
    assert mounted.options & {"ro", "rw", "nosuid", "nodev", "noexec"} == wanted
    assert set(mounts.flags(path)) == wanted - {"rw"}
    assert (path / "content").read_text() == "kept"


@with_own_mounts
def test_a_single_file_can_be_bound(tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_text("one")
    path = Binds(_run_folder(tmp_path)).bind(BOX, source, read_only=True)
    assert path.read_text() == "one"


@with_own_mounts
def test_repeating_gives_the_same_mount_once(tmp_path: Path) -> None:
    binds, source = Binds(_run_folder(tmp_path)), _volume(tmp_path)
    paths = {binds.bind(BOX, source, read_only=False, idmap=MAP) for _ in range(3)}
    assert len(paths) == 1
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    assert points.count(str(paths.pop())) == 1


@with_own_mounts
def test_a_volume_of_another_service_is_seen_as_ones_own(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for above in list(tmp_path.parents)[:-2]:
        above.chmod(above.stat().st_mode | 0o011)
    source = _volume(tmp_path)
    run = _run_folder(tmp_path)
    path = Binds(run).bind(BOX, source, read_only=False, idmap=MAP)
    for folder in (run.binds, path.parent):
        folder.chmod(0o711)
    assert path.stat().st_uid == SEEN
    assert _as(SEEN, f"cat {path}/content; echo new > {path}/fresh") == "kept"
    assert (source / "fresh").stat().st_uid == OWNER
    assert "Permission denied" in _as(OWNER, f"cat {path}/content")
    # A third id has no name there: it can leave nothing behind.
    path.chmod(0o777)
    assert "Value too large" in _as(SEEN + 1, f"echo new > {path}/foreign")
    assert not (source / "foreign").exists()


@with_own_mounts
def test_a_released_box_leaves_no_mount(tmp_path: Path) -> None:
    run = _run_folder(tmp_path)
    binds, source = Binds(run), _volume(tmp_path)
    before = Path("/proc/self/mountinfo").read_text()
    binds.bind(BOX, source, read_only=True)
    binds.bind(BOX, source, read_only=False, idmap=MAP)
    binds.release(BOX)
    binds.release(BOX)
    assert Path("/proc/self/mountinfo").read_text() == before
    assert list(run.binds.iterdir()) == []
    assert (source / "content").read_text() == "kept"


@with_own_mounts
@pytest.mark.parametrize("path", ["link", "link/below", "here/../link/below"])
def test_a_link_anywhere_in_a_source_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "here" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "here")
    with pytest.raises(RejectedError, match="is a link"):
        Binds(_run_folder(tmp_path)).bind(BOX, tmp_path / path, read_only=True)


@with_own_mounts
def test_a_source_that_is_missing_says_so(tmp_path: Path) -> None:
    run = _run_folder(tmp_path)
    with pytest.raises(RejectedError, match="cannot open"):
        Binds(run).bind(BOX, tmp_path / "absent", read_only=True)


@with_own_mounts
def test_what_is_mounted_below_a_source_later_does_not_appear(tmp_path: Path) -> None:
    source = _volume(tmp_path)
    (source / "below").mkdir()
    path = Binds(_run_folder(tmp_path)).bind(BOX, source, read_only=False)
    subprocess.run(["mount", "-t", "tmpfs", "none", str(source / "below")], check=True)
    (source / "below" / "secret").touch()
    assert list((path / "below").iterdir()) == []


@with_own_mounts
def test_an_engine_in_a_namespace_that_follows_sees_mounts_and_flags(tmp_path: Path) -> None:
    """As systemd starts an engine: its namespace gets our later mounts, and must get them tight."""
    run = _run_folder(tmp_path)
    with subprocess.Popen(
        ["unshare", "--mount", "--propagation", "slave", "sh", "-c",
         "echo; read path; grep -F $path /proc/self/mountinfo; ls $path; read _; ls $path"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as engine:  # fmt: skip
        assert engine.stdin and engine.stdout
        engine.stdout.readline()
        path = Binds(run).bind(BOX, _volume(tmp_path), read_only=True, idmap=MAP)
        engine.stdin.write(f"{path}\n")
        engine.stdin.flush()
        line, content = engine.stdout.readline(), engine.stdout.readline()
        assert " ro,nosuid,nodev,noexec," in line
        assert "idmapped" in line
        assert content.strip() == "content"
        Binds(run).release(BOX)
        engine.stdin.write("\n")
        engine.stdin.close()
        assert engine.stdout.read().strip() == ""


@with_own_mounts
def test_taking_away_is_harmless_while_somebody_looks(tmp_path: Path) -> None:
    run = _run_folder(tmp_path)
    path = Binds(run).bind(BOX, _volume(tmp_path), read_only=True)
    with (path / "content").open() as held:
        mounts.release(path)
        assert held.read() == "kept"
    assert not path.exists()


@with_own_mounts
def test_the_root_of_a_box_passes_whatever_the_umask_was(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        run = RunFolder(tmp_path / "above" / "id")
        run.ensure()
    finally:
        os.umask(before)
    for folder, mode in ((run.path.parent, 0o755), (run.path, 0o711), (run.boxes, 0o700)):
        assert stat.S_IMODE(folder.stat().st_mode) == mode
