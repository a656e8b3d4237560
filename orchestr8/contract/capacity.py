"""What limits and quotas refuse by themselves, and what this engine cannot enforce at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from orchestr8 import units
from orchestr8.errors import Problem
from orchestr8.isolation import features as feature
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits, Quota
from orchestr8.manifest.model import Service, Volume
from orchestr8.manifest.rules import guarantees


def unsupported(service: Service, features: Features) -> Iterator[Problem]:
    """The keys that this engine or host cannot enforce; nothing is dropped in silence."""
    limits = service.limits
    keys = (
        ("limits.io", feature.IO, limits.io_read_bytes or limits.io_write_bytes),
        ("limits.bandwidth", feature.BANDWIDTH,
         limits.bandwidth_out_bits or limits.bandwidth_in_bits),
        ("limits.cpu.dedicated", feature.CORES, limits.dedicated_cores),
        ("edge", feature.EDGE, service.edge),
        ("connects", feature.NETWORK, service.connects),
        ("publish", feature.NETWORK, service.publish),
    )  # fmt: skip
    for key, needed, written in keys:
        if written and not features.has(needed):
            yield Problem(
                service.place(key),
                f"the engine {features.engine} cannot enforce {key}{because(features, needed)}",
                "take the key out, or use an engine that can",
            )
    asked = {
        "net.egress": feature.NETWORK,
        "device.add": feature.DEVICES,
        "fs.host-path": feature.HOST_PATHS,
        "ns.pid.share": feature.SHARED_NAMESPACES,
        "ns.net.share": feature.SHARED_NAMESPACES,
        "ns.ipc.share": feature.SHARED_NAMESPACES,
    }
    for line in service.relax:
        needed_feature = asked.get(line.id)
        if needed_feature and not features.has(needed_feature):
            yield Problem(
                line.place,
                f"the engine {features.engine} cannot carry {line.id}"
                f"{because(features, needed_feature)}",
                "take the line out, or use an engine that can",
            )
    yield from _too_many_cores(service, features)
    cpu = limits.cpu_max_millicores or 0
    if features.cpu_millicores and cpu > features.cpu_millicores:
        yield Problem(
            service.place("limits.cpu"),
            f"limits.cpu {units.format_cpu(cpu)} is more than this machine's "
            f"{units.format_cpu(features.cpu_millicores)}",
            "ask for what there is, or use a larger machine",
        )


def _too_many_cores(service: Service, features: Features) -> Iterator[Problem]:
    """More dedicated cores than any box could ever get here: one stays for everybody else."""
    asked, most = service.limits.dedicated_cores or 0, len(features.cores) - 1
    if features.cores and asked > most:
        there = "1 core" if most == 0 else f"{most + 1} cores"
        yield Problem(
            service.place("limits.cpu.dedicated"),
            f"limits.cpu.dedicated {asked}: this machine has {there}, and one stays for everybody "
            "else",
            f"ask for at most {most}" if most else "ask for `max` instead, or use a larger machine",
        )


def above_the_usual(service: Service, usual: Limits) -> Iterator[Problem]:
    """Guarantees above a maximum that is not written, where the usual one holds."""
    for asked, most in zip(guarantees(service.limits), guarantees(usual), strict=True):
        guaranteed, maximum, said = asked.guaranteed or 0, most.maximum or 0, asked.said
        if asked.maximum is None and guaranteed > maximum:
            yield Problem(
                service.place(f"limits.{asked.name}.guarantee"),
                f"limits.{asked.name}: the guarantee of {said(guaranteed)} is above the maximum "
                f"of {said(maximum)} (the default)",
                f"write max: {said(guaranteed)} or more, or guarantee less",
            )


def unsupported_volumes(
    service: Service, volumes: Mapping[tuple[str, str], Volume], features: Features
) -> Iterator[Problem]:
    """The volumes of a service whose size this engine or host cannot enforce."""
    if features.has(feature.VOLUME_SIZE):
        return
    for mount in service.volumes:
        volume = volumes.get((mount.owner, mount.volume))
        if volume and volume.size_bytes is not None:
            yield Problem(
                volume.place,
                f"the engine {features.engine} cannot enforce the size of volume {volume.name}"
                f"{because(features, feature.VOLUME_SIZE)}",
                "mend that, or take `size` out",
            )


def because(features: Features, needed: str) -> str:
    """The engine's reason, where it gives one."""
    why = features.why_missing.get(needed)
    return f": {why}" if why else ""


def degraded(service: Service, features: Features) -> Iterator[str]:
    """What runs without a key that makes nothing weaker; a line of the plan each."""
    if service.standby and not features.has(feature.STANDBY):
        yield f"standby {service.standby}: {features.why(feature.STANDBY)}; none is kept"
    guarantees = (
        (feature.MEMORY_GUARANTEE, service.limits.memory_guarantee_bytes),
        (feature.CPU_GUARANTEE, service.limits.cpu_guarantee_millicores),
    )
    for key, guaranteed in guarantees:
        if guaranteed is not None and not features.has(key):
            yield f"{key}: {features.why(key)}"


def over_quota(owner: str, services: Sequence[Service], quota: Quota) -> Iterator[Problem]:
    """What one owner's services ask for in vain, whatever else runs.

    Maxima may add up to more than the quota, for the owner's cgroup holds them together; boxes and
    guarantees may not, nor may one box's maximum.
    """
    for service in services:
        yield from _single_maxima(owner, service, quota)
    sums = (
        ("boxes", quota.boxes, [s.replicas + s.standby for s in services], str),
        ("guaranteed memory", quota.memory_bytes,
         [(s.limits.memory_guarantee_bytes or 0) * s.replicas for s in services],
         units.format_size),
        ("guaranteed cpu", quota.cpu_millicores,
         [(s.limits.cpu_guarantee_millicores or 0) * s.replicas for s in services],
         units.format_cpu),
    )  # fmt: skip
    for what, most, parts, shown in sums:
        if most is not None and sum(parts) > most:
            listed = " + ".join(
                f"{service.name.service} {shown(part)}"
                for service, part in zip(services, parts, strict=True)
                if part
            )
            yield Problem(
                services[0].place("limits" if what != "boxes" else "replicas"),
                f"owner {owner} asks for {shown(sum(parts))} {what} of a quota of {shown(most)}: "
                f"{listed}",
                "ask for less, or ask the platform for a larger quota",
            )


def _single_maxima(owner: str, service: Service, quota: Quota) -> Iterator[Problem]:
    limits = service.limits
    pairs = (
        ("limits.memory", limits.memory_max_bytes, quota.memory_bytes, units.format_size),
        ("limits.cpu", limits.cpu_max_millicores, quota.cpu_millicores, units.format_cpu),
        ("limits.pids", limits.pids_max, quota.pids, str),
    )
    for key, asked, most, shown in pairs:
        if most is not None and asked is not None and asked > most:
            yield Problem(
                service.place(key),
                f"{key} {shown(asked)} of {service.name} is above the quota of owner {owner}, "
                f"{shown(most)}",
                "ask for less, or ask the platform for a larger quota",
            )
