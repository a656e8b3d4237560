"""A set goes back on a real engine, with its files and what its tag meant; and its store, too."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.fleet import Fleet

TEXT = """\
orchestr8: 1
owner: me
services:
  web:
    image: "moving:1"
    files: {/etc/note: ./note}
    health: {http: ":8080/"}
    limits: {memory: 32MiB}
"""


@contextmanager
def moving_tag(fleet: Fleet) -> Iterator[None]:
    """The tag moving:1, which means the image hello:1 at first."""
    fleet.client.tag("hello:1", "moving", "1")
    try:
        yield
    finally:
        fleet.client.remove_image("moving:1", force=True)


def move_tag(fleet: Fleet) -> None:
    """The tag means another image now, and the older one has no name of its own by it."""
    text = io.BytesIO(b"FROM hello:1\nLABEL moved=1\n")
    for line in fleet.client.build(fileobj=text, tag="moving:1", rm=True, decode=True):
        assert "error" not in line, line


def seen(fleet: Fleet) -> tuple[str, str, str]:
    """The box: its container, its image, and what its file says."""
    box: dict[str, Any] = fleet.container("web.me")
    (note,) = [one["Source"] for one in box["Mounts"] if one["Destination"] == "/etc/note"]
    return box["Id"], box["Image"], Path(note).read_text("utf-8")


@pytest.mark.parametrize("docker_engine", ["28"], indirect=True)
def test_a_rollback_brings_back_what_a_tag_meant(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(TEXT)
    (tmp_path / "note").write_text("first")
    apply = ("apply", str(tmp_path / "m.yaml"), "--set", "site")
    saved = str(tmp_path / "saved")
    with moving_tag(fleet):
        fleet.run(*apply)
        box, image, note = seen(fleet)
        assert note == "first"
        fleet.run("backup", "create", saved)

        move_tag(fleet)
        assert "nothing to do" in fleet.run(*apply), "a tag that moves is nobody's wish"
        (tmp_path / "note").write_text("second")
        fleet.run(*apply, "--pull")
        newer_box, newer_image, note = seen(fleet)
        assert note == "second"
        assert newer_image != image

        said = fleet.run("rollback", "--set", "site")
        assert "the set site is as it was at revision 1; that is its revision 3 now." in said
        oldest_box, oldest_image, note = seen(fleet)
        assert (oldest_image, note) == (image, "first")
        assert len({box, newer_box, oldest_box}) == 3
        assert "nothing to do" in fleet.run("apply", "--set", "site")
        assert fleet.proved("web.me") == 1
        assert "each chained to the one before" in fleet.run("history", "--journal")

        fleet.run("backup", "check", saved)
        fleet.run("backup", "restore", saved, "--yes")
        assert seen(fleet) == (oldest_box, image, "first"), "no box is touched"
        assert "nothing to do" in fleet.run("apply", "--set", "site")
        assert fleet.json("history", "--set", "site")["sets"][0]["revisions"][-1]["revision"] == 1
        fleet.run("restart", "web.me")
        serial = int(fleet.container("web.me")["Name"].rpartition("--")[2])
        assert serial > 3, "none of the three serials comes back"
        assert fleet.proved("web.me") == 1
