"""The mount table of a simulated box, as a kernel would show it."""

from __future__ import annotations

from typing import Any

from orchestr8.boxes.spec import BoxSpec
from orchestr8.engines.memory.machine import Machine, SimulatedBox
from orchestr8.isolation.profile import PRIVATE, Scratch
from orchestr8.isolation.strict import VERSIONS, Strict
from orchestr8.names import BoxId
from orchestr8.proof.model import Mount

ROOT_MOUNT = 1_000
_TIGHT = frozenset({"nosuid", "nodev", "noexec", "relatime"})
_RW, _RO = frozenset({"rw"}), frozenset({"ro"})
_STAGED = "/run/orchestr8/memory"
_SHARED_MEMORY = "/dev/shm"


def mask_of(path: str) -> str:
    """What hides a path: a directory has an empty one of the box's own, a file the null device."""
    directories = ("/proc/acpi", "/proc/asound", "/proc/scsi", "/sys/")
    return "empty read-only" if path.startswith(directories) else "null device"


def mounts(machine: Machine, found: SimulatedBox) -> tuple[Mount, ...]:
    """All mounts; the root is the first."""
    spec, strict = found.box.spec, VERSIONS[found.box.spec.profile.strict]
    table = _Table(found.pid or 0)
    _engine_mounts(table, strict, found.box.id)
    _scratch(table, spec, strict)
    _staged(table, spec, found.box.id)
    _binds(table, machine, spec)
    return tuple(table.mounts)


class _Table:
    """Numbers mounts and devices in the order in which they are made."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.mounts: list[Mount] = []

    def add(self, target: str, kind: str, options: frozenset[str], **more: Any) -> None:
        """A mount; what the host shows too lies on its disk, all else on a device of its own."""
        number = len(self.mounts)
        fields = {"root": "/", "super_options": _RW, "host_paths": (), **more}
        fields.setdefault(
            "device", "8:1" if fields["host_paths"] else f"0:{self._seed * 100 + number}"
        )
        self.mounts.append(
            Mount(
                id=ROOT_MOUNT + number,
                target=target,
                options=options,
                optional=(),
                type=kind,
                source=kind,
                **fields,
            )
        )


def _engine_mounts(table: _Table, strict: Strict, box_id: BoxId) -> None:
    table.add("/", "overlay", _RO | {"relatime"})
    table.add("/proc", "proc", _RW | _TIGHT)
    table.add(
        "/dev",
        "tmpfs",
        frozenset({"rw", "nosuid"}),
        super_options=_RW | {"size=65536k", "mode=755"},
    )
    table.add("/dev/pts", "devpts", frozenset({"rw", "nosuid", "noexec", "relatime"}))
    table.add("/dev/mqueue", "mqueue", _RW | _TIGHT)
    table.add("/sys", "sysfs", _RO | _TIGHT, super_options=_RO)
    path = f"/orchestr8-memory/{box_id.owner}/{box_id}"
    table.add("/sys/fs/cgroup", "cgroup2", _RO | _TIGHT, root=path)
    for path in strict.read_only_paths:
        table.add(path, "proc", _RO | _TIGHT, root=path.removeprefix("/proc"))
    for path in strict.masked_paths:
        if mask_of(path) == "null device":
            table.add(path, "tmpfs", frozenset({"rw", "nosuid"}), root="/null")
        else:
            table.add(path, "tmpfs", _RO | {"relatime"}, super_options=_RO)


def _scratch(table: _Table, spec: BoxSpec, strict: Strict) -> None:
    asked: dict[str, Scratch] = {item.path: item for item in strict.scratch}
    asked |= {item.path: item for item in spec.profile.scratch}
    if spec.profile.ipc != PRIVATE:
        asked.pop(_SHARED_MEMORY, None)
        table.add(_SHARED_MEMORY, "tmpfs", _RW | _TIGHT)
    for item in asked.values():
        size = f"size={-(-item.size_bytes // 1024)}k"
        options = _TIGHT - {"noexec"} if item.executable else _TIGHT
        table.add(item.path, "tmpfs", _RW | options, super_options=_RW | {size})


def _staged(table: _Table, spec: BoxSpec, box_id: BoxId) -> None:
    targets = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"]
    targets += [file.target for file in spec.files]
    targets += ["/run/secrets"] if spec.secrets else []
    for target in targets:
        path = f"/{box_id}{target}"
        table.add(target, "tmpfs", _RO | _TIGHT, root=path, host_paths=(f"{_STAGED}{path}",))


def _binds(table: _Table, machine: Machine, spec: BoxSpec) -> None:
    for volume in spec.volumes:
        known = machine.volumes.get(volume.volume)
        path = known.path if known else ""
        rights = _RO if volume.read_only else _RW
        mapped = frozenset({"idmapped"} if volume.owner_uid != spec.uid else ())
        whole = known is not None and known.size_bytes is not None
        # One with a size is a file system of its own.
        own = {"root": "/", "device": f"7:{volume.volume}"} if whole else {"root": path}
        table.add(volume.target, "ext4", rights | _TIGHT | mapped, host_paths=(path,), **own)
    for bind in spec.profile.host_paths:
        rights = _RO if bind.read_only else _RW
        table.add(bind.target, "ext4", rights | _TIGHT, root=bind.source, host_paths=(bind.source,))
