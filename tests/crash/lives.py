"""One box's life on the crun engine, in a process that is killed at some instant of it.

The instants are the lines of the engine and of the host's hand, each as it is reached for the first
time in creating, starting, stopping or removing; and moments in between, while a program works for
us. Whoever comes next has to make do with what is left, and in the end nothing may be left.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.world import ObservedBox, State
from orchestr8.engines.crun import carried
from orchestr8.engines.crun.places import Places
from orchestr8.errors import RejectedError
from orchestr8.names import STANDBY
from tests.conformance.crun import RUN, CrunBench
from tests.scenarios.fleet import ROOT

NEVER = "no line says this"
_LIFE = """
import linecache, os, pickle, signal, sys
sys.path[:0] = sys.argv[2:]
from orchestr8.engines.crun.borders import crun_borders
from orchestr8.names import STANDBY
from tests.conformance.programs import Contents

SLOT = 2
fatal, (ground, box) = sys.argv[1], pickle.load(sys.stdin.buffer)
boxes = crun_borders(Contents(), ground).boxes
number = int(fatal) if fatal.isdigit() else 0
places = {}

def trace(frame, event, argument):
    file = frame.f_code.co_filename
    if "/orchestr8/engines/" not in file and "/orchestr8/host/" not in file:
        return None
    place = (act.__name__, file.partition("/orchestr8/")[2], frame.f_lineno)
    if event == "line" and place not in places:
        places[place] = None
        if len(places) == number or not number and fatal in linecache.getline(file, frame.f_lineno):
            print(*place, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    return trace

print("ready", flush=True)
for act, words in (
    (boxes.create, (box,)),
    (boxes.take, (box.id, SLOT)) if box.slot == STANDBY else (boxes.start, (box.id,)),
    (boxes.stop, (box.id, "SIGKILL", 0)),
    (boxes.remove, (box.id,)),
):
    sys.settrace(trace)
    act(*words)
    sys.settrace(None)
print(len(places), flush=True)
"""


@dataclass(frozen=True)
class Lives:
    """Boxes of one bench that live in processes of their own."""

    bench: CrunBench

    def box(self) -> Box:
        """A box with all that the engine lays out."""
        return self.bench.box(networked=True)

    def standby(self) -> Box:
        """The same without a slot, until it takes one."""
        return replace(self.box(), slot=STANDBY)

    def killed_at(self, box: Box, instant: int | str) -> str:
        """Lives it until its Nth line, or one that says this; which one, or how many there are."""
        with self._living(box, instant) as process:
            assert process.stdout
            said = process.stdout.read().decode().split("\n")
        return said[-2] if said[1:] else ""

    def killed_after(self, box: Box, seconds: float) -> None:
        """Lives it for so long."""
        with self._living(box, NEVER) as process:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
            process.kill()

    def again(self, box: Box) -> None:
        """What the next apply does: the box runs, with all that it shall have; then it goes."""
        boxes = self.bench.boxes
        self.settle(box)
        for found in boxes.observe([box.id]).boxes:
            if found.state is State.STOPPED:
                boxes.remove(box.id)
        boxes.create(box)
        try:
            boxes.start(box.id)
        except RejectedError:  # who started it was killed at its gate, and it is gone
            boxes.create(box)
            boxes.start(box.id)
        self._require_whole(box, self.bench.see(box))
        self.end(box)

    def settle(self, box: Box) -> None:
        """A box that its maker told to end before it was killed itself has ended afterwards."""
        places = Places(self.bench.state / "crun", RUN / self.bench.installation / "crun")
        held = carried.read(places.box(box.id).record)
        if held and held.told:
            self.bench.boxes.stop(box.id, "SIGKILL", 0)

    def end(self, box: Box) -> None:
        """Stops and removes it."""
        self.bench.boxes.stop(box.id, "SIGKILL", 0)
        self.bench.boxes.remove(box.id)

    def command(self, box: Box, *words: str) -> int:
        """Runs a command in it; its exit status."""
        return int(self.bench.boxes.execute(box.id, words).exit_status)

    def remains(self) -> object:
        """All that boxes can leave behind, their processes among it."""
        return self.bench.footprint(), self.processes()

    def processes(self) -> list[str]:
        """The programs that work for this installation."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (folder / "cmdline").read_text(errors="replace").replace("\0", " ")
                if self.bench.installation in words and "pytest" not in words:
                    found.append(words)
        return found

    def _living(self, box: Box, instant: int | str) -> subprocess.Popen[bytes]:
        command: Sequence[str] = [
            sys.executable, "-c", _LIFE, str(instant), *filter(None, sys.path)
        ]  # fmt: skip
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin
        process.stdin.write(pickle.dumps((self.bench.ground, box)))
        process.stdin.close()
        process.stdin = None
        return process

    def _require_whole(self, box: Box, found: ObservedBox) -> None:
        assert found.state is State.RUNNING
        assert found.limits == box.limits, found
        assert found.started_ms >= found.created_ms > 0
        assert "eth0" in Path(f"/proc/{found.pid}/net/dev").read_text()
        done = self.bench.boxes.execute(box.id, ("/bin/true",))
        assert done.exit_status == 0, done
