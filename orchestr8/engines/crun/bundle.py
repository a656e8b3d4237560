"""A box as an OCI bundle's config.json. Pure.

One function a part of the document, so that what is asked and what is sent can be read side by
side. Nothing is taken from the image that the box does not say itself: an image is untrusted input.
See https://github.com/opencontainers/runtime-spec/blob/main/config.md
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from orchestr8.boxes.desired import Box
from orchestr8.engines.crun.joins import BORN_INTO
from orchestr8.engines.crun.situation import RANGE, Situation
from orchestr8.engines.refusals import refuse_image
from orchestr8.engines.storage import INODES_LEAST, PAGE_BYTES, scratch_of
from orchestr8.engines.this_kernel import NO_IPV6
from orchestr8.isolation import selinux
from orchestr8.isolation.profile import Scratch
from orchestr8.isolation.strict import VERSIONS, Strict

Part = dict[str, Any]

OCI_VERSION = "1.0.2"
FILTER_ANNOTATION = "run.oci.seccomp_bpf_data"
NAMESPACES = ("cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts")
_JOINABLE = {"network": "net"}
"""Namespaces that are called otherwise in /proc and in manifests."""
_SETS = ("ambient", "bounding", "effective", "inheritable", "permitted")
_UMASK = 0o077
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/"}
"""What neither image nor manifest says, as on Docker. Without a HOME the runtime would look for one
in the image's /etc/passwd, and wait for ever where that is a pipe."""
_DEVICES_BYTES = 65_536


def config(box: Box, situation: Situation) -> Part:
    """The whole document; raises RejectedError for what must not be made."""
    refuse_image(box, situation.image)
    return {
        "ociVersion": OCI_VERSION,
        "process": process(box, situation),
        "root": {"path": situation.root, "readonly": True},
        "hostname": box.spec.hostname,
        "mounts": [*_own_mounts(box, situation), *_binds(situation)],
        "linux": _linux(box, situation),
        "annotations": {
            FILTER_ANNOTATION: base64.b64encode(situation.filter_program).decode(),
        },
    }


def process(box: Box, situation: Situation) -> Part:
    """The program and all that holds for it; every command in the box gets the same."""
    strict, spec = _strict(box), box.spec
    given = _capabilities(box)
    part: Part = {
        "terminal": False,
        "user": {"uid": spec.uid, "gid": spec.gid, "umask": _UMASK, "additionalGids": []},
        "args": [*spec.entrypoint, *spec.args],
        "env": [f"{name}={value}" for name, value in (_ENVIRONMENT | dict(spec.env)).items()],
        "cwd": spec.workdir or "/",
        "noNewPrivileges": True,
        "capabilities": given,
        "rlimits": [
            {"type": f"RLIMIT_{one.name.upper()}", "soft": one.soft, "hard": one.hard}
            for one in strict.rlimits
        ],
        "oomScoreAdj": strict.oom_score_adj,
    }
    if situation.apparmor:
        part["apparmorProfile"] = situation.apparmor
    if situation.level:
        part["selinuxLabel"] = selinux.process_label(situation.level)
    return part


def _capabilities(box: Box) -> dict[str, list[str]]:
    """What was granted, in all sets; for a user other than root the ambient set carries it."""
    names = [f"CAP_{name}" for name in box.spec.profile.capabilities]
    return {kind: list(names) for kind in _SETS}


def _own_mounts(box: Box, situation: Situation) -> Iterator[Part]:
    """All that the runtime mounts anew: what a box shares with another is bound."""
    return (one for one in _fresh_mounts(box) if one["destination"] not in situation.binds)


def _fresh_mounts(box: Box) -> Iterator[Part]:
    hidden = ["nosuid", "nodev", "noexec"]
    yield _mount("/proc", "proc", hidden)
    yield _mount(
        "/dev", "tmpfs", ["nosuid", "noexec", "mode=755", f"size={_DEVICES_BYTES}", "nr_inodes=64"]
    )
    yield _mount(
        "/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    )
    yield _mount("/dev/mqueue", "mqueue", hidden)
    yield _mount("/sys", "sysfs", [*hidden, "ro"])
    for item in scratch_of(box):
        yield _mount(item.path, "tmpfs", _scratch_options(item, box))


def _scratch_options(item: Scratch, box: Box) -> list[str]:
    inodes = max(INODES_LEAST, item.size_bytes // PAGE_BYTES)
    return [
        "nosuid",
        "nodev",
        "exec" if item.executable else "noexec",
        f"size={item.size_bytes}",
        f"nr_inodes={inodes}",
        f"mode={item.mode}",
        f"uid={box.spec.uid}",
        f"gid={box.spec.gid}",
    ]


def _mount(target: str, kind: str, options: list[str]) -> Part:
    return {"destination": target, "type": kind, "source": kind, "options": options}


def _binds(situation: Situation) -> Iterator[Part]:
    """Prepared mounts, bound as they are; all their flags are said again for runtimes that drop
    them (1.21 keeps those alone that are said: a secret could be written to).

    By their targets, so that what lies below another one comes after it.
    """
    for target, bind in sorted(situation.binds.items()):
        yield {
            "destination": target,
            "type": "bind",
            "source": bind.path,
            "options": ["bind", "private", *bind.flags],
        }


def _linux(box: Box, situation: Situation) -> Part:
    strict = _strict(box)
    ids = [{"containerID": 0, "hostID": box.uid_base, "size": RANGE}]
    part: Part = {
        "namespaces": list(_namespaces(situation.joined)),
        "uidMappings": ids,
        "gidMappings": ids,
        "sysctl": _sysctls(strict, situation),
        "rootfsPropagation": "private",
        "maskedPaths": sorted({*strict.masked_paths, *situation.also_masked}),
        "readonlyPaths": list(strict.read_only_paths),
        "devices": [
            {"path": one.path, "type": "c", "major": one.major, "minor": one.minor}
            for one in situation.devices
        ],
    }
    if situation.level:
        part["mountLabel"] = selinux.file_label(situation.level)
    if situation.cgroup:
        part["cgroupsPath"] = situation.cgroup
        part["resources"] = {"devices": _device_rules(situation)}
    return part


def _namespaces(joined: Mapping[str, str]) -> Iterator[Part]:
    """Its own, or another's by a path."""
    born = BORN_INTO if "pid" in joined else ()
    for kind in (one for one in NAMESPACES if one not in born):
        path = joined.get(_JOINABLE.get(kind, kind))
        if not path:
            yield {"type": kind}
        else:
            yield {"type": kind, "path": path}


def _sysctls(strict: Strict, situation: Situation) -> dict[str, str]:
    """Those of a network of its own: another's has them, and they are not this box's to set."""
    if "net" in situation.joined:
        return {}
    return dict(strict.sysctls) | (NO_IPV6 if situation.ipv6 else {})


def _device_rules(situation: Situation) -> list[Part]:
    """On v2 a program decides, and the runtime installs it only if a rule is there.

    It adds the standard devices itself.
    """
    return [
        {"allow": False, "access": "rwm"},
        *(
            {
                "allow": True, "type": "c", "major": one.major, "minor": one.minor,
                "access": one.access,
            }
            for one in situation.devices
        ),
    ]  # fmt: skip


def _strict(box: Box) -> Strict:
    return VERSIONS[box.spec.profile.strict]
