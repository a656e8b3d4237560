"""A crun engine on this machine, with state and run folders of the bench's own."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.network import Ranges
from orchestr8.boxes.world import ObservedBox
from orchestr8.engines.crun.borders import crun_borders
from orchestr8.engines.crun.images import CrunImages
from orchestr8.engines.crun.machine import Tools, found_tools
from orchestr8.engines.ground import Ground
from orchestr8.engines.protocol import Borders
from tests.conformance import ports
from tests.conformance.benches import Bench, await_decision, free_network, unmount
from tests.conformance.programs import PROGRAMS, Contents, Program
from tests.conformance.registry import registry
from tests.hosts.crun import NEWER, newer
from tests.hosts.images import archives

RUN = Path("/run/orchestr8-test")
STATE = Path("/var/lib/orchestr8-test")
UID_INSIDE = 65_532
CRUNS = ("crun", *(f"crun-{name}" for name in NEWER))


@contextmanager
def tools_of(name: str) -> Iterator[Tools | None]:
    """The programs of the crun of this name; none for the host's own."""
    suite = name.removeprefix("crun").removeprefix("-")
    if not suite:
        yield None
        return
    with newer(suite) as folder:
        yield Tools(str(folder / "crun"), str(folder / "conmon"))


@contextmanager
def ready_crun(tools: Tools | None = None) -> Iterator[CrunBench]:
    """A bench of its own that leaves nothing."""
    made = CrunBench(tools)
    try:
        made.ready()
        yield made
    finally:
        made.take_down()


class CrunBench(Bench):
    """Boxes of an installation of its own; images are taken from the archives of the examples."""

    def __init__(self, tools: Tools | None = None) -> None:
        self.tools = tools or found_tools()
        self.installation = f"t{secrets.token_hex(4)}"
        self.state = STATE / self.installation
        free = free_network()
        ranges = Ranges(f"10.{free}.0.0/17", f"10.{free}.128.0/17")
        self.ground = Ground(self.installation, RUN, ranges, self.state)
        borders = crun_borders(Contents(), self.ground, self.tools)
        super().__init__("crun", borders, f"10.{free}.0.{{}}")

    def ready(self) -> None:
        super().ready()
        images = self.borders.images
        assert isinstance(images, CrunImages)
        for reference in sorted({one.image for one in PROGRAMS.values()}):
            images.take(f"docker-archive:{archives()[reference]}", reference)
        for owner in ("web", "data"):  # the first ones make what stays
            self.run(self.box(owner=owner))
        self.clear()

    def ids(self, number: int) -> dict[str, int]:
        return {"uid": UID_INSIDE, "gid": UID_INSIDE, "uid_base": 1_048_576 + number * 65_536}

    def await_signals(self, found: ObservedBox) -> None:
        await_decision(found, "crun")

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    @contextmanager
    def away(self) -> Iterator[tuple[Borders, Callable[[], None]]]:
        """Without a daemon only its programs can be away."""
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "crun"
            tools = replace(self.tools, crun=str(place))
            yield (
                crun_borders(Contents(), self.ground, tools),
                lambda: place.symlink_to(self.tools.crun),
            )

    @contextmanager
    def registry(self) -> Iterator[str]:
        with registry(self.boxes.features().architecture) as name:
            yield name

    def taken(self) -> AbstractContextManager[Sequence[tuple[str, int]]]:
        return ports.taken()

    def footprint(self) -> object:
        kept = ("crun/boxes", "crun/volumes", "crun/volumes-known")
        files = [path for name in kept for path in (self.state / name).rglob("*")]
        run = RUN / self.installation
        shown = [
            p for name in ("boxes", "crun/boxes", "crun/crun") for p in (run / name).rglob("*")
        ]
        mounts = [
            line.split()[4]
            for line in Path("/proc/self/mountinfo").read_text().splitlines()
            if self.installation in line
        ]
        groups = list(Path("/sys/fs/cgroup").glob(f"*/orchestr8-{self.installation}/*/*"))
        return tuple(
            sorted(map(str, part)) for part in (files, shown, mounts, groups, self._links())
        )

    def _links(self) -> list[str]:
        """The boxes' interfaces; those of boxes that have gone follow in the kernel's own time."""
        boxes = len(list((self.state / "crun/boxes").glob("*--*")))
        ports = Path(f"/sys/class/net/o8-{self.installation[:8]}/brif")
        for _ in range(3000):
            there = sorted(one.name for one in ports.glob("*"))
            if len(there) <= boxes:
                break
            time.sleep(0.01)
        return there

    def take_down(self) -> None:
        """Remove all that this installation made."""
        self.clear()
        self.borders.network.remove_all()  # type: ignore[attr-defined]
        subprocess.run(["ip", "link", "delete", f"o8-{self.installation[:8]}"], check=False)
        for owner in self.borders.owners.quotas():
            self.borders.owners.remove(owner)  # type: ignore[attr-defined]
        shutil.rmtree(RUN / self.installation / "crun", ignore_errors=True)
        unmount(RUN / self.installation)
        shutil.rmtree(self.state, ignore_errors=True)

    def _prepare(self, made: Box, program: Program) -> None:
        pass
