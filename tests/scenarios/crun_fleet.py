"""One installation on the crun engine: no daemon, and images from the archives of the examples."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestr8.engines.crun import carried
from orchestr8.engines.crun.carried import Carried
from tests.hosts.images import archives
from tests.scenarios.fleet import Home, places

CGROUPS = Path("/sys/fs/cgroup")


@dataclass(kw_only=True)
class CrunFleet(Home):
    """With what its engine keeps on this host."""

    @classmethod
    def new(cls) -> CrunFleet:
        """A fresh one."""
        base, run_folder = places()
        variables = {"ORCHESTR8_ENGINE": "crun"}
        return cls(base=base, run_folder=run_folder, engine_variables=variables)

    def take_images(self, *references: str) -> None:
        """Puts demo images into its store."""
        found = archives()
        for reference in references:
            self.run("image", "import", str(found[reference]))

    def carried(self) -> dict[str, Carried]:
        """What each box carries, by id."""
        kept = (self.base / "state" / "crun" / "boxes").glob("*/box.json")
        return {str(held.id): held for held in map(carried.read, kept) if held}

    def kill_first_task(self, box: str) -> None:
        process = self.carried()[box].process
        assert process
        process.signal(signal.SIGKILL)

    def memory_max_bytes(self, box: str) -> int:
        names = ("memory.max", "memory.limit_in_bytes")  # of one hierarchy, or of many
        (file,) = (one for name in names for one in self.control_files(f"*/{box}/{name}"))
        return int(file.read_text())

    def mounts(self) -> list[str]:
        """What is mounted for its boxes."""
        table = Path("/proc/self/mountinfo").read_text().splitlines()
        return [line for line in table if f"{self.run_folder}/" in line and "/crun/" in line]

    def box_folders(self) -> list[Path]:
        """What the engine keeps for boxes, in memory and on the disk."""
        kept = self.base / "state" / "crun" / "boxes"
        return [*self.run_folder.glob("*/crun/boxes/*"), *kept.glob("*")]

    def control_files(self, below: str) -> list[Path]:
        """Files of this installation's control groups. Others' come and go meanwhile, so nothing
        but its own is looked through."""
        return [file for group in _groups(self.installation) for file in group.glob(below)]

    def clear_engine(self) -> None:
        bridge = f"o8-{self.installation[:8]}"
        subprocess.run(["ip", "link", "delete", bridge], check=False, stderr=subprocess.DEVNULL)


def _groups(installation: str) -> Iterator[Path]:
    """The control groups of an installation, of one hierarchy or of many, or the scope that systemd
    gave it."""
    name = f"orchestr8-{installation}"
    for place in (name, f"*/{name}", f"orchestr8.slice/{name}.scope"):
        yield from CGROUPS.glob(place)


def fresh_crun() -> Iterator[CrunFleet]:
    """One for a test."""
    made = CrunFleet.new()
    try:
        yield made
    finally:
        made.take_down()
