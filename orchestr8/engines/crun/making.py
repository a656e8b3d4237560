"""Making a box: laid out, put under its monitor, limited, plugged in; the parts are timed."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from msgspec import Struct
from msgspec.json import encode
from msgspec.structs import replace

from orchestr8.boxes.desired import Box
from orchestr8.engines import this_kernel
from orchestr8.engines.crun import bundle, carried, joins, kernel_mounts
from orchestr8.engines.crun.carried import Carried
from orchestr8.engines.crun.filter_program import program
from orchestr8.engines.crun.images import CrunImages
from orchestr8.engines.crun.log_files import LogFiles
from orchestr8.engines.crun.machine import CrunMachine
from orchestr8.engines.crun.monitor import Monitors
from orchestr8.engines.crun.places import Places
from orchestr8.engines.crun.plugs import Plugs
from orchestr8.engines.crun.preparation import CrunPreparation
from orchestr8.engines.crun.situation import Bind, DeviceNode, Situation
from orchestr8.engines.crun.stopwatch import Stopwatch
from orchestr8.errors import RejectedError
from orchestr8.host import small_files
from orchestr8.host.box_cgroups import BoxCgroups
from orchestr8.isolation.profile import Device
from orchestr8.isolation.strict import VERSIONS
from orchestr8.kernel import files
from orchestr8.names import STANDBY
from orchestr8.units import format_size

_MEMORY_LEAST_BYTES = 2 << 20


class Parts(Struct, frozen=True):
    """What boxes stand on."""

    installation: str
    state_folder: str
    places: Places
    machine: CrunMachine
    images: CrunImages
    preparation: CrunPreparation
    monitors: Monitors
    plugs: Plugs
    cgroups: BoxCgroups


def make(parts: Parts, box: Box) -> None:
    """All of a box up to its gate; what fails leaves what there was by then."""
    _require_room(box)
    places, watch = parts.places.box(box.id), Stopwatch()
    held = carried.carried_of(box, parts.installation, parts.state_folder)
    held = replace(held, boot_id=files.boot_id(), created_ms=time.time_ns() // 1_000_000)
    devices = tuple(map(_node, box.spec.profile.devices))
    parts.places.begin(held)
    with places.being_made():
        _make(parts, box, held, devices, watch)


def _make(
    parts: Parts, box: Box, held: Carried, devices: tuple[DeviceNode, ...], watch: Stopwatch
) -> None:
    places, cgroup = parts.places.box(box.id), parts.cgroups.of(box.id)
    places.make(box.uid_base)
    parts.cgroups.keep()
    if box.cores:
        cgroup.set_cores(box.cores)
    watch.lap("root")
    with (
        joins.opened(box, parts.places, parts.monitors.runtime.program) as joined,
        parts.monitors.waiting(box.id, places, cgroup, joined.before_the_runtime) as monitor,
    ):
        watch.lap("create")
        cgroup.make()
        cgroup.allow_devices([f"c {one.major}:{one.minor} {one.access}" for one in devices])
        watch.lap("cgroup")
        level = "" if parts.machine.why_no_selinux else parts.preparation.labels.level(box)
        binds = parts.preparation.lay_out(box, places, joined, level)
        situation = replace(
            _situation(parts, box, binds, devices), joined=joined.namespaces, level=level
        )
        document = bundle.config(box, situation)
        small_files.write(places.document, encode(document))
        monitor.go_on(None if parts.monitors.runtime.joins else cgroup)
        watch.lap("root")
        # Monitor and runtime are at work: what they do not need is laid out meanwhile.
        LogFiles(places).begin()  # before the box writes, and whoever looks takes a part off
        small_files.write(places.process, encode(document["process"]))
        born = monitor.born()
        if "pid" in joined.peers:
            parts.monitors.runtime.add_namespaces(str(box.id), born.process.pid, joins.BORN_INTO)
    kernel_mounts.require_own(
        box.id, born.process, [shown.target for shown in box.spec.profile.host_paths]
    )
    watch.lap("create")
    cgroup.set_limits(box.limits)
    if parts.machine.unified and cgroup.out_of_memory():
        # There the kernel takes any limit, and keeps it by ending the box.
        raise RejectedError(
            f"box {box.id} does not even start with {format_size(box.limits.memory_max_bytes)}",
            "raise its limit of memory",
        )
    watch.lap("cgroup")
    if box.spec.networked:
        parts.plugs.plug(box.id, born.process.pid, box.address)
        watch.lap("network")
    if box.slot == STANDBY:  # others start now, and lose theirs then
        places.drop_mounts()
        watch.lap("root")
        carried.copy(places.copy, replace(held, process=born.process, monitor=born.monitor))
    # Last: only a box that has its limits and its network may ever be started.
    carried.born(places.record, born.process, born.monitor)
    watch.write(places.phases)


def _require_room(box: Box) -> None:
    """At its gate a box holds the runtime, which must fit as well."""
    if box.limits.memory_max_bytes < _MEMORY_LEAST_BYTES:
        raise RejectedError(
            f"box {box.id} cannot be made in {box.limits.memory_max_bytes >> 10}KiB of memory",
            f"give it {_MEMORY_LEAST_BYTES >> 20}MiB at least",
        )


def _situation(
    parts: Parts, box: Box, binds: dict[str, Bind], devices: tuple[DeviceNode, ...]
) -> Situation:
    machine, strict = parts.machine, VERSIONS[box.spec.profile.strict]
    facts = parts.images.resolve(box.spec.image_id)
    if not facts:
        raise RejectedError(
            f"the image {box.spec.image} is not on this machine", "apply again: it is fetched first"
        )
    return Situation(
        image=facts,
        root=str(parts.places.box(box.id).root),
        filter_program=program(strict.seccomp, machine.architecture),
        binds=binds,
        cgroup="" if parts.monitors.runtime.joins else parts.cgroups.of(box.id).path,
        apparmor=parts.preparation.confine(strict.version) if machine.apparmor else "",
        ipv6=this_kernel.has_ipv6(),
        also_masked=this_kernel.masked_here(),
        devices=devices,
    )


def _node(device: Device) -> DeviceNode:
    """A granted device by its numbers on this host."""
    try:
        status = Path(device.path).stat()
    except OSError as error:
        raise RejectedError(
            f"the device {device.path} cannot be given: {error.strerror}", "look at it on the host"
        ) from error
    if not stat.S_ISCHR(status.st_mode):
        raise RejectedError(f"{device.path} is no character device", "name one that is")
    number = status.st_rdev
    return DeviceNode(device.path, os.major(number), os.minor(number), device.access)
