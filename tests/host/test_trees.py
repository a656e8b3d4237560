"""Folders that are taken away whole."""

from __future__ import annotations

from pathlib import Path

from orchestr8.host import trees


def test_a_folder_goes_with_all_that_is_in_it_and_nothing_beside_it(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    gone = tmp_path / "gone"
    (gone / "deep" / "deeper").mkdir(parents=True)
    (gone / "deep" / "file").touch()
    (gone / "to-a-folder").symlink_to(kept)
    (gone / "to-nothing").symlink_to("nowhere")

    trees.remove(gone, last="deep")

    assert [one.name for one in tmp_path.iterdir()] == ["kept"]
    assert (kept / "file").exists()


def test_the_absent_is_gone(tmp_path: Path) -> None:
    trees.remove(tmp_path / "none")
