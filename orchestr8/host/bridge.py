"""The kernel's switches of one bridge, through /sys and /proc of this network namespace.

Only the bridge's own switches are touched, never one that holds for all interfaces: other programs
of the host rely on those.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from orchestr8.errors import FeatureMissingError, RejectedError, UnavailableError
from orchestr8.host import links

_SIOCGIFADDR = 0x8915
_UP = 1
_NET = Path("/sys/class/net")
_PROC = Path("/proc/sys/net")
_FILTERS_BRIDGES = _PROC / "bridge/bridge-nf-call-iptables"
_FORWARDING = _PROC / "ipv4/ip_forward"


def name_of(installation: str) -> str:
    """The bridge of an installation, within the kernel's 15 characters."""
    return f"o8-{installation[:8]}"


def exists(bridge: str) -> bool:
    """Whether there is a bridge of this name."""
    return (_NET / bridge / "bridge").is_dir()


def ready(bridge: str, gateway: str) -> bool:
    """Whether the bridge is there, up, with this address and every switch as `set_up` leaves it."""
    return (
        exists(bridge)
        and _address(bridge) == gateway
        and _is_up(bridge)
        and _FILTERS_BRIDGES.exists()
        and all(_read(path) == wanted for path, wanted in _switches(bridge))
    )


def set_up(bridge: str, gateway: str, prefix: int) -> None:
    """Set the bridge's switches: filtered also between its ports, answers to loopback, no IPv6.

    An address that somebody took from it is given back, and it is up.
    """
    if not exists(bridge):
        raise UnavailableError(
            f"the bridge {bridge} does not exist",
            "look whether the engine could make its network; one that was deleted comes back when "
            "the engine is restarted",
        )
    found = _address(bridge)
    if found not in ("", gateway):
        raise RejectedError(
            f"the bridge {bridge} has the address {found}, not {gateway}",
            f"if it is not orchestr8's, rename it; else remove it: `ip link delete {bridge}`",
        )
    if not _FILTERS_BRIDGES.exists():
        raise FeatureMissingError(
            "the kernel does not filter between the ports of a bridge (br_netfilter is missing)",
            "load it now with `modprobe br_netfilter`, and for each boot with "
            "`echo br_netfilter > /etc/modules-load.d/orchestr8.conf`",
        )
    if _read(_FORWARDING) != "1":
        raise RejectedError(
            "the kernel does not forward packets (net.ipv4.ip_forward is 0)",
            "`sysctl -w net.ipv4.ip_forward=1`, and write it to /etc/sysctl.d/orchestr8.conf",
        )
    if not found or not _is_up(bridge):
        with links.Links() as here:
            own = here.index(bridge)
            address = () if found else (links.address(own, f"{gateway}/{prefix}"),)
            here.send([*address, links.up(own)], f"taking the bridge {bridge} into use")
    for path, wanted in _switches(bridge):
        if _read(path) == wanted:
            continue
        try:
            path.write_text(wanted)
        except OSError as error:
            raise RejectedError(
                f"cannot set {path} to {wanted}: {error.strerror}",
                "run as root of the host, where /proc/sys and /sys are writable",
            ) from error


def _switches(bridge: str) -> Iterator[tuple[Path, str]]:
    inside = _NET / bridge / "bridge"
    yield inside / "nf_call_iptables", "1"
    # A host process that calls 127.0.0.1 is led to a box; the answer comes back over the bridge
    # with a loopback address as its destination. What else claims to is dropped by the table.
    yield _PROC / "ipv4/conf" / bridge / "route_localnet", "1"
    yield _PROC / "ipv4/conf" / bridge / "forwarding", "1"
    if (_PROC / "ipv6").is_dir():
        yield inside / "nf_call_ip6tables", "1"
        yield _PROC / "ipv6/conf" / bridge / "disable_ipv6", "1"


def _is_up(interface: str) -> bool:
    return bool(int(_read(_NET / interface / "flags") or "0", 16) & _UP)


def _address(interface: str) -> str:
    """The first IPv4 address of an interface, or the empty text."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        try:
            answer = fcntl.ioctl(asker, _SIOCGIFADDR, struct.pack("256s", interface.encode()))
        except OSError:
            return ""
    return socket.inet_ntoa(answer[20:24])


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
