"""Two services whose loads alternate in one quota: fixed limits end one, shared ones neither."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.crun_fleet import CrunFleet, fresh_crun
from tests.scenarios.fleet import eventually, served

pytestmark = pytest.mark.on_engine("crun")

SECONDS_MOST = 60
LOAD = """\
import mmap, os, time
held = []
while True:
    try:
        wanted = int(open("/tmp/wanted").read())
    except (OSError, ValueError):
        wanted = 0
    if len(held) < wanted:
        held.append(mmap.mmap(-1, 1 << 20))
        held[-1].write(b"1" * (1 << 20))
    while len(held) > wanted:
        held.pop().close()
    open("/tmp/held.new", "w").write(str(len(held)))
    os.replace("/tmp/held.new", "/tmp/held")
    time.sleep(0.01)
"""
"""Holds as many MiB as somebody wrote into a file, a MiB more at a time. Files change as a whole,
so that nobody reads half of one."""
ASKED = """\
import os, time
open("/tmp/wanted.new", "w").write("{wanted}")
os.replace("/tmp/wanted.new", "/tmp/wanted")
until = time.monotonic() + {seconds}
while not os.path.exists("/tmp/held") or open("/tmp/held").read() != "{wanted}":
    if time.monotonic() >= until:
        raise SystemExit("it never held {wanted} MiB")
    time.sleep(0.01)
"""
RECORDED = ((84, 4), (4, 84), (84, 4))
"""MiB that the two want, one moment after the other; what becomes less does so first."""
QUOTA = "platform: {owners: {shop: {quota: {cpu: 1, memory: 128MiB, boxes: 4, pids: 64}}}}"
FIXED = "{cpu: 0.5, memory: 64MiB, pids: 16}"
SHARED = "{cpu: 0.5, memory: {guarantee: 24MiB, max: 112MiB}, pids: 16}"


class Pair:
    """The services `day` and `night`, and what they hold."""

    def __init__(self, fleet: CrunFleet, folder: Path) -> None:
        self.fleet, self.folder = fleet, folder
        (folder / "load.py").write_text(LOAD)
        (folder / "platform.yaml").write_text(f"orchestr8: 1\n{QUOTA}\n")

    def apply(self, limits: str) -> str:
        """Both get these limits."""
        service = (
            "{image: 'shop-api:1', entrypoint: [/usr/bin/python3, /load.py], args: [], "
            "files: {/load.py: ./load.py}, scratch: {/tmp: 1MiB}, stop: {grace: 100ms}, "
            f"limits: {limits}}}"
        )
        (self.folder / "shop.yaml").write_text(
            f"orchestr8: 1\nowner: shop\nservices:\n  day: {service}\n  night: {service}\n"
        )
        return self.fleet.run("apply", str(self.folder))

    def want(self, service: str, mebibytes: int, *, reaches: bool = True) -> None:
        """From now on it shall hold so much; waits until it does."""
        program = ASKED.format(wanted=mebibytes, seconds=SECONDS_MOST * reaches)
        python = ("/usr/bin/python3", "-c", program)
        status = 0 if reaches else None
        self.fleet.run("exec", f"{service}.shop", "--", *python, exit_status=status)

    def ended_of_memory(self) -> int:
        """How many tasks of the owner's boxes the kernel ended for want of memory."""
        found = 0
        for name in ("memory.oom_control", "memory.events"):
            for file in self.fleet.control_files(f"shop/*/{name}"):
                counted = dict(line.split() for line in file.read_text().splitlines())
                found += int(counted.get("oom_kill", 0))
        return found

    def promised(self) -> list[int]:
        """The MiB that the kernel keeps for the boxes, their owner and the installation; empty on a
        kernel without `memory.low`."""
        levels = ("shop/shop--*/memory.low", "shop/memory.low", "memory.low")
        files = (file for level in levels for file in self.fleet.control_files(level))
        return [int(file.read_text()) >> 20 for file in files]

    def boxes(self) -> list[str]:
        """Which boxes run."""
        status = self.fleet.json("status")
        boxes = (box for one in status["services"] for box in one["boxes"])
        return [box["id"] for box in boxes if not box["stopped_ms"]]


@pytest.fixture
def fleet() -> Iterator[CrunFleet]:
    for made in fresh_crun():
        made.take_images("shop-api:1")
        yield made


def test_fixed_limits_end_one_though_the_quota_has_room_and_shared_ones_none(
    fleet: CrunFleet, tmp_path: Path
) -> None:
    pair = Pair(fleet, tmp_path)
    pair.apply(FIXED)
    pair.want("day", RECORDED[0][0], reaches=False)
    eventually(lambda: pair.ended_of_memory() > 0, SECONDS_MOST)
    eventually(lambda: len(pair.boxes()) == 1, SECONDS_MOST)

    pair.apply(SHARED)
    assert pair.ended_of_memory() == 0, "the box that was ended is another one now"
    assert pair.promised() in ([], [24, 24, 48, 48])
    before = pair.boxes()
    with served(fleet):
        for row in RECORDED:
            less_first = sorted(zip(("day", "night"), row, strict=True), key=lambda one: one[1])
            for service, mebibytes in less_first:
                pair.want(service, mebibytes)
            assert pair.ended_of_memory() == 0
        if not pair.promised():
            held = "0.day.shop is held to 104MiB"
            eventually(lambda: held in fleet.run("top", "--once"), SECONDS_MOST)
            assert "held to 104MiB" in fleet.run("why", "day.shop")
            assert "owner shop comes near its quota" in fleet.run("history", "--journal")
            assert "nothing to do" in pair.apply(SHARED)
    assert pair.ended_of_memory() == 0
    assert pair.boxes() == before
    assert "nothing to do" in pair.apply(SHARED)
