"""What a translation must know beside the box itself."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from orchestr8.boxes.desired import Box
from orchestr8.contract.model import ImageFacts

RANGE = 65_536
"""How many ids a box's user namespace has; id 0 in it is the first of its service's range."""


class DeviceNode(Struct, frozen=True):
    """A device of the host that was granted, by its numbers; `access` is a subset of rwm."""

    path: str
    major: int
    minor: int
    access: str


class Bind(Struct, frozen=True):
    """The path of a mount that is prepared as the box shall have it, and that mount's flags."""

    path: str
    flags: tuple[str, ...]


class Situation(Struct, frozen=True):
    """Host, image and prepared paths of one box at its creation.

    `binds` leads from a target in the box to what is bound there. `joined` leads from a namespace
    that is another box's (pid, net, ipc) to its path; the mounts that show it are among the binds.
    `cgroup` is the path of the box's group where the runtime joins it, else empty. `apparmor` is a
    profile's name and `level` one of SELinux's, each empty where the kernel does not have it in
    force.
    """

    image: ImageFacts
    root: str
    filter_program: bytes
    binds: Mapping[str, Bind] = field(default_factory=dict)
    cgroup: str = ""
    apparmor: str = ""
    level: str = ""
    ipv6: bool = True
    also_masked: tuple[str, ...] = ()
    devices: tuple[DeviceNode, ...] = ()
    joined: Mapping[str, str] = field(default_factory=dict)


def host_id(box: Box, inside: int) -> int:
    """The id on the host of an id in the box."""
    return box.uid_base + inside
