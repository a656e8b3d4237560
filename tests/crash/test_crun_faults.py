"""Images and disks that are no good for a box: what is said, and that nothing is left behind."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.world import State
from orchestr8.engines.crun.borders import crun_borders
from orchestr8.engines.crun.images import CrunImages
from orchestr8.engines.crun.machine import found_tools
from orchestr8.errors import RejectedError
from tests.attacks.hostile import Entry, build
from tests.conformance.crun import CrunBench, ready_crun
from tests.conformance.programs import Contents
from tests.hosts.images import archives

pytestmark = pytest.mark.on_engine("crun")

FOREIGN = b"\x7fELF\x02\x02\x01" + bytes(9) + b"\0\x02\0\x16" + bytes(44)
"""The head of a program for another processor (s390x)."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrunBench]:
    """With an image of programs that cannot be run."""
    with ready_crun() as made:
        archive = tmp_path_factory.mktemp("image") / "image.tar"
        entries = (
            Entry("usr/bin/forbidden", content=b"#!/bin/sh\n", mode=0o644),
            Entry("usr/bin/foreign", content=FOREIGN),
            Entry("usr/bin/no-interpreter", content=b"#!/nowhere/sh\n"),
        )
        build(archive, archives()["probe:1"], entries)
        images = made.borders.images
        assert isinstance(images, CrunImages)
        images.take_archive(str(archive), "")
        yield made


def running(bench: CrunBench, program: str) -> Box:
    made = bench.box("wait")
    facts = bench.borders.images.resolve("hostile:1")
    assert facts
    spec = replace(made.spec, image="hostile:1", image_id=facts.id, entrypoint=(program,), args=())
    return replace(made, spec=spec)


@pytest.mark.parametrize(
    "program, said",
    [
        ("/usr/bin/forbidden", "permission"),
        ("/usr/bin/foreign", "exec format error"),
        ("/usr/bin/no-interpreter", "no such file"),
    ],
)
def test_a_program_that_cannot_be_run_is_named(bench: CrunBench, program: str, said: str) -> None:
    """By a refusal, or by the box's last words where the kernel only knows at the start."""
    before, made = bench.footprint(), running(bench, program)
    try:
        bench.run(made)
    except RejectedError as refused:
        words = refused.what
        assert refused.remedy
    else:
        assert bench.see_ended(made).exit_status not in (0, None)
        words = " ".join(bench.boxes.logs(made.id, 10))
        bench.boxes.remove(made.id)
    assert said in words.lower()
    assert bench.footprint() == before


def test_a_runtime_that_ends_before_it_has_read_a_box_leaves_nothing(
    bench: CrunBench, tmp_path: Path
) -> None:
    broken = tmp_path / "crun"
    broken.write_text("#!/bin/sh\necho it does not go on >&2\nexit 1\n")
    broken.chmod(0o755)
    tools = replace(found_tools(), crun=str(broken))
    before, made = bench.footprint(), bench.box("wait")
    with pytest.raises(RejectedError, match="it does not go on"):
        crun_borders(Contents(), bench.ground, tools).boxes.create(made)
    assert bench.footprint() == before


def test_a_command_in_a_box_that_lost_its_folder_is_refused_with_a_remedy(
    bench: CrunBench,
) -> None:
    before, made = bench.footprint(), bench.box("wait")
    bench.run(made)
    (process,) = bench.ground.run_folder.rglob(f"{made.id}/process.json")
    process.unlink()
    with pytest.raises(RejectedError, match="is gone: no command can be run in it") as refused:
        bench.boxes.execute(made.id, ["/bin/true"])
    assert f"orchestr8 restart {made.id.service_name}" in refused.value.remedy
    bench.boxes.stop(made.id, "SIGKILL", 0)
    bench.boxes.remove(made.id)
    assert bench.footprint() == before


def test_on_a_full_disk_nothing_is_made_and_boxes_can_still_be_stopped(bench: CrunBench) -> None:
    kept = bench.state / "crun/boxes"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(kept)], check=True)
    try:
        first, second = bench.box(), bench.box()
        bench.run(first)
        _fill(kept / str(first.id) / "filler")
        before = bench.footprint()
        with pytest.raises(RejectedError, match="no space left on device") as refused:
            bench.boxes.create(second)
        assert refused.value.what.startswith(f"creating box {second.id}: ")
        assert "make room" in refused.value.remedy
        assert bench.footprint() == before
        bench.boxes.stop(first.id, "SIGKILL", 0)
        assert bench.see(first).state is State.STOPPED
        bench.boxes.remove(first.id)
        assert [one.name for one in kept.iterdir()] == []
    finally:
        subprocess.run(["umount", "-l", str(kept)], check=True)


def _fill(file: Path) -> None:
    """Until the disk has not one byte more."""
    with file.open("wb", buffering=0) as opened:
        for size in (4096, 1):
            with suppress(OSError):
                while True:
                    opened.write(b"x" * size)
