"""A box's network as the kernel shows it: interfaces, addresses, and its namespaced parameters."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from ipaddress import IPv6Address

from orchestr8.isolation.strict import VERSIONS
from orchestr8.kernel import files, syscalls

_NEW_UTS, _NEW_IPC, _NEW_NET = 0x04000000, 0x08000000, 0x40000000
SYSCTLS = tuple(
    sorted(
        {name for version in VERSIONS.values() for name, _ in version.sysctls}
        | {"net.ipv4.ip_forward", "net.ipv6.conf.all.disable_ipv6"}
    )
)
HOST_PARAMETERS = ("net.bridge.bridge-nf-call-iptables",)
_SECONDS_MAX = 5.0


def interfaces(folder: int) -> tuple[str, ...]:
    """The names of all interfaces in the task's network namespace, sorted."""
    lines = files.read_text("net/dev", folder, files.LARGE_BYTES).split("\n")[2:]
    return tuple(sorted(line.partition(":")[0].strip() for line in lines if ":" in line))


def addresses(folder: int) -> tuple[str, ...]:
    """All local addresses of the task's network namespace, sorted, IPv4 before IPv6."""
    tree = files.read_text("net/fib_trie", folder, files.LARGE_BYTES)
    return (*parse_fib_trie(tree), *_ipv6(folder))


def parse_fib_trie(tree: str) -> list[str]:
    """Leaves of the routing trie that are local to the machine: `|-- ADDRESS`, `/32 host LOCAL`."""
    found, leaf = set(), ""
    for line in tree.split("\n"):
        words = line.split()
        if len(words) == 2 and words[0] == "|--":
            leaf = words[1]
        elif words == ["/32", "host", "LOCAL"]:
            found.add(leaf)
    return sorted(found)


def _ipv6(folder: int) -> list[str]:
    with suppress(FileNotFoundError):  # a kernel without IPv6
        lines = files.read_text("net/if_inet6", folder, files.LARGE_BYTES).split("\n")
        found = [line.split() for line in lines if line]
        return sorted(f"{IPv6Address(bytes.fromhex(words[0]))}%{words[-1]}" for words in found)
    return []


def host_parameters() -> dict[str, str]:
    """The kernel parameters of the reader's own network that boxes' walls stand on."""
    found = {}
    for name in HOST_PARAMETERS:
        with suppress(FileNotFoundError):  # br_netfilter is not loaded
            found[name] = files.read_text(f"/proc/sys/{name.replace('.', '/')}").strip()
    return found


def inner_values(folder: int) -> tuple[dict[str, str], str]:
    """The namespaced kernel parameters of a box, and its hostname.

    /proc/PID/root/proc/sys shows the values of whoever reads, so a short-lived thread enters the
    box's network, ipc and uts namespaces (they are a thread's own) and reads its own /proc/sys.
    """
    reader = _Reader(folder)
    reader.start()
    reader.join(_SECONDS_MAX)
    if reader.is_alive():
        raise TimeoutError(110, "the box's namespaces gave no answer in time")
    if reader.error:
        raise reader.error
    return reader.sysctls, reader.hostname


class _Reader(threading.Thread):
    """Ends with its thread, so that nothing else ever runs in the box's namespaces."""

    def __init__(self, folder: int) -> None:
        super().__init__(daemon=True, name="reads a box's parameters")
        self.folder = folder
        self.sysctls: dict[str, str] = {}
        self.hostname = ""
        self.error: OSError | None = None

    def run(self) -> None:
        try:
            for name, kind in (("net", _NEW_NET), ("ipc", _NEW_IPC), ("uts", _NEW_UTS)):
                flags = os.O_RDONLY | os.O_CLOEXEC
                descriptor = os.open(f"ns/{name}", flags, dir_fd=self.folder)
                try:
                    syscalls.enter_namespace(descriptor, kind)
                finally:
                    os.close(descriptor)
            self.hostname = os.uname().nodename
            for name in SYSCTLS:
                with suppress(FileNotFoundError):
                    text = files.read_text(f"/proc/sys/{name.replace('.', '/')}")
                    self.sysctls[name] = " ".join(text.split())
        except OSError as error:
            self.error = error
