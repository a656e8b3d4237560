"""What killed makers left goes; what living ones make stays."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from orchestr8.engines.crun.images import CrunImages
from orchestr8.host import half_made, volume_images
from orchestr8.host.keepsake import HostKeepsake
from orchestr8.host.mounts import RunFolder
from tests.host.namespaces import with_own_mounts
from tests.host.rights import needs_root

KINDS = ("file", "inner_folder")
_MAKER = """
import sys
from pathlib import Path
from orchestr8.host import half_made
with getattr(half_made, sys.argv[1])(Path(sys.argv[2])) as made:
    if made.is_dir():
        (made / "below").mkdir()
        (made / "below" / "file").touch()
    print("made", flush=True)
    sys.stdin.read()
"""


def maker(kind: str, folder: Path) -> subprocess.Popen[bytes]:
    """Somebody who has begun and goes on until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _MAKER, kind, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == b"made\n"
    return process


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_nobody_holds_is_swept(tmp_path: Path, kind: str) -> None:
    (tmp_path / "other").touch()
    living, killed = maker(kind, tmp_path), maker(kind, tmp_path)
    half_made.sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    killed.kill()
    killed.communicate()
    half_made.sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    living.communicate()
    assert living.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_it_is_gone_after_a_failure_and_a_link_stays(tmp_path: Path) -> None:
    with half_made.file(tmp_path) as made:
        made.write_text("whole")
        (tmp_path / "it").hardlink_to(made)
    with pytest.raises(ValueError, match="bad"), half_made.inner_folder(tmp_path) as made:
        (made / "part").touch()
        raise ValueError("bad")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("it", "whole")]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    half_made.sweep(tmp_path / "none")
    for kind in KINDS:
        with pytest.raises(FileNotFoundError), getattr(half_made, kind)(tmp_path / "none"):
            pass


def test_sweeping_at_the_same_time_takes_nothing_away(tmp_path: Path) -> None:
    over, failed = threading.Event(), []

    def keep_sweeping() -> None:
        while not over.is_set():
            half_made.sweep(tmp_path)

    def make() -> None:
        try:
            for _ in range(200):
                with half_made.file(tmp_path) as file, half_made.inner_folder(tmp_path) as folder:
                    file.write_text("a")
                    (folder / "b").write_text("b")
                    assert file.exists()
        except Exception as error:  # a thread's failure is nobody's otherwise
            failed.append(error)

    sweepers = [threading.Thread(target=keep_sweeping) for _ in range(2)]
    makers = [threading.Thread(target=make) for _ in range(2)]
    for thread in (*sweepers, *makers):
        thread.start()
    for thread in makers:
        thread.join()
    over.set()
    for thread in sweepers:
        thread.join()
    assert failed == []
    assert list(tmp_path.iterdir()) == []


def test_an_import_that_was_killed_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    killed = maker("inner_folder", tmp_path)
    killed.kill()
    killed.communicate()
    images = CrunImages(tmp_path)
    assert images.collect(frozenset()) == ()
    assert list(tmp_path.iterdir()) == []


@needs_root
@pytest.mark.skipif(bool(volume_images.missing()), reason=volume_images.missing() or "-")
def test_a_volume_s_image_whose_making_was_killed_leaves_nothing_to_the_next(
    tmp_path: Path,
) -> None:
    killed = maker("file", tmp_path)
    killed.kill()
    killed.communicate()
    volume_images.make(tmp_path / "data.ext4", 16 << 20, 70_000)
    assert [path.name for path in tmp_path.iterdir()] == ["data.ext4"]


@with_own_mounts
def test_what_is_kept_appears_whole_and_leaves_nothing_of_a_killed_keeper(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    keepsake = HostKeepsake(run)
    keepsake.keep("store", b"first")
    killed = maker("file", run.path / "kept")
    killed.kill()
    killed.communicate()
    keepsake.keep("store", b"second")
    assert keepsake.kept("store") == b"second"
    assert [path.name for path in (run.path / "kept").iterdir()] == ["store"]
