"""The one Docker network: it gives the bridge and each box's interface; who may talk is not its
matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from orchestr8.boxes.network import Element, NetworkState
from orchestr8.engines.docker.client import Client, patient
from orchestr8.engines.docker.labels import INSTALLATION
from orchestr8.errors import RejectedError
from orchestr8.host import bridge as bridges
from orchestr8.host import wires
from orchestr8.host.network import HostNetwork

_BRIDGE_NAME = "com.docker.network.bridge.name"
_MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"


def network_name(installation: str) -> str:
    """The Docker network's name."""
    return f"orchestr8-{installation[:8]}"


class DockerBridge(Struct, frozen=True):
    """Makes the Docker network, and with it the bridge."""

    client: Client
    installation: str
    subnet: str
    gateway: str

    def make(self) -> None:
        """Make it where Docker does not have it."""
        if self._network() is not None:
            return
        name = network_name(self.installation)
        self.client.post(
            "/networks/create",
            f"making the network {name}",
            {
                "Name": name,
                "CheckDuplicate": True,
                "Driver": "bridge",
                "Internal": False,
                "EnableIPv6": False,
                "IPAM": {
                    "Driver": "default",
                    "Config": [{"Subnet": self.subnet, "Gateway": self.gateway}],
                },
                "Options": {
                    _BRIDGE_NAME: bridges.name_of(self.installation),
                    _MASQUERADE: "false",
                },
                "Labels": {INSTALLATION: self.installation},
            },
        )

    def lacks(self) -> str:
        """Whether Docker does not have it, or containers on it are cut off, in words."""
        network = self._network()
        if network is None:
            return "Docker's network of the bridge is missing"
        return wires.told(bridges.name_of(self.installation), self._cut_off(network))

    def mend(self) -> None:
        """Make it, and put the wires of containers on it back."""
        self.make()
        wires.put_on(bridges.name_of(self.installation), self._cut_off(self._network() or {}))

    def _network(self) -> Mapping[str, Any] | None:
        """Docker's network, or None; a foreign one of that name is an error."""
        name = network_name(self.installation)
        found: Mapping[str, Any] | None = self.client.find(
            f"/networks/{name}", f"looking for the network {name}"
        )
        if found is None or found.get("Name") != name:
            return None
        self._require_ours(name, found)
        return found

    def _cut_off(self, network: Mapping[str, Any]) -> frozenset[str]:
        """The wires of containers on this network that carry nothing.

        As many as there are containers is all that is looked for where nothing is wrong. A
        container on other networks as well is left to its proof: which wire is whose only Docker
        knows.
        """
        attached = network.get("Containers") or {}
        carrying = wires.carrying(bridges.name_of(self.installation))
        if len(attached) <= len(carrying):
            return frozenset()
        inspected = (
            self.client.find(f"/containers/{one}/json", "looking for wires") for one in attached
        )
        pids = [int(one["State"].get("Pid") or 0) for one in inspected if one]
        ends = wires.leading_to(pid for pid in pids if pid > 0)
        return frozenset(own[0] for own in ends.values() if len(own) == 1) - carrying

    def _require_ours(self, name: str, found: Mapping[str, Any]) -> None:
        if (found.get("Labels") or {}).get(INSTALLATION) != self.installation:
            raise RejectedError(
                f"the network {name} is there and is not this installation's",
                f"remove it: docker network rm {name}",
            )
        ranges = [part.get("Subnet") for part in (found.get("IPAM") or {}).get("Config") or []]
        if ranges != [self.subnet] or found.get("EnableIPv6"):
            raise RejectedError(
                f"the network {name} has the range {', '.join(map(str, ranges))} and not "
                f"{self.subnet}",
                f"stop all boxes, then remove it: docker network rm {name}",
            )


class DockerNetwork:
    """The host's table, on a bridge that Docker knows too: Docker may be starting just now."""

    def __init__(self, host: HostNetwork) -> None:
        self._host = host

    @patient
    def observe(self) -> NetworkState:
        """What the table holds; prepared only if Docker has its network as well."""
        return self._host.observe()

    @patient
    def prepare(self) -> None:
        """The table first, so that there is no moment in which a box is not denied."""
        self._host.prepare()

    @patient
    def change(self, add: Sequence[Element], remove: Sequence[Element]) -> None:
        """The table's matter alone."""
        self._host.change(add, remove)

    def listeners(self) -> Mapping[tuple[str, int], str]:
        """The host's matter alone."""
        return self._host.listeners()

    def absent(self, addresses: Iterable[str]) -> frozenset[str]:
        """The host's matter alone."""
        return self._host.absent(addresses)
