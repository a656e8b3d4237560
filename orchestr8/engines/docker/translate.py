"""A box as the body of Docker's create call. Pure.

One line a dimension, so that what is asked and what is sent can be read side by side; a dimension
without a line cannot be relaxed. Everything that Docker would otherwise take from its own defaults
or from the image is said here: an image is untrusted input.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.json import encode

from orchestr8.boxes import spec as specs
from orchestr8.boxes.desired import Box
from orchestr8.engines.docker import labels, storage
from orchestr8.engines.docker.details import NANO_PER_MILLI
from orchestr8.engines.docker.situation import Situation
from orchestr8.engines.refusals import refuse_image
from orchestr8.engines.signals import stop_signal
from orchestr8.engines.this_kernel import NO_IPV6
from orchestr8.errors import RejectedError
from orchestr8.isolation import seccomp
from orchestr8.isolation.limits import Limits
from orchestr8.isolation.profile import PRIVATE
from orchestr8.isolation.strict import VERSIONS, Strict
from orchestr8.units import format_cores

Body = dict[str, Any]
Line = Callable[[Box, Situation], Body]

SHARES_DEFAULT = 256
SHARES_PER_CORE = 1024
_UNROUTABLE = "192.0.2.1"
"""Docker's own resolver answers in every box of a network and asks on from the host, whatever
resolv.conf says; with this it can ask nobody."""


def create_body(box: Box, situation: Situation) -> Body:
    """The whole body; raises RejectedError for what must not be made."""
    refuse_image(box, situation.image)
    body: Body = {}
    for line in TRANSLATIONS.values():
        _merge(body, line(box, situation))
    return body


def limits_body(limits: Limits) -> Body:
    """The cgroup numbers, alike for a create and for a change in place.

    Memory and swap together are limited to the same number, so there is no swap.
    """
    return {
        "Memory": limits.memory_max_bytes,
        "MemorySwap": limits.memory_max_bytes,
        "NanoCpus": limits.cpu_max_millicores * NANO_PER_MILLI,
        "PidsLimit": limits.pids_max,
        "CpuShares": cpu_shares(limits),
    }


def cpu_shares(limits: Limits) -> int:
    """The weight among the owner's boxes: the guarantee, or a quarter of a core's."""
    if limits.cpu_guarantee_millicores is None:
        return SHARES_DEFAULT
    return max(2, limits.cpu_guarantee_millicores * SHARES_PER_CORE // 1000)


def _merge(into: Body, part: Mapping[str, Any]) -> None:
    for key, value in part.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        elif isinstance(value, list) and isinstance(into.get(key), list):
            into[key] = into[key] + value
        else:
            assert key not in into, f"two dimensions set {key}"
            into[key] = dict(value) if isinstance(value, dict) else value


def _strict(box: Box) -> Strict:
    return VERSIONS[box.spec.profile.strict]


def _host(**settings: Any) -> Body:
    return {"HostConfig": settings}


def _labels(box: Box, situation: Situation) -> Body:
    # others act on labels of containers too (proxies, Compose): the image's are emptied
    carried = {key: "" for key, _ in situation.image.labels}
    carried |= {
        labels.INSTALLATION: situation.installation,
        labels.BOX: str(box.id),
        labels.SLOT: str(box.slot),
        labels.SET: box.set_name,
        labels.KEY: box.service_key,
        labels.SPEC: specs.to_json(box.spec),
        labels.ADDRESS: box.address,
        labels.JOINS: json.dumps([[kind, str(peer)] for kind, peer in box.joins]),
        labels.UID_RANGE: str(box.uid_base),
        labels.SERVICE_ADDRESS: box.service_address,
        labels.STOP: encode(box.stop).decode(),
        labels.STATE: situation.state_folder,
    }
    return {"Labels": carried}


def _env(box: Box, situation: Situation) -> Body:
    # a name without "=" removes the image's variable
    given = dict(box.spec.env)
    kept = {*given, *box.spec.profile.image_env}
    removed = [
        name
        for name, _ in situation.image.env
        if name in _strict(box).image_env_refused and name not in kept
    ]
    return {"Env": [f"{name}={value}" for name, value in given.items()] + removed}


def _network(box: Box, situation: Situation) -> Body:
    if box.spec.profile.net != PRIVATE:
        # no Hostname and no sysctls either: both belong to the namespace that is joined
        return _host(NetworkMode=f"container:{_joined('net', box, situation)}")
    strict = _strict(box)
    part: Body = {"Hostname": box.spec.hostname, "Domainname": ""}
    part |= _host(
        NetworkMode=situation.network if box.spec.networked else "none",
        Sysctls=dict(strict.sysctls) | (NO_IPV6 if situation.ipv6 else {}),
        Dns=[_UNROUTABLE],
        DnsOptions=[],
        DnsSearch=["."],
    )
    if box.spec.networked:
        endpoint = {"IPAMConfig": {"IPv4Address": box.address}}
        part["NetworkingConfig"] = {"EndpointsConfig": {situation.network: endpoint}}
    return part


def _pid(box: Box, situation: Situation) -> Body:
    if box.spec.profile.pid == PRIVATE:
        return _host(PidMode="")
    return _host(PidMode=f"container:{_joined('pid', box, situation)}")


def _ipc(box: Box, situation: Situation) -> Body:
    if box.spec.profile.ipc == PRIVATE:
        return _host(IpcMode="shareable" if "ipc" in box.shares else "private")
    return _host(IpcMode=f"container:{_joined('ipc', box, situation)}")


def _joined(kind: str, box: Box, situation: Situation) -> str:
    if kind not in situation.joined:
        raise RejectedError(
            f"box {box.id} joins a {kind} namespace, and it is not said whose",
            "report this as a fault of orchestr8",
        )
    return situation.joined[kind]


def _security(box: Box, situation: Situation) -> Body:
    profile = seccomp.profile_json(_strict(box).seccomp, situation.architecture)
    options = ["no-new-privileges:true", f"seccomp={profile}"]
    if situation.apparmor:
        options.append(f"apparmor={situation.apparmor}")
    return _host(SecurityOpt=options, Privileged=False, UsernsMode="", UTSMode="")


def _capabilities(box: Box, _: Situation) -> Body:
    return _host(CapDrop=["ALL"], CapAdd=list(box.spec.profile.capabilities))


def _devices(box: Box, _: Situation) -> Body:
    return _host(
        Devices=[
            {
                "PathOnHost": device.path,
                "PathInContainer": device.path,
                "CgroupPermissions": device.access,
            }
            for device in box.spec.profile.devices
        ],
        DeviceCgroupRules=[],
    )


def _kernel_paths(box: Box, situation: Situation) -> Body:
    # with cgroup v1 and a private cgroup namespace Docker leaves /sys/fs/cgroup itself writable
    strict = _strict(box)
    return _host(
        MaskedPaths=[*strict.masked_paths, *situation.also_masked],
        ReadonlyPaths=[*strict.read_only_paths, "/sys/fs/cgroup"],
    )


def _rlimits(box: Box, _: Situation) -> Body:
    return _host(
        Ulimits=[
            {"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard}
            for limit in _strict(box).rlimits
        ]
    )


def _cgroup(box: Box, situation: Situation) -> Body:
    return _host(
        CgroupParent=situation.cgroup_parent,
        CgroupnsMode="private",
        OomScoreAdj=_strict(box).oom_score_adj,
        OomKillDisable=False,
        CpusetCpus=format_cores(box.cores),
        **limits_body(box.limits),
    )


def _life(box: Box, situation: Situation) -> Body:
    logs = {"max-size": "10m", "max-file": "3", "mode": "non-blocking", "max-buffer-size": "4m"}
    part: Body = {
        "StopSignal": stop_signal(situation.image.stop_signal),
        # the engine's own stops, of a machine that goes down for instance, wait as long as ours
        "StopTimeout": math.ceil(box.stop.grace_ms / 1000),
        "Healthcheck": {"Test": ["NONE"]},
        "Tty": False,
        "OpenStdin": False,
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
    }
    part |= _host(
        RestartPolicy={"Name": "no"},
        AutoRemove=False,
        Init=False,
        LogConfig={"Type": "json-file", "Config": logs},
        PublishAllPorts=False,
        PortBindings={},
    )
    return part


def _program(box: Box, _: Situation) -> Body:
    # the whole command is the entry point: an empty one, or arguments alone, would let the image's
    # own in
    return {
        "Entrypoint": [*box.spec.entrypoint, *box.spec.args],
        "Cmd": [],
        "WorkingDir": box.spec.workdir or "/",
    }


TRANSLATIONS: Mapping[str, Line] = {
    "image": lambda box, _: {"Image": box.spec.image_id},
    "image_env": _env,
    "labels": _labels,
    "program": _program,
    "user": lambda box, _: {"User": f"{box.spec.uid}:{box.spec.gid}"} | _host(GroupAdd=[]),
    "capabilities": _capabilities,
    "security": _security,
    "pid": _pid,
    "net": _network,
    "ipc": _ipc,
    "devices": _devices,
    "kernel_paths": _kernel_paths,
    "root": lambda _, __: _host(ReadonlyRootfs=True),
    "scratch": storage.scratch,
    "files": storage.files,
    "secrets": storage.secrets,
    "volumes": storage.volumes,
    "host_paths": storage.host_paths,
    "rlimits": _rlimits,
    "cgroup": _cgroup,
    "life": _life,
}
"""By dimension: what is sent for it. Dimensions of the network's table (links, publish, egress)
have none here, since no packet filter is Docker's."""
