"""Boxes on a Docker Engine, with their logs and commands in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.boxes import spec as specs
from orchestr8.boxes.desired import Box
from orchestr8.boxes.world import Observation, State
from orchestr8.engines import living, this_kernel
from orchestr8.engines.docker import labels, streams
from orchestr8.engines.docker.carried import carried_spec
from orchestr8.engines.docker.client import Client, patient
from orchestr8.engines.docker.containers import Containers, absent
from orchestr8.engines.docker.details import details_of
from orchestr8.engines.docker.events import DockerEvents, was_signalled
from orchestr8.engines.docker.images import DockerImages
from orchestr8.engines.docker.in_place import Mounts, mounts_of, require_in_place
from orchestr8.engines.docker.machine import DockerMachine
from orchestr8.engines.docker.programs import Programs
from orchestr8.engines.docker.resources import Resources
from orchestr8.engines.docker.situation import Bind, Preparation, Situation, Staged
from orchestr8.engines.docker.volumes import DockerVolumes
from orchestr8.engines.ends import EndWatch
from orchestr8.engines.joined import Joined
from orchestr8.engines.protocol import Contents, ExecResult, Happened
from orchestr8.engines.required import require_features
from orchestr8.errors import (
    EngineError,
    FeatureMissingError,
    RejectedError,
    UnavailableError,
)
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits
from orchestr8.names import BoxId

_END_SECONDS = 10.0
"""How long the kernel may take to end a killed box before we say that it hangs."""
_SETTING_DROPPED = ("discarded", "not support", "no effect", "disabled. memory")


class Parts(Struct, frozen=True):
    """What boxes stand on: the engine's other sides, the host, and the contents of files."""

    installation: str
    client: Client
    images: DockerImages
    volumes: DockerVolumes
    machine: DockerMachine
    preparation: Preparation
    contents: Contents
    state_folder: str = ""


class _Created(Struct, frozen=True):
    """A container that was made here and not started yet."""

    container: str
    mounts: Mounts | None = None


class DockerBoxes:
    """The boxes of one installation; also their logs, and commands in them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._client = parts.client
        self._containers = Containers(parts.client, parts.installation, parts.preparation)
        self._resources = Resources(parts.client, self._containers, parts.machine)
        self._programs = Programs(parts.client, self._containers)
        self._created: dict[BoxId, _Created] = {}
        """Each is started once without being looked at again."""
        self._in_place: set[Mounts] = set()
        self._ends = EndWatch()

    @patient
    def features(self) -> Features:
        """What this engine enforces on this host."""
        return self._parts.machine.features

    @patient
    def observe(self, ids: Sequence[BoxId] | None = None) -> Observation:
        """One snapshot."""
        return self._containers.observe(ids)

    @patient
    def create(self, box: Box) -> None:
        """Stage, mount, create; whatever fails takes all of it back."""
        # A container was staged for before it was made, so that without the one the other is not
        # asked for. Where the run folder was lost, the engine says that the name is taken.
        staged = self._parts.preparation.is_staged(box.id)
        existing = self._containers.find(box.id) if staged else None
        if existing:
            _require_same(box, existing)
            return
        require_features(box, self._parts.machine.features)
        from orchestr8.engines.docker import translate  # most commands make nothing

        try:
            body = translate.create_body(box, self._situation(box))
            answer = self._client.post(
                "/containers/create", f"creating box {box.id}", body, name=str(box.id)
            )
            _require_all_taken(box.id, answer.get("Warnings") or [])
            self._created[box.id] = _Created(answer["Id"], mounts_of(box, body["HostConfig"]))
        except RejectedError:
            made_meanwhile = self._containers.find(box.id)
            if not made_meanwhile:
                self._discard(box.id)
                raise
            # by a caller that was killed while the engine worked for it
            _require_same(box, made_meanwhile)
        except BaseException:
            self._discard(box.id)
            raise

    @patient
    def start(self, box_id: BoxId) -> None:
        """Start a created container; one that cannot start is removed with all it had."""
        created = self._waiting(box_id)
        if created.container:
            self._start(box_id, created)

    @patient
    def take(self, box_id: BoxId, slot: int) -> None:
        """The slot before the start: it counts from then on."""
        created = self._waiting(box_id)
        if created.container:
            self._parts.preparation.keep_slot(box_id, slot)
            self._start(box_id, created)

    @patient
    def update(self, box_id: BoxId, limits: Limits) -> None:
        """In place."""
        self._resources.limit(box_id, limits)

    @patient
    def set_cores(self, box_id: BoxId, cores: Sequence[int]) -> None:
        """In place."""
        self._resources.keep_on(box_id, cores)

    @patient
    def stop(self, box_id: BoxId, signal: str, grace_ms: int) -> None:
        """The signal, the grace, then SIGKILL."""
        found = self._containers.find(box_id)
        if not found or not details_of(found).state.runs:
            return
        container = found["Id"]
        if found["State"].get("Paused"):
            self._client.post(f"/containers/{container}/unpause", f"waking box {box_id}")
        living.let_go_on(details_of(found).pid or 0, container)
        chosen = signal or found["Config"].get("StopSignal") or "SIGTERM"
        if self._kill(container, box_id, chosen, grace_ms / 1000):
            return
        if not self._kill(container, box_id, "SIGKILL", _END_SECONDS):
            raise UnavailableError(
                f"box {box_id} did not end after SIGKILL",
                "one of its tasks waits in the kernel, for a disk for instance: see dmesg",
            )

    @patient
    def remove(self, box_id: BoxId) -> None:
        """The container, its logs and anonymous volumes, then what was staged for it."""
        found = self._containers.find(box_id)
        if found:
            if details_of(found).state.runs:
                raise RejectedError(f"box {box_id} runs", "stop it first")
            self._client.delete(f"/containers/{found['Id']}", f"removing box {box_id}", v="1")
        self._created.pop(box_id, None)
        self._parts.preparation.release(box_id)

    def write_names(self, box_id: BoxId, names: Sequence[tuple[str, str]]) -> None:
        """Rewrite the staged hosts file; the box sees the same file."""
        self._parts.preparation.write_names(box_id, names)

    @patient
    def logs(self, box_id: BoxId, lines_max: int) -> tuple[str, ...]:
        """The last lines that the engine kept."""
        if lines_max <= 0:
            return ()
        known = self._containers.ended(box_id)
        if not known:
            raise absent(box_id)
        content = self._client.text(
            f"/containers/{known.container}/logs",
            f"reading the log of box {box_id}",
            stdout="1",
            stderr="1",
            tail=str(lines_max),
        )
        return streams.lines(content)[-lines_max:]

    def follow(self, box_id: BoxId, lines_max: int, is_left: Callable[[], bool]) -> Iterator[str]:
        """The last lines that the engine kept, and those that come."""
        found = self._containers.existing(box_id)
        pieces = self._client.pieces(
            f"/containers/{found['Id']}/logs",
            f"following the log of box {box_id}",
            is_left,
            stdout="1",
            stderr="1",
            follow="1",
            tail=str(lines_max),
        )
        return streams.lines_of(pieces)

    @patient
    def ended_from_outside(self, box_id: BoxId) -> bool:
        """Whether the engine tells of a signal."""
        known = self._containers.ended(box_id)
        if not known or known.details.state is not State.STOPPED:
            return False
        return was_signalled(self._client, known)

    @patient
    def watch_ends(self, ids: Collection[BoxId], ended: Callable[[BoxId], None]) -> None:
        """By descriptors of the first tasks."""
        self._ends.watch(ids, self._containers.first_process, ended)

    def listen(self, heard: Callable[[Happened], None]) -> Callable[[], None]:
        """Docker's events of our containers."""
        label = f"{labels.INSTALLATION}={self._parts.installation}"
        return DockerEvents(self._client, label, heard).end

    def execute(
        self, box_id: BoxId, command: Sequence[str], timeout_ms: int | None = None
    ) -> ExecResult:
        """Run a command and keep what it prints."""
        return self._programs.run(self._containers.existing(box_id), box_id, command, timeout_ms)

    def execute_attached(self, box_id: BoxId, command: Sequence[str], joined: Joined) -> int:
        """Run a command joined to somebody."""
        return self._programs.attach(self._containers.existing(box_id), box_id, command, joined)

    def _waiting(self, box_id: BoxId) -> _Created:
        """The container of a box that was never started; none of one that runs."""
        return self._created.pop(box_id, None) or _Created(self._startable(box_id))

    def _start(self, box_id: BoxId, created: _Created) -> None:
        try:
            self._client.post(f"/containers/{created.container}/start", f"starting box {box_id}")
            if created.mounts not in self._in_place:
                self._require_in_place(box_id, created.mounts)
        except UnavailableError:
            raise  # it may run by now: look again
        except EngineError:
            self._discard(box_id)
            raise

    def _require_in_place(self, box_id: BoxId, mounts: Mounts | None) -> None:
        found = self._containers.changed(box_id)
        if found is None:
            return
        try:
            if require_in_place(box_id, found) and mounts:
                self._in_place.add(mounts)
        except RejectedError:
            self._kill(found["Id"], box_id, "SIGKILL", _END_SECONDS)
            raise

    def _startable(self, box_id: BoxId) -> str:
        """The container of a box that was never started, or the empty text of one that runs."""
        found = self._containers.existing(box_id)
        state = details_of(found).state
        if state.runs:
            return ""
        if not state.can_start:
            raise RejectedError(
                f"box {box_id} has run already, and a box runs once",
                "remove it and create a fresh one",
            )
        return str(found["Id"])

    def _situation(self, box: Box) -> Situation:
        parts, machine, strict = self._parts, self._parts.machine, box.spec.profile.strict
        return Situation(
            installation=parts.installation,
            architecture=machine.architecture,
            cgroup_parent=parts.preparation.owner_cgroup(box.id.owner, machine.cgroup_driver),
            network=machine.network,
            image=parts.images.by_id(box.spec.image_id),
            staged=self._staged(box),
            apparmor=parts.preparation.confine(strict) if machine.apparmor else "",
            ipv6=this_kernel.has_ipv6(),
            joined={kind: self._running_id(kind, peer) for kind, peer in box.joins},
            also_masked=this_kernel.masked_here(),
            state_folder=parts.state_folder,
        )

    def _staged(self, box: Box) -> Staged:
        parts, spec = self._parts, box.spec
        staged = parts.preparation.stage(
            box,
            {file.target: parts.contents.file(file.digest) for file in spec.files},
            {
                item.name: parts.contents.secret(box.id.owner, item.name, item.digest)
                for item in spec.secrets
            },
        )
        paths = {volume.volume: parts.volumes.path(volume.volume) for volume in spec.volumes}
        if not parts.machine.why_no_selinux:
            parts.preparation.share(box.id, list(paths.values()))
        wanted = [
            Bind(
                paths[volume.volume],
                volume.target,
                volume.read_only,
                spec.uid,
                owner_uid=volume.owner_uid,
            )
            for volume in spec.volumes
        ]
        wanted += [
            Bind(path.source, path.target, path.read_only, spec.uid)
            for path in spec.profile.host_paths
        ]
        binds = {bind.target: parts.preparation.bind(box.id, bind) for bind in wanted}
        return replace(staged, binds=binds)

    def _running_id(self, kind: str, peer: BoxId) -> str:
        found = self._containers.find(peer)
        if not found or not details_of(found).state.runs:
            raise RejectedError(
                f"box {peer}, whose {kind} namespace is joined, does not run", "start it first"
            )
        return str(found["Id"])

    def _kill(self, container: str, box_id: BoxId, signal: str, seconds: float) -> bool:
        """Send a signal and wait; whether the box has ended by then."""
        doing = f"stopping box {box_id}"
        with suppress(RejectedError):  # it has ended by itself
            self._client.post(f"/containers/{container}/kill", doing, signal=signal)
        return self._client.ended(container, doing, seconds)

    def _discard(self, box_id: BoxId) -> None:
        """Take back a half-made box; what was staged stays while its container may be there."""
        self._created.pop(box_id, None)
        with suppress(EngineError):
            found = self._containers.find(box_id)
            if found and details_of(found).state.runs:
                return
            if found:
                doing = f"removing box {box_id}"
                self._client.delete(f"/containers/{found['Id']}", doing, v="1", force="1")
            self._parts.preparation.release(box_id)


def _require_same(box: Box, existing: Mapping[str, Any]) -> None:
    carried = carried_spec(existing["Config"].get("Labels") or {})
    changes = specs.differences(box.spec, carried) if carried else ()
    if carried is None or changes:
        listed = "; ".join(map(str, changes)) or "which cannot be read"
        raise RejectedError(
            f"box {box.id} exists with another spec: {listed}", "remove it, then create it"
        )


def _require_all_taken(box_id: BoxId, warnings: Sequence[str]) -> None:
    """An engine that drops a setting says so in a warning, and makes the box without it."""
    for warning in warnings:
        if any(words in warning.lower() for words in _SETTING_DROPPED):
            raise FeatureMissingError(
                f"creating box {box_id}: the Docker Engine drops a setting: {warning}",
                "enable it in this host's kernel; for swap: boot with swapaccount=1",
            )
