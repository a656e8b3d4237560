"""A folder as root reads what others may write: whole or not at all, and nothing that leads out."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestr8.errors import ManifestError, RejectedError
from orchestr8.reading import FILE_BYTES_MAX
from orchestr8.sources import folder
from orchestr8.sources.files import files_below
from orchestr8.sources.folder import TOTAL_BYTES_MOST, Content, content_of
from orchestr8.sources.objects import DamagedError
from tests.sources.workshop import HELLO


@pytest.fixture
def deploy(ground: Path) -> Path:
    """A team's folder, with one manifest."""
    made = ground / "deploy"
    (made / "sub").mkdir(parents=True, mode=0o755)
    (made / "sub" / "web.yaml").write_text(HELLO)
    return made


def problems_of(deploy: Path) -> list[str]:
    """What is wrong with a folder, by whoever reads it and whoever looks for manifests in it."""
    content = content_of(str(deploy))
    found = content.problems
    if not found:
        with pytest.raises(ManifestError) as caught:
            files_below(content, content.name, "")
        found = list(caught.value.problems)
    return [f"{one.place}: {one.what}" for one in found]


def test_a_content_has_a_name_by_what_it_has_and_not_by_when(deploy: Path) -> None:
    (deploy / "app.toml").write_bytes(b"a")
    (deploy / ".git").mkdir()
    first = content_of(str(deploy))
    files = files_below(first, first.name, "")
    assert [source.name for source in files.texts] == ["sub/web.yaml"]
    assert files.read_file("app.toml") == b"a"
    os.utime(deploy / "app.toml", (1, 1))
    (deploy / ".hidden").write_text("x")
    assert content_of(str(deploy)).name == first.name
    (deploy / "app.toml").rename(deploy / "app2.toml")
    assert content_of(str(deploy)).name != first.name


def test_a_large_file_is_no_harm_until_a_manifest_mounts_it(deploy: Path) -> None:
    (deploy / "big").write_bytes(b"x" * (FILE_BYTES_MAX + 1))
    content = content_of(str(deploy))
    files = files_below(content, content.name, "")
    with pytest.raises(OSError, match="larger than 1 MiB"):
        files.read_file("big")


def _link(deploy: Path) -> None:
    (deploy / "web.yaml").symlink_to("sub/web.yaml")


def _link_out(deploy: Path) -> None:
    (deploy / "shadow").symlink_to("/etc/shadow")


def _link_without_text(deploy: Path) -> None:
    (deploy / os.fsdecode(b"\xff")).symlink_to("/etc/shadow")


def _folder_without_text(deploy: Path) -> None:
    (deploy / os.fsdecode(b"\xff")).mkdir()
    (deploy / os.fsdecode(b"\xff")).chmod(0o1777)


def _pipe(deploy: Path) -> None:
    os.mkfifo(deploy / "web.yaml")


def _socket(deploy: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(deploy / "web.yaml"))


def _hard_link(deploy: Path) -> None:
    (deploy.parent / "other").write_text("x")
    (deploy / "copy").hardlink_to(deploy.parent / "other")


def _open_file(deploy: Path) -> None:
    (deploy / "sub" / "web.yaml").chmod(0o666)


def _open_folder(deploy: Path) -> None:
    (deploy / "sub").chmod(0o1777)


def _open_above(deploy: Path) -> None:
    deploy.parent.chmod(0o777)


def _empty(deploy: Path) -> None:
    (deploy / "sub" / "web.yaml").unlink()


WRONG: dict[Callable[[Path], None], str] = {
    _link: "web.yaml: a symbolic link, which is not followed in a source",
    _link_out: "shadow: a symbolic link that leads out of the source's path",
    _link_without_text: "\\xff: a symbolic link that leads out of the source's path",
    _folder_without_text: "{0}/\\xff: everybody may write to it",
    _pipe: "web.yaml: a pipe, not a file",
    _socket: "web.yaml: a socket, not a file",
    _hard_link: "{0}/copy: it has several names (hard links), and may be somebody else's file",
    _open_file: "{0}/sub/web.yaml: everybody may write to it",
    _open_folder: "{0}/sub: everybody may write to it",
    _open_above: "{0}: everybody may write to {1}, and so put another folder there",
    _empty: ".: no manifest in it",
}


@pytest.mark.parametrize("make", WRONG, ids=lambda make: make.__name__)
def test_what_must_not_be_there_is_told(deploy: Path, make: Callable[[Path], None]) -> None:
    make(deploy)
    assert problems_of(deploy) == [WRONG[make].format(deploy, deploy.parent)]


def test_more_bytes_than_it_may_have_are_told_once(deploy: Path) -> None:
    for name in ("a", "b"):
        (deploy / name).touch()
        os.truncate(deploy / name, TOTAL_BYTES_MOST + 1)
    assert problems_of(deploy) == [f"{deploy}: more than 64 MiB in it"]


def test_no_part_of_the_way_may_be_a_link(deploy: Path) -> None:
    (deploy.parent / "way").symlink_to(deploy)
    for wrong in ("way", "way/sub", "nowhere", "deploy/sub/web.yaml"):
        with pytest.raises(RejectedError, match="cannot be read"):
            content_of(str(deploy.parent / wrong))


def test_what_is_written_between_two_looks_is_never_taken_for_what_was(deploy: Path) -> None:
    content = content_of(str(deploy))
    (deploy / "sub" / "web.yaml").write_text(HELLO + "# more\n")
    with pytest.raises(DamagedError, match=r"sub/web\.yaml was written to while it was read"):
        files_below(content, content.name, "")
    (deploy / "sub" / "web.yaml").unlink()
    (deploy / "sub" / "web.yaml").symlink_to("/etc/passwd")
    with pytest.raises(DamagedError, match=r"sub/web\.yaml"):
        files_below(content, content.name, "")


def test_a_write_shows_in_the_stamp_even_where_the_content_is_the_same(deploy: Path) -> None:
    before = Content(str(deploy), with_contents=False)
    assert Content(str(deploy), with_contents=True).stamp == before.stamp
    (deploy / "new.yaml").write_text(HELLO)
    assert Content(str(deploy), with_contents=True).stamp != before.stamp


def test_what_takes_longer_to_read_than_the_patience_is_still_taken(
    deploy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "PATIENCE_SECONDS", 0.0)
    (deploy / "new.yaml").write_text(HELLO)
    assert content_of(str(deploy)).problems == []
