"""OCI runtimes called without anybody above them, at their own defaults."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.workload import stamp
from orchestr8.engines.crun import installed
from tests.hosts.engines import CACHE


@dataclass(frozen=True)
class BareRuntime:
    """`crun` or `runc` with the document that its own `spec` writes, and the workload in it."""

    program: str
    root: Path
    folder: Path
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def provision(self) -> float:
        """Milliseconds from the call to the workload's first instruction."""
        bundle = self.folder / f"{Path(self.program).name}-{next(self._numbers)}"
        bundle.mkdir()
        subprocess.run([self.program, "spec"], cwd=bundle, check=True)
        file, out = bundle / "config.json", bundle / "out"
        document = json.loads(file.read_text())
        document["process"] |= {"args": ["/first"], "terminal": False}
        document["root"] = {"path": str(self.root), "readonly": True}
        file.write_text(json.dumps(document))
        words = [self.program, "--root", str(self.folder / "state")]
        began = time.monotonic_ns()
        with out.open("wb") as written:
            command = [*words, "run", "--detach", "--bundle", str(bundle), bundle.name]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=written)
        taken = (stamp(out) - began) / 1e6
        subprocess.run([*words, "delete", "--force", bundle.name], check=True)
        shutil.rmtree(bundle)
        return taken


def bare_runtime(name: str, root: Path, folder: Path) -> BareRuntime | None:
    """One of this machine or of an engine's tree, or None where it is missing or can make no
    container here."""
    program = installed.found(name) or str(CACHE / "root-bookworm/usr/sbin" / name)
    if not Path(program).exists():
        return None
    found = BareRuntime(program, root, folder)
    try:
        found.provision()
    except (OSError, RuntimeError, subprocess.CalledProcessError):
        return None
    return found
