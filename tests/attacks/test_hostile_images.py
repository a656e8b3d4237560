"""Images that an attacker made: nothing is written outside of them, and no box is made badly."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from orchestr8.engines.crun.images import CrunImages
from orchestr8.errors import RejectedError
from tests.attacks.conftest import Ground, running
from tests.attacks.hostile import Entry, build, lay_out, link
from tests.hosts.images import archives

pytestmark = pytest.mark.on_engine("crun")

CAPABILITY = "\x01\0\0\x02\x01" + "\0" * 15
"""CAP_CHOWN as the extended attribute security.capability has it."""


def taken(folder: Path, *entries: Entry) -> Path:
    """Where the files of an image with these entries lie."""
    build(folder / "image.tar", None, entries)
    images = CrunImages(folder / "store")
    (facts,) = images.take_archive(str(folder / "image.tar"), "")
    return images.root(facts.id)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_no_entry_is_written_outside_of_the_image(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    climbing = "../" * 20 + str(outside).lstrip("/")
    root = taken(
        tmp_path,
        Entry(f"{climbing}/by-name", content=b"x"),
        Entry(f"{outside}/absolute", content=b"x"),
        link("way", str(outside)),
        Entry("way/by-link", content=b"x"),
        link("twice", str(outside / "by-second-entry")),
        Entry("twice", content=b"x"),
        Entry("way/.wh.kept"),
    )
    assert files(outside) == ["kept"]
    inside = root / outside.relative_to("/")
    assert {"by-name", "absolute", "by-link"} <= set(files(inside))


@pytest.mark.parametrize("name", [".wh..", ".wh...", "a/.wh..."])
def test_an_image_that_deletes_its_own_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RejectedError):
        taken(tmp_path, Entry(name))
    assert files(tmp_path / "store/unpacked") == []
    assert not list((tmp_path / "store").glob(".new-*"))


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../../../../../etc/passwd"])
def test_a_hard_link_to_a_file_of_the_host_is_refused(tmp_path: Path, target: str) -> None:
    with pytest.raises(RejectedError, match=r"unpacking the image hostile:1: .*hard: link"):
        taken(tmp_path, Entry("hard", tarfile.LNKTYPE, target))


def test_an_image_without_a_layer_does_not_pass_for_the_whole_one(tmp_path: Path) -> None:
    """They have one configuration, by which images are kept: whoever came first would be run."""
    build(tmp_path / "one.tar", None, [Entry("kept", content=b"x")])
    build(tmp_path / "two.tar", tmp_path / "one.tar", [Entry(".wh.kept"), Entry("mended")])
    lay_out(tmp_path / "two.tar", tmp_path / "layout", left_out=1)
    images = CrunImages(tmp_path / "store")
    with pytest.raises(RejectedError, match="has 1 layers, and its configuration names 2"):
        images.take_archive(str(tmp_path / "layout"), "cut:1")
    (facts,) = images.take_archive(str(tmp_path / "two.tar"), "")
    assert files(images.root(facts.id)) == ["mended"]


@pytest.mark.parametrize("config", [{"Env": ["A=\udcff"]}, {"Labels": {"a": "\ud800"}}])
def test_text_that_is_none_is_refused(tmp_path: Path, config: dict[str, Any]) -> None:
    build(tmp_path / "image.tar", None, [Entry("x")], **config)
    lay_out(tmp_path / "image.tar", tmp_path / "layout")
    images = CrunImages(tmp_path / "store")
    with pytest.raises(RejectedError, match="what it says of itself cannot be read"):
        images.take_archive(str(tmp_path / "layout"), "odd:1")


def test_what_gives_powers_lies_where_only_root_comes(tmp_path: Path) -> None:
    """Boxes see it nosuid and nodev; on the host nobody else can enter the store."""
    root = taken(
        tmp_path,
        Entry("set", mode=0o6755),
        Entry("disk", tarfile.BLKTYPE, device=(8, 0)),
        Entry("capable", headers={"SCHILY.xattr.security.capability": CAPABILITY}),
    )
    assert {"set", "disk"} <= set(files(root))
    assert (tmp_path / "store").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("ground", ["crun"], indirect=True)
def test_powers_that_an_image_brings_do_nothing_in_a_box(ground: Ground, tmp_path: Path) -> None:
    """Nor does a pipe for a list of users keep its box from being made, or a link move a mount."""
    images = ground.borders.images
    assert isinstance(images, CrunImages)
    entries = (
        Entry("etc/passwd", tarfile.FIFOTYPE),
        link("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf"),
        link("run", "usr/bin"),
        Entry("disk", tarfile.CHRTYPE, mode=0o666, device=(1, 3)),
        Entry("usr/bin/set", content=b"#!/bin/true\n", mode=0o6755),
    )
    build(tmp_path / "image.tar", archives()["probe:1"], entries)
    (facts,) = images.take_archive(str(tmp_path / "image.tar"), "")
    with running(ground, os.getpid() * 3 + 2, facts.reference) as target:
        opened = target.attempt("open('/disk')")
        assert b"Permission denied" in opened.stderr
        assert {one.verdict.value for one in target.proof().findings} == {"held"}
