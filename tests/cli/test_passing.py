"""Where a first look keeps its passing store: it ends with the command, or with the next one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.shell import Shell

WEB = 'orchestr8: 1\nowner: me\nservices: {web: {image: "web:1"}}\n'


@pytest.fixture
def place(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for passing files, and a shell that has no state folder."""
    monkeypatch.setenv("TMPDIR", str(shell.folder / "tmp"))
    monkeypatch.delenv("ORCHESTR8_STATE")
    shell.write("tmp/.keep", "")
    shell.write("m.yaml", WEB)
    return shell.folder / "tmp" / f"orchestr8-{os.geteuid()}"


def below(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_nothing_stays_and_what_a_killed_command_left_goes(shell: Shell, place: Path) -> None:
    place.mkdir(mode=0o700)
    (place / ".making-0123456789abcdef" / "state").mkdir(parents=True)
    assert "1 to provision" in shell.type("plan m.yaml").output
    assert below(place) == []
    assert place.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("others", ["open", "link"])
def test_a_place_that_others_reach_is_not_used(shell: Shell, place: Path, others: str) -> None:
    target = shell.folder / "elsewhere"
    target.mkdir(mode=0o700)
    if others == "link":
        place.symlink_to(target)
    else:
        place.mkdir()
        place.chmod(0o770)
    left = place / ".making-0123456789abcdef"
    left.mkdir()
    assert "1 to provision" in shell.type("plan m.yaml").output
    assert below(place) == [left.name]
    assert below(place.parent) == [".keep", place.name]
