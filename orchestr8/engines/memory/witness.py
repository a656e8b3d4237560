"""A witness of the simulated machine: a reading that is true to the box, or a lie to order.

It shows what a kernel would show of a box that was made exactly as its spec says, so that the
prover runs in simulations too.
"""

from __future__ import annotations

import struct

from orchestr8.boxes.use import BoxUse, Traffic, Use
from orchestr8.engines.memory.machine import Machine, SimulatedBox
from orchestr8.engines.memory.mounts import ROOT_MOUNT, mask_of, mounts
from orchestr8.isolation import apparmor, capabilities, features, selinux
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.isolation.seccomp import ENOSYS
from orchestr8.isolation.strict import VERSIONS
from orchestr8.names import BoxId
from orchestr8.proof.model import Reading, TaskReading
from orchestr8.units import format_cores

HOST_NAMESPACES = {
    "cgroup": 4026531835, "ipc": 4026531839, "mnt": 4026531832, "net": 4026531833,
    "pid": 4026531836, "time": 4026531834, "user": 4026531837, "uts": 4026531838,
}  # fmt: skip
_PERIOD_US = 100_000
_FIRST = 1000
"""What the kernel knows no more of: who has it ends first."""
_DEVICES = {
    "full": "c 1:7", "null": "c 1:3", "ptmx": "c 5:2", "random": "c 1:8", "tty": "c 5:0",
    "urandom": "c 1:9", "zero": "c 1:5",
}  # fmt: skip
_FILTER = struct.pack("<HBBI", 0x06, 0, 0, 0x0005_0000 | ENOSYS)
"""A program of one instruction: every call gets ENOSYS. No simulated workload makes one."""
_HOST_DEVICE = "c 10:229"
"""The number of every device of the simulated host."""


class MemoryWitness:
    """Reads the simulated kernel."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def read(self, box_id: BoxId, pid: int) -> Reading:
        """What the kernel would say of this box; nothing but a failure if it does not run."""
        machine = self._machine
        with machine.faults.during("witness.read", str(box_id)), machine.lock:
            machine.settle()
            found = machine.boxes.get(box_id)
            if not found or found.pid != pid:
                gone = {"tasks": f"/proc/{pid}: no such process"}
                return Reading(machine.boot_id, (), HOST_NAMESPACES, failures=gone)
            reading = _true_reading(machine, found, pid)
            lie = machine.lies.get(box_id)
            return lie(reading) if lie else reading

    def use(self, box_id: BoxId, pid: int) -> BoxUse | None:
        """The memory of the workload, and of all of its owner's; a task is all that a box has."""
        machine = self._machine
        with machine.faults.during("witness.use", str(box_id)), machine.lock:
            machine.settle()
            found = machine.boxes.get(box_id)
            if not found or found.pid != pid:
                return None
            own, owners = found.workload.memory_bytes, machine.memory_of(box_id.owner)
            beside = sum(
                one.owner == box_id.owner and box.state.runs for one, box in machine.boxes.items()
            )
            return BoxUse(
                Use(memory_bytes=own, held_bytes=own, pids=1),
                Use(memory_bytes=owners, held_bytes=owners, pids=beside),
                Traffic(),
            )


def _true_reading(machine: Machine, found: SimulatedBox, pid: int) -> Reading:
    spec, strict = found.box.spec, VERSIONS[found.box.spec.profile.strict]
    granted = [device.path.removeprefix("/dev/") for device in spec.profile.devices]
    nodes = {**{name: _DEVICES[name] for name in strict.devices}}
    nodes |= dict.fromkeys(granted, _HOST_DEVICE)
    rules = [f"{number} rwm" for number in _DEVICES.values()]
    rules += [f"{_HOST_DEVICE} {device.access}" for device in spec.profile.devices]
    networked = (_joined(machine, found, "net") or found).box
    loopback, address = ("127.0.0.1",), (networked.address,)
    return Reading(
        boot_id=machine.boot_id,
        tasks=(_task(machine, found, pid),),
        host_namespaces=HOST_NAMESPACES,
        strays=(),
        mounts=mounts(machine, found),
        cgroup=_limits(found.limits)
        | {"devices.list": "\n".join(rules)}
        | {"cpuset.cpus.effective": format_cores(found.cores or machine.features.cores)},
        owner_cgroup=_quota(machine.quotas.get(found.box.id.owner, Quota())),
        cgroup_path=_cgroup_path(found.box.id),
        masked={path: mask_of(path) for path in strict.masked_paths},
        read_only=dict.fromkeys(
            (*strict.read_only_paths, "/", "/sys", "/sys/fs/cgroup"), "read-only"
        ),
        devices=tuple(f"{name} {number}" for name, number in sorted(nodes.items())),
        host_devices=dict.fromkeys(granted, _HOST_DEVICE),
        interfaces=("eth0", "lo") if networked.spec.networked else ("lo",),
        addresses=loopback + (address if networked.spec.networked else ()),
        sysctls=dict(strict.sysctls),
        hostname=networked.spec.hostname,
        host_parameters={"net.bridge.bridge-nf-call-iptables": "1"},
        selinux="enforcing" if machine.features.has(features.OWN_LABEL) else None,
        architecture=machine.features.architecture,
        file_systems={
            mount.target: volume.size_bytes
            for mount in spec.volumes
            if (volume := machine.volumes.get(mount.volume)) and volume.size_bytes
        },
    )


def _cgroup_path(box_id: BoxId) -> str:
    return f"/orchestr8-memory/{box_id.owner}/{box_id}"


def _joined(machine: Machine, found: SimulatedBox, kind: str) -> SimulatedBox | None:
    peer = dict(found.box.joins).get(kind)
    return machine.boxes.get(peer) if peer else None


def _namespaces(machine: Machine, found: SimulatedBox) -> dict[str, int]:
    shown = {}
    for index, kind in enumerate(sorted(HOST_NAMESPACES)):
        owner = _joined(machine, found, kind) or found
        shown[kind] = 4026532000 + (owner.pid or 0) * len(HOST_NAMESPACES) + index
    for kind, feature in (("user", features.NS_USER), ("time", features.NS_TIME)):
        if not machine.features.has(feature):
            shown[kind] = HOST_NAMESPACES[kind]
    return shown


def _status(machine: Machine, found: SimulatedBox, pid: int) -> tuple[dict[str, str], str]:
    """The lines of /proc/PID/status, and the map of ids that they are told through."""
    spec = found.box.spec
    own_user = machine.features.has(features.NS_USER)
    ambient = spec.uid != 0 and machine.features.has(features.AMBIENT_CAPABILITIES)
    base = 65_536 * pid if own_user else 0
    bounding = f"{capabilities.mask(spec.profile.capabilities):016x}"
    none = f"{0:016x}"
    effective = bounding if spec.uid == 0 or ambient else none
    inside = pid if "pid" in dict(found.box.joins) else 1
    status = {
        "Uid": "\t".join([str(base + spec.uid)] * 4),
        "Gid": "\t".join([str(base + spec.gid)] * 4),
        "Groups": "",
        "NSpid": f"{pid}\t{inside}",
        "Threads": "1",
        "CapInh": bounding if ambient else none,
        "CapPrm": effective,
        "CapEff": effective,
        "CapBnd": bounding,
        "CapAmb": bounding if ambient else none,
        "NoNewPrivs": "1",
        "Seccomp": "2",
        "Seccomp_filters": "1",
    }
    return status, f"0 {base} 65536" if base else "0 0 4294967295"


def _task(machine: Machine, found: SimulatedBox, pid: int) -> TaskReading:
    strict = VERSIONS[found.box.spec.profile.strict]
    status, id_map = _status(machine, found, pid)
    return TaskReading(
        pid=pid,
        start_time=found.started_ms,
        comm="workload",
        status=status,
        namespaces=_namespaces(machine, found),
        limits={limit.name: (str(limit.soft), str(limit.hard)) for limit in strict.rlimits},
        oom_score_adj=_FIRST if found.box.id in machine.first_to_end else strict.oom_score_adj,
        uid_map=id_map,
        gid_map=id_map,
        security_label=_label(machine, found),
        program="/run",
        program_mount=ROOT_MOUNT,
        workdir=found.box.spec.workdir,
        workdir_mount=ROOT_MOUNT,
        root="/",
        root_mount=ROOT_MOUNT,
        descriptors={0: "/dev/null", 1: "pipe:[1]", 2: "pipe:[2]"},
        foreign_sockets=(),
        loader_variables=(),
        cgroups={"unified": _cgroup_path(found.box.id)},
        scheduling=(20, 0, 0, 0),
        filters=(_FILTER,),
    )


def _label(machine: Machine, found: SimulatedBox) -> str | None:
    """The security module's word: SELinux's, whoever joins another having that one's, or AppArmor's
    for all."""
    if machine.features.has(features.OWN_LABEL):
        owner = _joined(machine, found, "pid") or _joined(machine, found, "ipc") or found
        return selinux.process_label(next(selinux.levels(str(owner.box.id))))
    if machine.features.has(features.LSM):
        return f"{apparmor.profile_name(found.box.spec.profile.strict)} (enforce)"
    return None


def _limits(limits: Limits) -> dict[str, str]:
    return {
        "memory.max": str(limits.memory_max_bytes),
        "memory.swap.max": "0",
        "cpu.max": f"{limits.cpu_max_millicores * _PERIOD_US // 1000} {_PERIOD_US}",
        "pids.max": str(limits.pids_max),
    }


def _quota(quota: Quota) -> dict[str, str]:
    cpu = quota.cpu_millicores
    return {
        "memory.max": str(quota.memory_bytes or "max"),
        "memory.swap.max": "0" if quota.memory_bytes else "max",
        "cpu.max": f"{cpu * _PERIOD_US // 1000 if cpu else 'max'} {_PERIOD_US}",
        "cpu.weight": str(max(1, cpu // 10) if cpu else 100),
        "pids.max": str(quota.pids or "max"),
    }
