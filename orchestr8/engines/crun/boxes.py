"""Boxes by crun and conmon, with their logs and commands in them."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator, Sequence

from msgspec.structs import replace

from orchestr8.boxes import spec as specs
from orchestr8.boxes.desired import Box
from orchestr8.boxes.world import Observation, State
from orchestr8.engines import living
from orchestr8.engines.crun import carried, clearing, failures, making, seen, stopwatch
from orchestr8.engines.crun.carried import Carried
from orchestr8.engines.crun.commands import Commands
from orchestr8.engines.crun.log_files import LogFiles
from orchestr8.engines.crun.logs import follow, last_lines
from orchestr8.engines.crun.making import Parts
from orchestr8.engines.crun.stopwatch import Stopwatch
from orchestr8.engines.ends import EndWatch, First
from orchestr8.engines.joined import Joined
from orchestr8.engines.memory_use import require_room
from orchestr8.engines.protocol import ExecResult, Happened
from orchestr8.engines.required import require_cores, require_features, require_limits
from orchestr8.engines.signals import stop_signal
from orchestr8.errors import EngineError, RejectedError, UnavailableError
from orchestr8.host import folder_events
from orchestr8.host.box_cgroups import BoxCgroup
from orchestr8.host.staging import Staging
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits
from orchestr8.kernel import files
from orchestr8.names import STANDBY, BoxId

_LET_IN_SECONDS = 0.2
"""From the byte at its gate to its own program a box takes less than one millisecond, and more on a
busy machine; who is judged too early is replaced."""


class CrunBoxes:
    """The boxes of one installation; also their logs, and commands in them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._places = parts.places
        self._commands = Commands(parts.monitors.runtime, parts.places)
        self._ends = EndWatch()
        self._made: object = None

    def features(self) -> Features:
        """What this engine enforces on this host."""
        return self._parts.machine.features

    def observe(self, ids: Sequence[BoxId] | None = None) -> Observation:
        """One snapshot; nothing is changed by it."""
        found = []
        for box_id in sorted(set(self._places.box_ids() if ids is None else ids)):
            held = self._carried(box_id)
            if held:
                names = self._parts.preparation.names(box_id)
                found.append(seen.observed(held, self._places, self._cgroup(box_id), names))
        return Observation(tuple(found), files.boot_id())

    def tend(self) -> None:
        """Change log files in time, and take away what was cut off and what boxes left; also finish
        a start that was cut off behind the gate."""
        self._places.tidy()
        plugged = self._parts.plugs.seen()
        ids = self._places.box_ids()
        self._parts.plugs.sweep(plugged, ids)
        for box_id in ids:
            places = self._places.box(box_id)
            LogFiles(places).tend()
            if places.is_finished or not (held := self._carried(box_id)) or not held.started_ms:
                continue
            places.drop_mounts()
            carried.copy(places.copy, held)

    def create(self, box: Box) -> None:
        """Lay out, make, limit, plug in; whatever fails takes all of it back."""
        existing = self._carried(box.id)
        if existing and existing.process:
            _require_same(box, existing)
            return
        require_features(box, self.features())
        if existing:  # its making was cut off, and may go on without whoever began it
            self._discard(box.id)
        try:
            with failures.words(f"creating box {box.id}"):
                self._parts.preparation.ensure()
                self._ensure_places()
                making.make(self._parts, box)
        except BaseException:
            with contextlib.suppress(EngineError):
                self._discard(box.id)
            raise

    def start(self, box_id: BoxId) -> None:
        """Open the gate of a created box."""
        self._run(self._existing(box_id))

    def take(self, box_id: BoxId, slot: int) -> None:
        """Open the gate of a standby, which has its slot before it runs."""
        held = self._existing(box_id)
        self._run(replace(held, slot=slot) if held.slot == STANDBY else held)

    def watch_ends(self, ids: Collection[BoxId], ended: Callable[[BoxId], None]) -> None:
        """By descriptors of the first processes."""
        self._ends.watch(ids, self._first_process, ended)

    def update(self, box_id: BoxId, limits: Limits) -> None:
        """Write the cgroup's numbers."""
        held = self._existing(box_id)
        if not seen.has_limits(held):
            raise RejectedError(f"box {box_id} does not run, so it has no limits to change")
        require_limits(limits, self.features())
        if held.process and self._parts.machine.unified:
            require_room(box_id, held.process.pid, limits)
        self._cgroup(box_id).set_limits(limits)

    def set_cores(self, box_id: BoxId, cores: Sequence[int]) -> None:
        """Write the cgroup's cores; on v1 its tasks are moved to where they hold."""
        held = self._carried(box_id)
        if not held or seen.state_of(held, self._places) is State.STOPPED:
            return
        require_cores(cores, self.features())
        self._cgroup(box_id).set_cores(cores)

    def stop(self, box_id: BoxId, signal_name: str, grace_ms: int) -> None:
        """The signal, the grace, then SIGKILL.

        The monitor writes status and last lines a moment later: who asks for them waits for it.
        """
        held = self._carried(box_id)
        if not held or not held.process or not seen.state_of(held, self._places).runs:
            return
        first = held.process
        self._parts.cgroups.keep()
        with contextlib.suppress(OSError):  # a full disk keeps no box from being stopped
            carried.told_to_end(self._places.box(box_id).record)
        asked = _signal(signal_name or self._stop_signal(held))
        living.let_go_on(first.pid, str(box_id))
        if not first.ended_by((asked, grace_ms / 1000), (signal.SIGKILL, clearing.END_SECONDS)):
            raise UnavailableError(
                f"box {box_id} did not end after SIGKILL",
                "one of its tasks waits in the kernel, for a disk for instance: see dmesg",
            )
        clearing.end_rest(self._parts, held)

    def remove(self, box_id: BoxId) -> None:
        """All that create made."""
        held = self._carried(box_id)
        if held and seen.state_of(held, self._places).runs:
            raise RejectedError(f"box {box_id} runs", "stop it first")
        self._discard(box_id)

    def write_names(self, box_id: BoxId, names: Sequence[tuple[str, str]]) -> None:
        """Rewrite the staged hosts file; the box sees the same file."""
        Staging(self._parts.preparation.run).rewrite_names(box_id, names)

    def phases(self, box_id: BoxId) -> dict[str, float]:
        """What its making and its start took, part by part."""
        return stopwatch.read(self._places.box(box_id).phases)

    def listen(self, heard: Callable[[Happened], None]) -> Callable[[], None]:
        """The files that monitors write when boxes end."""
        self._parts.preparation.run.ensure()
        self._places.make()

        def appeared(name: str) -> None:
            if not name:
                heard(Happened("more happened to boxes than could be told"))
                return
            with contextlib.suppress(ValueError):  # a file that is on its way to its name
                heard(Happened(f"{name} ended", BoxId.parse(name)))

        return folder_events.follow(self._places.exits, appeared)

    def logs(self, box_id: BoxId, lines_max: int) -> tuple[str, ...]:
        """The last lines of both streams."""
        held = self._existing(box_id)
        if seen.state_of(held, self._places) is State.STOPPED:
            seen.await_status(held, self._places)
        files = LogFiles(self._places.box(box_id))
        files.tend()
        return last_lines(files, lines_max)

    def follow(self, box_id: BoxId, lines_max: int, is_left: Callable[[], bool]) -> Iterator[str]:
        """The last lines and those that come; its monitor ends when it has written all of them."""
        monitor = self._existing(box_id).monitor
        files = LogFiles(self._places.box(box_id))
        return follow(files, lines_max, lambda: monitor is None or not monitor.alive, is_left)

    def ended_from_outside(self, box_id: BoxId) -> bool:
        """Whether we told it to, somebody killed it, or nobody saw its end."""
        held = self._carried(box_id)
        if not held or seen.state_of(held, self._places) is not State.STOPPED:
            return False
        if held.told or self._places.box(box_id).told.exists():
            return True
        status = seen.ending_of(self._places.box(box_id)).status
        return status in (None, 128 + signal.SIGKILL) and not self._cgroup(box_id).out_of_memory()

    def execute(
        self, box_id: BoxId, command: Sequence[str], timeout_ms: int | None = None
    ) -> ExecResult:
        """Run a command and keep what it prints."""
        self._require_running(box_id)
        return self._commands.run(box_id, self._cgroup(box_id), command, timeout_ms)

    def execute_attached(self, box_id: BoxId, command: Sequence[str], joined: Joined) -> int:
        """Run a command joined to somebody."""
        self._require_running(box_id)
        return self._commands.attach(box_id, self._cgroup(box_id), command, joined)

    def _ensure_places(self) -> None:
        """What all boxes need; made anew only where it is not as it was left."""
        if self._made is None or self._places.mark() != self._made:
            self._places.make()
            self._made = self._places.mark()

    def _run(self, held: Carried) -> None:
        """Let a created box run as it is carried here."""
        if not seen.waits(held, self._places):
            if seen.state_of(held, self._places).runs:
                return
            raise RejectedError(
                f"box {held.id} has run already, and a box runs once",
                "remove it and create a fresh one",
            )
        places, at_ms = self._places.box(held.id), time.time_ns() // 1_000_000
        if held.started_ms:
            self._require_let_in(held)
            places.gate.unlink(missing_ok=True)
            return
        watch = Stopwatch()
        # Before it runs: a box whose gate was opened by who was killed then has its time as well.
        with failures.words(f"starting box {held.id}"):
            carried.started(places.record, held.slot, at_ms)
        entered = seen.entering(held)
        self._open_gate(held)
        watch.lap("gate")
        places.drop_mounts()
        carried.copy(places.copy, replace(held, started_ms=at_ms))
        if entered():
            watch.lap("first")
        watch.write(places.phases, stopwatch.read(places.phases))

    def _require_let_in(self, held: Carried) -> None:
        """Whoever started a box was killed at its gate. Either it runs by now; or the gate may have
        been opened and shut again without the byte, and then the runtime looks at it without a rest
        and ends at the next one who opens it (crun 1.8.1).
        """
        program = self._parts.monitors.runtime.program
        if not seen.await_workload(held, program, _LET_IN_SECONDS):
            self._discard(held.id)
            raise RejectedError(
                f"who started box {held.id} was killed before it ran", "create a fresh one"
            )

    def _open_gate(self, held: Carried) -> None:
        """The byte that the runtime's own start writes; unlinked, or it waits there for ever.

        The byte comes first: a gate without a name at which a box still waits could not be opened
        by anybody.
        """
        gate = self._places.box(held.id).gate
        try:
            opened = os.open(gate, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.ENOENT):
                self._discard(held.id)
                raise RejectedError(
                    f"box {held.id} ended before it was started", "create a fresh one"
                ) from error
            raise
        try:
            os.write(opened, b"0")
            gate.unlink()
        finally:
            os.close(opened)

    def _discard(self, box_id: BoxId) -> None:
        clearing.clear(self._parts, box_id, self._carried(box_id))

    def _first_process(self, box_id: BoxId) -> First | None:
        held = self._carried(box_id)
        return (held.process.pid, held.process.started) if held and held.process else None

    def _carried(self, box_id: BoxId) -> Carried | None:
        found = self._places.box(box_id).held()
        return found if found and found.installation == self._parts.installation else None

    def _existing(self, box_id: BoxId) -> Carried:
        held = self._carried(box_id)
        if not held:
            raise RejectedError(f"there is no box {box_id}", "create it first")
        return held

    def _require_running(self, box_id: BoxId) -> None:
        held = self._existing(box_id)
        if seen.state_of(held, self._places) is not State.RUNNING:
            raise RejectedError(f"box {box_id} does not run", "start it first")
        seen.await_workload(held, self._parts.monitors.runtime.program)

    def _cgroup(self, box_id: BoxId) -> BoxCgroup:
        return self._parts.cgroups.of(box_id)

    def _stop_signal(self, held: Carried) -> str:
        spec = held.box_spec
        facts = self._parts.images.resolve(spec.image_id) if spec else None
        return facts.stop_signal if facts else ""


def _signal(name: str) -> int:
    return int(signal.Signals[stop_signal(name)])


def _require_same(box: Box, held: Carried) -> None:
    carried_spec = held.box_spec
    changes = specs.differences(box.spec, carried_spec) if carried_spec else ()
    if carried_spec is None or changes:
        listed = "; ".join(map(str, changes)) or "which cannot be read"
        raise RejectedError(
            f"box {box.id} exists with another spec: {listed}", "remove it, then create it"
        )
