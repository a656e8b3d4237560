"""Parts of the crun engine that need no box: places in images, logs, processes, names."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.engines.crun import carried, stubs
from orchestr8.engines.crun.images import CrunImages
from orchestr8.engines.crun.log_files import LogFiles
from orchestr8.engines.crun.logs import last_lines
from orchestr8.engines.crun.machine import require_recent
from orchestr8.engines.crun.places import BoxPlaces, Places
from orchestr8.engines.crun.processes import Process, at_work
from orchestr8.errors import FeatureMissingError, RejectedError
from orchestr8.manifest.model import Stop
from tests.engines.boxes import box
from tests.host.rights import needs_root


@pytest.fixture
def image(tmp_path: Path) -> Path:
    for folder in ("proc", "dev", "sys", "run", "etc", "usr/lib"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "var").symlink_to("/../../run")
    (tmp_path / "etc/hosts").touch()
    return tmp_path


def test_places_that_an_image_has_are_not_made(image: Path) -> None:
    assert stubs.missing(image, ("/run", "/usr/lib"), ("/etc/hosts",)) == {}


def test_a_link_makes_way_for_a_mount_that_was_declared_there(image: Path) -> None:
    """Where the link leads, proof would find a mount that nobody declared, and none here."""
    (image / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    files = ("/etc/resolv.conf", "/etc/app.toml")
    assert stubs.missing(image, ("/var",), files) == {"/var": True, **dict.fromkeys(files, False)}


def test_a_link_of_a_folder_above_is_refused_with_the_path_to_write(image: Path) -> None:
    with pytest.raises(RejectedError, match="from /lib/app to /usr/lib/app") as refused:
        stubs.missing(image, ("/lib/app",), ())
    assert refused.value.remedy.startswith("write /usr/lib/app in the manifest")
    assert stubs.missing(image, ("/usr/lib/app",), ()) == {"/usr/lib/app": True}


def test_what_lies_in_another_mount_is_made_there_whatever_the_image_has(image: Path) -> None:
    assert stubs.missing(image, ("/var", "/var/x"), ("/var/y",)) == {"/var": True}


def test_links_in_a_circle_are_refused(image: Path) -> None:
    (image / "a").symlink_to("b")
    (image / "b").symlink_to("a")
    with pytest.raises(RejectedError, match="circle"):
        stubs.missing(image, ("/a/x",), ())


@pytest.mark.parametrize(
    ("link", "leads_to", "target"),
    [
        ("proc", "/tmp/proc", "/tmp"),  # the masks would lie on what the image says
        ("dev", "srv", "/tmp"),
        ("data", "/proc", "/data"),  # the runtime would write to files of the box's own
        ("data", "proc/sys/kernel", "/data/core_pattern"),
        ("data", "/sys", "/data"),
        ("data", "../..", "/data"),
    ],
)
def test_no_link_puts_a_mount_over_the_kernels_or_these_elsewhere(
    image: Path, link: str, leads_to: str, target: str
) -> None:
    if (image / link).is_dir():
        (image / link).rmdir()
    (image / link).symlink_to(leads_to)
    with pytest.raises(RejectedError, match=f"links lead from /{link}"):
        stubs.missing(image, (target,), ())
    with pytest.raises(RejectedError, match=f"links lead from /{link}"):
        stubs.missing(image, (), (target,))


def test_what_is_meant_for_the_kernels_folders_may_go_there(image: Path) -> None:
    assert stubs.missing(image, ("/dev/shm",), ()) == {}


def test_places_are_empty_and_belong_to_the_boxs_root(tmp_path: Path) -> None:
    stubs.lay_out({"/usr/lib/app": True, "/etc/app.toml": False}, tmp_path / "stubs", os.getuid())
    assert (tmp_path / "stubs/usr/lib/app").is_dir()
    assert (tmp_path / "stubs/etc/app.toml").read_bytes() == b""


def _log(folder: Path) -> LogFiles:
    places = BoxPlaces(folder, folder, folder)
    LogFiles(places).begin()
    return LogFiles(places)


def test_pieces_of_a_line_are_joined_and_the_last_lines_are_kept(tmp_path: Path) -> None:
    log = _log(tmp_path)
    (tmp_path / "log").write_text(
        "2026-01-01T00:00:00Z stdout F one\n"
        "2026-01-01T00:00:00Z stderr P tw\n"
        "2026-01-01T00:00:00Z stderr F o and more\n"
        "2026-01-01T00:00:00Z stdout P thr\n"
    )
    assert last_lines(log, 10) == ("one", "two and more", "thr")
    assert last_lines(log, 1) == ("thr",)
    assert last_lines(log, 0) == ()
    assert last_lines(LogFiles(BoxPlaces(tmp_path / "none", tmp_path, tmp_path)), 5) == ()


def test_streams_do_not_finish_one_anothers_lines(tmp_path: Path) -> None:
    log = _log(tmp_path)
    (tmp_path / "log").write_text(
        "t stdout P paid: \nt stderr F 2026 stdout F yes\nt stdout F no\nt stderr P x\n"
    )
    assert last_lines(log, 9) == ("2026 stdout F yes", "paid: no", "x")


def test_a_signal_reaches_that_process_and_no_other() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        found = Process.of(child.pid)
        assert found and found.alive
        Process(child.pid, found.started + 1).signal(signal.SIGKILL)
        Process(-1, 1).signal(signal.SIGKILL)  # would be everybody
        assert found.alive
        assert found.ended_by((signal.SIGKILL, 30))
    finally:
        child.kill()
        child.wait()
    assert not found.alive
    assert Process.of(child.pid) is None


def test_who_is_at_work_is_found_though_each_ends_once_it_has_begun_the_next(
    tmp_path: Path,
) -> None:
    chain, over = tmp_path / "chain", tmp_path / "over"
    chain.write_text(
        f'#!/bin/sh\nif [ "$2" = 0 ]; then : > {over}; else "$0" "$1" $(($2 - 1)) & fi\n'
    )
    chain.chmod(0o755)
    subprocess.run([chain, "a-word-of-this-test", "1500"], check=True)
    while True:
        seen = at_work(["a-word-of-this-test"])
        if seen.complete and not seen.found:
            break
    assert over.exists()


def test_a_name_of_an_image_is_never_a_path(tmp_path: Path) -> None:
    images = CrunImages(tmp_path)
    for hostile in ("../x", "/etc/passwd", "a//b", "a b", ""):
        with pytest.raises(RejectedError):
            images.resolve(hostile)
    assert images.resolve("registry.example:5000/team/app:1") is None
    assert images.held() == ()
    assert images.collect(frozenset()) == ()


@pytest.mark.parametrize("content", [b"", b"no archive at all"])
def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(content)
    with pytest.raises(RejectedError, match=r"no archive of images: [^\n]+$"):
        CrunImages(tmp_path / "store").take_archive(str(file), "")


def test_a_layout_nested_beyond_reading_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("[" * 100_000)
    with pytest.raises(RejectedError, match="no OCI layout"):
        CrunImages(tmp_path / "store").take_archive(str(tmp_path), "")


def _archive(file: Path, names: list[str]) -> str:
    """What `docker save` makes of an image without any file."""
    layer = io.BytesIO()
    tarfile.open(fileobj=layer, mode="w").close()
    config = {
        "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/x"]},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(layer.getvalue()).hexdigest()}"],
        },
    }  # fmt: skip
    manifest = [{"Config": "config.json", "RepoTags": names, "Layers": ["layer.tar"]}]
    with tarfile.open(file, "w") as archive:
        for name, content in (
            ("layer.tar", layer.getvalue()),
            ("config.json", json.dumps(config).encode()),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return str(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="umoci keeps the owners of files as root only")
def test_an_image_in_an_archive_comes_by_all_its_names(tmp_path: Path) -> None:
    images = CrunImages(tmp_path / "store")
    found = images.take_archive(_archive(tmp_path / "a.tar", ["app:1", "app:1.2"]), "")
    assert [facts.reference for facts in found] == ["app:1", "app:1.2"]
    assert found == (images.resolve("app:1"), images.resolve("app:1.2"))
    assert found[0].id == found[1].id

    images.take_archive(_archive(tmp_path / "a.tar", ["app:1", "app:1.2"]), "other:3")
    hostile = _archive(tmp_path / "b.tar", ["app:1", "../../x"])
    with pytest.raises(RejectedError, match="no name of an image"):
        images.take_archive(hostile, "")
    assert [one.reference for one in images.held()] == ["app:1", "app:1.2", "other:3"]


@needs_root
def test_only_root_takes_images(tmp_path: Path) -> None:
    images = CrunImages(tmp_path)
    os.seteuid(65534)
    try:
        with pytest.raises(RejectedError, match="web:1 cannot be unpacked: only root") as refused:
            images.fetch("web:1")
    finally:
        os.seteuid(0)
    assert refused.value.remedy == "run as root"
    assert list(tmp_path.iterdir()) == []


def test_an_archive_without_a_name_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match="does not say the image's name") as refused:
        CrunImages(tmp_path / "store").take_archive(_archive(tmp_path / "a.tar", []), "")
    assert "--name" in refused.value.remedy


def test_a_folder_that_boxes_cannot_pass_is_named(tmp_path: Path) -> None:
    places = Places(tmp_path / "state", tmp_path / "closed" / "run")
    (tmp_path / "closed").mkdir(mode=0o700)
    with pytest.raises(RejectedError, match="lets nobody through") as refused:
        places.make()
    named = refused.value.remedy.removeprefix("chmod o+x ")
    assert (tmp_path / "closed").is_relative_to(named)


@pytest.mark.parametrize("said", ["crun version 1.8\ncommit: abc\n", "crun version 0.20.1\n", ""])
def test_a_runtime_older_than_was_tried_is_refused(said: str) -> None:
    with pytest.raises(FeatureMissingError, match="is too old") as refused:
        require_recent(said)
    assert refused.value.remedy == "install crun 1.8.1 or later"


def test_the_oldest_runtime_that_was_tried_is_taken() -> None:
    require_recent("crun version 1.8.1\ncommit: abc\n")
    require_recent("crun version 1.28\n")


def test_a_box_of_an_earlier_release_is_read_though_it_says_less(tmp_path: Path) -> None:
    held, file = carried.carried_of(box(stop=Stop("SIGINT", 60_000)), "here", ""), tmp_path / "box"
    carried.lay_down(file, held)
    assert carried.read(file) == held
    document = {**json.loads(file.read_text()), "process": [20, 1000], "monitor": [10, 900]}
    del document["stop"]
    file.write_text(json.dumps(document))
    born = replace(held, stop=None, process=Process(20, 1000), monitor=Process(10, 900))
    assert carried.read(file) == born
