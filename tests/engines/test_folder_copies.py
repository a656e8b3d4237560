"""Copies of volumes as the engines make them: each call clears away what a killed one left."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from orchestr8.boxes.world import ObservedVolume
from orchestr8.engines.folder_copies import FolderCopies
from orchestr8.host.volume_folders import VolumeFolders

NAME = "me--data"


@dataclass(frozen=True)
class OneVolume(FolderCopies):
    """An engine with one volume, which no box has."""

    base: Path

    @property
    def folders(self) -> VolumeFolders:
        return VolumeFolders(self.base)

    def volumes(self) -> tuple[ObservedVolume, ...]:
        return (ObservedVolume(NAME, "me", "data", os.getuid()),)

    def path(self, name: str) -> str:
        return str(self.folders.folder(name))

    def user_of(self, name: str) -> str:
        return ""


def test_each_call_clears_away_what_a_killed_one_left(tmp_path: Path) -> None:
    engine = OneVolume(tmp_path)
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "file").write_text("content")
    copy = engine.copy(NAME, "first", [])
    places = (tmp_path, tmp_path / ".copies" / NAME, tmp_path / ".images")

    for call in (
        lambda: engine.copy(NAME, "second", []),
        lambda: engine.restore(NAME, copy),
        lambda: engine.discard(copy),
    ):
        for place in places:
            (place / ".new-0123" / "content").mkdir(parents=True)
        call()
        assert [left for place in places for left in place.glob(".new-*")] == []

    assert (tmp_path / NAME / "file").read_text() == "content"
    assert [one.label for one in engine.copies()] == ["second"]
