"""Takes back what an installation leaves on this machine when its last box is gone."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

from orchestr8.kernel import cgroups, mounts


def remove(installation: str) -> None:
    """Its owners' cgroups, and its run folder with the mounts in it, once no box is there."""
    for folder in {tree.mount for tree in cgroups.hierarchies().values()}:
        for place in (f"orchestr8*{installation}*", f"orchestr8.slice/orchestr8-{installation}.*"):
            for found in Path(folder).glob(place):
                remove_cgroups(found)
    run = Path("/run/orchestr8") / installation
    unmount_below(run)
    with contextlib.suppress(OSError):
        run.rmdir()


def unmount_below(folder: Path) -> None:
    """Nothing is mounted at or below a folder any more, whoever is still in there."""
    while below := _mounted_below(folder):
        # One may take its copies below other mounts along, so each look is a fresh one.
        subprocess.run(["umount", "--lazy", below[-1]], check=True)


def _mounted_below(folder: Path) -> list[str]:
    """Where something is mounted at or below a folder, in the order of mounting."""
    table = mounts.parse(Path("/proc/self/mountinfo").read_text())
    return [one.target for one in table if Path(one.target).is_relative_to(folder)]


def remove_cgroups(place: Path) -> None:
    """A cgroup and all below it, as far as no process is in one and nobody else was quicker."""
    with contextlib.suppress(OSError):
        for below in place.iterdir():
            if below.is_dir():
                remove_cgroups(below)
        place.rmdir()
