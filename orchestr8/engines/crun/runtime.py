"""The runtime as it is called: from a mount of its program that nobody can write to.

A program that starts boxes can be overwritten through /proc/PID/exe by what it starts. crun is safe
from that: where its file could be written it makes a sealed copy of itself and runs that, at each
call; from a read-only mount it need not (CVE-2019-5736).
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from orchestr8.errors import UnavailableError
from orchestr8.host import mounts, programs

_one_at_a_time = threading.Lock()


class Runtime(Struct, frozen=True):
    """crun with a state folder that is ours alone, or another tool's prune would eat boxes.

    `joins` says whether who makes a box must be in its group (v1); else the runtime sees to it.
    """

    program: Path
    shown: Path
    state: Path
    joins: bool

    def command(self) -> list[str]:
        """What every call of it begins with. Raises UnavailableError where the program is gone."""
        with _one_at_a_time:
            self._show()
        groups = "disabled" if self.joins else "cgroupfs"
        return [str(self.shown), f"--root={self.state}", f"--cgroup-manager={groups}"]

    def delete(self, box_id: str) -> None:
        """Have it take back what it made of a box; the absent is success."""
        programs.run([*self.command(), "delete", "--force", box_id], "crun")

    def add_namespaces(self, box_id: str, first: int, kinds: Iterable[str]) -> None:
        """Note namespaces that a created box has and the runtime was not told of.

        Commands in the box enter those that stand in the runtime's own copy of its document, and no
        others; those with a path before they are in the box's user namespace, from where they could
        not. `first` is the box's first task.
        """
        file = self.state / box_id / "config.json"
        document = json.loads(file.read_text())
        document["linux"]["namespaces"] += [
            {"type": kind, "path": f"/proc/{first}/ns/{kind}"} for kind in kinds
        ]
        file.write_text(json.dumps(document))

    def _show(self) -> None:
        try:
            there = self.program.stat()
        except OSError as error:
            raise UnavailableError(
                f"the program {self.program} is gone", "install crun and conmon again"
            ) from error
        try:
            shown = self.shown.stat()
            read_only = os.statvfs(self.shown).f_flag & os.ST_RDONLY
        except OSError:
            read_only = 0
        if not read_only or (shown.st_dev, shown.st_ino) != (there.st_dev, there.st_ino):
            mounts.attach(self.program.resolve(), self.shown, read_only=True, executable=True)
