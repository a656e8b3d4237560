"""What the boxes of every engine owe to the kernel that they run on."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from orchestr8.kernel.cores import available

NO_IPV6 = {
    "net.ipv6.conf.all.disable_ipv6": "1",
    "net.ipv6.conf.default.disable_ipv6": "1",
}
"""What turns IPv6 off in a box; a kernel without IPv6 has no such settings, and refuses them."""


@cache
def has_ipv6() -> bool:
    """Whether the kernel has IPv6 at all."""
    return Path("/proc/sys/net/ipv6").is_dir()


NO_CORES = "the control groups of this kernel have no cpuset controller"
_SLICE = "/orchestr8.slice"
"""Where boxes lie on a host with systemd; whoever runs it may leave that only some cores."""


def cores() -> tuple[int, ...]:
    """The cores that boxes can have here; none where the kernel holds nobody to some."""
    return available(_SLICE)


@cache
def masked_here() -> tuple[str, ...]:
    """Paths to mask that only this machine has: there are as many as it has processors."""
    return tuple(sorted(map(str, Path("/sys/devices/system/cpu").glob("cpu*/thermal_throttle"))))
