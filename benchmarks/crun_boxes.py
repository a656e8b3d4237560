"""Boxes of the crun engine by its own calls, in an installation of their own."""

from __future__ import annotations

import itertools
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.workload import NAME
from orchestr8.boxes.desired import Box
from orchestr8.boxes.network import Ranges
from orchestr8.boxes.spec import BoxSpec
from orchestr8.controller.contents import HeldContents
from orchestr8.engines.crun.borders import crun_borders
from orchestr8.engines.crun.boxes import CrunBoxes
from orchestr8.engines.crun.images import CrunImages
from orchestr8.engines.ground import Ground as EngineGround
from orchestr8.host.cgroups import CGROUPFS, OwnerCgroups
from orchestr8.isolation.limits import MIB, Limits
from orchestr8.names import BoxId
from tests.conformance.benches import unmount

RUN = Path("/run/orchestr8-test")
STATE = Path("/var/lib/orchestr8-test")
OWNER = "bench"
_RANGES = Ranges("10.231.0.0/17", "10.231.128.0/17")
_UID_FIRST, _UID_EACH, _UID_INSIDE = 1_048_576, 65_536, 65_532


class CrunBoxesOfOurs:
    """The engine, and fresh boxes for it: each of another service, with ids of its own."""

    def __init__(self, archive: Path) -> None:
        self.installation = f"b{secrets.token_hex(4)}"
        self.state = STATE / self.installation
        ground = EngineGround(self.installation, RUN, _RANGES, self.state)
        contents = HeldContents(lambda _: b"", self.state / "none")
        self.borders = crun_borders(contents, ground)
        boxes, images = self.borders.boxes, self.borders.images
        assert isinstance(boxes, CrunBoxes) and isinstance(images, CrunImages)
        self.boxes = boxes
        self.image = images.take(f"docker-archive:{archive}", NAME)
        self._numbers = itertools.count(1)

    def box(self) -> Box:
        """A box without a network that runs the workload."""
        number = next(self._numbers)
        spec = BoxSpec(
            image_id=self.image.id, image=NAME, entrypoint=("/first",), args=(), hostname="first",
            uid=_UID_INSIDE, gid=_UID_INSIDE,
        )  # fmt: skip
        return Box(
            id=BoxId(OWNER, f"first-{number}", 1),
            slot=0,
            set_name="default",
            service_key=f"key-{number}",
            spec=spec,
            limits=Limits(cpu_max_millicores=500, memory_max_bytes=64 * MIB, pids_max=64),
            uid_base=_UID_FIRST + number * _UID_EACH,
        )

    def log(self, box_id: BoxId) -> Path:
        """Where the monitor keeps what a box writes."""
        return self.state / "crun" / "boxes" / str(box_id) / "log"

    def pid(self, box_id: BoxId) -> int:
        """A running box's first task."""
        (found,) = self.boxes.observe([box_id]).boxes
        assert found.pid
        return found.pid

    def end(self, box_id: BoxId) -> None:
        """Stop and remove."""
        self.boxes.stop(box_id, "SIGKILL", 0)
        self.boxes.remove(box_id)


@contextmanager
def crun_boxes(archive: Path) -> Iterator[CrunBoxesOfOurs]:
    """An installation for one group of rows; nothing of it stays."""
    made = CrunBoxesOfOurs(archive)
    try:
        yield made
    finally:
        for found in made.boxes.observe().boxes:
            made.end(found.id)
        owners = made.borders.owners
        assert isinstance(owners, OwnerCgroups) and owners.driver == CGROUPFS
        owners.remove(OWNER)
        shutil.rmtree(RUN / made.installation / "crun", ignore_errors=True)
        unmount(RUN / made.installation)
        shutil.rmtree(made.state, ignore_errors=True)
