"""Boxes in memory: the OCI state machine, with every condition that a real engine has."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence

from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.boxes.spec import differences
from orchestr8.boxes.world import Observation, ObservedBox, State
from orchestr8.contract.model import ImageFacts
from orchestr8.engines.joined import Joined, write
from orchestr8.engines.memory.machine import Machine, SimulatedBox
from orchestr8.engines.memory.workload import SIGKILL_STATUS
from orchestr8.engines.protocol import Contents, ExecResult, Happened
from orchestr8.engines.required import require_cores, require_features, require_limits
from orchestr8.errors import RejectedError, TimedOutError
from orchestr8.isolation import features, strict
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import MEMORY_LEAST_BYTES, Limits
from orchestr8.names import STANDBY, BoxId

_LOOK_SECONDS = 0.02
_STOP_MS = 5
"""How long a simulated program takes to end when it heeds its signal."""


class MemoryBoxes:
    """Boxes, their logs, and commands in them."""

    def __init__(self, machine: Machine, contents: Contents | None = None) -> None:
        self._machine = machine
        self._contents = contents

    def features(self) -> Features:
        """What the simulated machine was given."""
        return self._machine.features

    def observe(self, ids: Sequence[BoxId] | None = None) -> Observation:
        """All boxes, or those of the named ones that exist, sorted by id."""
        machine = self._machine
        with machine.faults.during("boxes.observe"), machine.lock:
            machine.settle()
            wanted = set(machine.boxes) if ids is None else set(ids) & set(machine.boxes)
            return Observation(
                tuple(_observed(machine.boxes[box_id], machine.features)
                      for box_id in sorted(wanted)),
                machine.boot_id,
            )  # fmt: skip

    def create(self, box: Box) -> None:
        """Check everything that a real engine could trip over, then keep the box."""
        machine = self._machine
        with machine.faults.during("boxes.create", str(box.id)), machine.lock:
            machine.settle()
            existing = machine.boxes.get(box.id)
            if existing:
                _same_spec(existing.box, box)
                return
            require_features(box, machine.features)
            _check_limits(box.limits)
            self._check_world(box)
            self._check_contents(box)
            machine.boxes[box.id] = SimulatedBox(
                box,
                machine.workload_of(box),
                limits=box.limits,
                created_ms=machine.clock.now_ms(),
                names=box.names,
                cores=box.cores,
            )

    def start(self, box_id: BoxId) -> None:
        """Let a created box run."""
        machine = self._machine
        with machine.faults.during("boxes.start", str(box_id)), machine.lock:
            machine.settle()
            found = self._existing(box_id)
            if found.state.runs:
                return
            if not found.state.can_start:
                raise RejectedError(
                    f"box {box_id} has run already, and a box runs once",
                    "remove it and create a fresh one",
                )
            if found.workload.missing_binary:
                del machine.boxes[box_id]
                raise RejectedError(
                    f"the image has no program {found.workload.missing_binary}",
                    "mend entrypoint and args, or the image",
                )
            self._check_joins(found.box)
            machine.boxes[box_id] = replace(
                found,
                state=State.RUNNING,
                started_ms=machine.clock.now_ms(),
                pid=machine.pid(),
            )

    def take(self, box_id: BoxId, slot: int) -> None:
        """Let a standby run, in this slot from now on."""
        machine = self._machine
        with machine.lock:
            found = self._existing(box_id)
            if found.state.can_start:
                machine.boxes[box_id] = replace(found, box=replace(found.box, slot=slot))
        self.start(box_id)

    def watch_ends(self, ids: Collection[BoxId], ended: Callable[[BoxId], None]) -> None:
        """What the machine tells of these boxes."""
        with self._machine.lock:
            self._machine.watched = dict.fromkeys(ids, ended)

    def update(self, box_id: BoxId, limits: Limits) -> None:
        """Change the limits of a running box or a standby; not below what it uses."""
        machine = self._machine
        with machine.faults.during("boxes.update", str(box_id)), machine.lock:
            machine.settle()
            found = self._existing(box_id)
            waits = found.state is State.CREATED and found.box.slot == STANDBY
            if not found.state.runs and not waits:
                raise RejectedError(f"box {box_id} does not run, so it has no limits to change")
            _check_limits(limits)
            require_limits(limits, machine.features)
            if limits.memory_max_bytes < found.workload.memory_bytes:
                raise RejectedError(
                    f"box {box_id} uses more memory than the new limit",
                    "lower it less, or replace the box",
                )
            machine.boxes[box_id] = replace(found, limits=limits)

    def set_cores(self, box_id: BoxId, cores: Sequence[int]) -> None:
        """Hold a box to these cores, or to none; what has ended is on no core."""
        machine = self._machine
        with machine.faults.during("boxes.set_cores", str(box_id)), machine.lock:
            machine.settle()
            found = machine.boxes.get(box_id)
            if found is None or found.state is State.STOPPED:
                return
            require_cores(cores, machine.features)
            machine.boxes[box_id] = replace(found, cores=tuple(cores))

    def stop(self, box_id: BoxId, signal: str, grace_ms: int) -> None:
        """End a running box: at once if it heeds the signal, else after the grace."""
        machine = self._machine
        with machine.faults.during("boxes.stop", str(box_id)):
            machine.settle()
            found = machine.boxes.get(box_id)
            if not found or not found.state.runs:
                return
            killed = found.workload.ignores_signal or signal == "SIGKILL"
            wait_ms = grace_ms if found.workload.ignores_signal else _STOP_MS
            machine.clock.sleep_ms(wait_ms)
            status = SIGKILL_STATUS if killed else found.workload.stop_status
            machine.crash(box_id, status, told=True)

    def remove(self, box_id: BoxId) -> None:
        """Forget a box that does not run."""
        machine = self._machine
        with machine.faults.during("boxes.remove", str(box_id)), machine.lock:
            machine.settle()
            found = machine.boxes.get(box_id)
            if not found:
                return
            if found.state.runs:
                raise RejectedError(f"box {box_id} runs", "stop it first")
            del machine.boxes[box_id]

    def write_names(self, box_id: BoxId, names: Sequence[tuple[str, str]]) -> None:
        """Replace the hosts file's lines."""
        machine = self._machine
        with machine.faults.during("boxes.write_names", str(box_id)), machine.lock:
            machine.boxes[box_id] = replace(self._existing(box_id), names=tuple(names))

    def logs(self, box_id: BoxId, lines_max: int) -> tuple[str, ...]:
        """The last lines of a box that has started."""
        machine = self._machine
        with machine.faults.during("boxes.logs", str(box_id)), machine.lock:
            found = self._existing(box_id)
            return found.workload.log[-lines_max:] if found.started_ms and lines_max > 0 else ()

    def follow(self, box_id: BoxId, lines_max: int, is_left: Callable[[], bool]) -> Iterator[str]:
        """The lines of a box once it has started, until it ends or is left."""
        self._existing(box_id)
        seen, machine = 0, self._machine
        while True:
            with machine.lock:
                machine.settle()
                box = machine.boxes.get(box_id)
                found = self.logs(box_id, lines_max) if box else ()
            yield from found[seen:]
            seen = len(found)
            if not (box and box.state.runs) or is_left():
                return
            time.sleep(_LOOK_SECONDS)

    def ended_from_outside(self, box_id: BoxId) -> bool:
        """Whether a stopped box was told to end."""
        with self._machine.lock:
            self._machine.settle()
            found = self._machine.boxes.get(box_id)
            return found is not None and found.told_to_end

    def listen(self, heard: Callable[[Happened], None]) -> Callable[[], None]:
        """What the machine tells of boxes that end."""
        hearers = self._machine.hearers
        hearers.append(heard)
        return lambda: hearers.remove(heard)

    def execute(
        self, box_id: BoxId, command: Sequence[str], timeout_ms: int | None = None
    ) -> ExecResult:
        """What the workload prints for every command."""
        machine = self._machine
        with machine.faults.during("boxes.execute", str(box_id)), machine.lock:
            machine.settle()
            found = self._existing(box_id)
            if not found.state.runs:
                raise RejectedError(f"box {box_id} does not run")
            if not command:
                raise RejectedError("there is no command to run")
            if timeout_ms != 0 and (timeout_ms is None or not found.workload.commands_last):
                return ExecResult(found.workload.command_status, found.workload.output, b"")
        machine.clock.sleep_ms(timeout_ms)
        raise TimedOutError(f"the command in box {box_id} did not end within {timeout_ms} ms")

    def execute_attached(self, box_id: BoxId, command: Sequence[str], joined: Joined) -> int:
        """The same, to somebody's output."""
        result = self.execute(box_id, command)
        write(joined.output, result.stdout)
        while self._existing(box_id).workload.commands_last:
            if joined.is_left() or not self._existing(box_id).state.runs:
                return SIGKILL_STATUS
            time.sleep(_LOOK_SECONDS)
        return result.exit_status

    def _existing(self, box_id: BoxId) -> SimulatedBox:
        found = self._machine.boxes.get(box_id)
        if not found:
            raise RejectedError(f"there is no box {box_id}", "create it first")
        return found

    def _check_world(self, box: Box) -> None:
        machine, spec = self._machine, box.spec
        image = machine.image_by_id(spec.image_id)
        if not image:
            raise RejectedError(f"the image {spec.image or spec.image_id} is not present")
        _check_image(box, image)
        for volume in spec.volumes:
            if volume.volume not in machine.volumes:
                raise RejectedError(f"the volume {volume.volume} is not there")
        if box.id.owner not in machine.quotas:
            raise RejectedError(f"owner {box.id.owner} has no cgroup yet")
        if spec.networked and not machine.network_prepared:
            raise RejectedError("the network is not prepared")
        if spec.networked and not box.address and not any(kind == "net" for kind, _ in box.joins):
            raise RejectedError(f"box {box.id} has no address")
        for other in machine.boxes.values():
            in_use = other.state is not State.STOPPED and other.box.address
            if in_use and other.box.address == box.address:
                raise RejectedError(f"the address {box.address} belongs to {other.box.id}")
        self._check_joins(box)

    def _check_joins(self, box: Box) -> None:
        for kind, peer in box.joins:
            found = self._machine.boxes.get(peer)
            if not found or not found.state.runs:
                raise RejectedError(f"box {peer}, whose {kind} namespace is joined, does not run")

    def _check_contents(self, box: Box) -> None:
        if not self._contents:
            return
        for file in box.spec.files:
            self._contents.file(file.digest)
        for secret in box.spec.secrets:
            self._contents.secret(box.id.owner, secret.name, secret.digest)


def _check_image(box: Box, image: ImageFacts) -> None:
    spec = box.spec
    scratch = (*strict.VERSIONS[spec.profile.strict].scratch, *spec.profile.scratch)
    covered = {volume.target for volume in spec.volumes} | {item.path for item in scratch}
    for path in image.volumes:
        if path not in covered:
            raise RejectedError(f"the image's VOLUME {path} is neither scratch nor a volume")
    if any(key.startswith("orchestr8.") for key, _ in image.labels):
        raise RejectedError("the image has labels in the prefix orchestr8.")


def _same_spec(existing: Box, wanted: Box) -> None:
    changes = differences(wanted.spec, existing.spec)
    if changes:
        raise RejectedError(
            f"box {wanted.id} exists with another spec: {'; '.join(map(str, changes))}"
        )


def _check_limits(limits: Limits) -> None:
    if limits.memory_max_bytes < MEMORY_LEAST_BYTES:
        raise RejectedError("a box needs at least 6MiB of memory")
    if limits.pids_max < 1 or limits.cpu_max_millicores < 10:
        raise RejectedError("a box needs at least one task and 0.01 cpu")


def _observed(box: SimulatedBox, present: Features) -> ObservedBox:
    made = box.box
    return ObservedBox(
        id=made.id,
        state=box.state,
        spec=made.spec,
        slot=made.slot,
        set_name=made.set_name,
        service_key=made.service_key,
        address=made.address,
        limits=_shown(box.limits, present) if box.state is not State.STOPPED else None,
        created_ms=box.created_ms,
        started_ms=box.started_ms,
        stopped_ms=box.stopped_ms,
        exit_status=box.exit_status,
        out_of_memory=box.out_of_memory,
        pid=box.pid,
        engine_id=f"memory-{made.id}",
        joins=made.joins,
        names=box.names,
        uid_base=made.uid_base,
        service_address=made.service_address,
        stop=made.stop,
        runs_again=box.runs_again,
        paused=box.paused and box.state.runs,
        cores=box.cores if box.state is not State.STOPPED else (),
    )


def _shown(limits: Limits, present: Features) -> Limits:
    """The limits as control files show them: what nothing enforces is not seen either."""
    guarantee, memory = features.CPU_GUARANTEE, features.MEMORY_GUARANTEE
    io, net = present.has(features.IO), present.has(features.BANDWIDTH)
    return replace(
        limits,
        cpu_guarantee_millicores=limits.cpu_guarantee_millicores
        if present.has(guarantee)
        else None,
        memory_guarantee_bytes=limits.memory_guarantee_bytes if present.has(memory) else None,
        io_read_bytes=limits.io_read_bytes if io else None,
        io_write_bytes=limits.io_write_bytes if io else None,
        bandwidth_out_bits=limits.bandwidth_out_bits if net else None,
        bandwidth_in_bits=limits.bandwidth_in_bits if net else None,
        dedicated_cores=None,
    )
