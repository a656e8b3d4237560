"""The one Docker network: it gives the bridge and each box's interface; who may talk is not its
matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.boxes.network import Element, NetworkState
from orchestr8.engines.docker.client import Client, patient
from orchestr8.engines.docker.labels import INSTALLATION
from orchestr8.errors import RejectedError
from orchestr8.host import listeners
from orchestr8.host.network import HostNetwork

_BRIDGE_NAME = "com.docker.network.bridge.name"
_MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"


def network_name(installation: str) -> str:
    """The Docker network's name."""
    return f"orchestr8-{installation[:8]}"


def bridge_name(installation: str) -> str:
    """The bridge's name, within the kernel's 15 characters."""
    return f"o8-{installation[:8]}"


class BridgeMaker(Struct, frozen=True):
    """Makes the Docker network, and with it the bridge."""

    client: Client
    installation: str
    subnet: str
    gateway: str

    def present(self) -> bool:
        """Whether our network is there; a foreign one of that name is an error."""
        name = network_name(self.installation)
        found = self.client.find(f"/networks/{name}", f"looking for the network {name}")
        if found is None or found.get("Name") != name:
            return False
        self._require_ours(name, found)
        return True

    def make(self) -> None:
        """Make it where it is missing."""
        if self.present():
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
                    _BRIDGE_NAME: bridge_name(self.installation),
                    _MASQUERADE: "false",
                },
                "Labels": {INSTALLATION: self.installation},
            },
        )

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
    """The host's table, on a bridge that Docker must know too."""

    def __init__(self, host: HostNetwork, maker: BridgeMaker) -> None:
        self._host = host
        self._maker = maker

    @patient
    def observe(self) -> NetworkState:
        """What the table holds; prepared only if Docker has its network as well."""
        state = self._host.observe()
        if state.prepared and not self._maker.present():
            return replace(state, prepared=False, lacks="Docker's network of the bridge is missing")
        return state

    @patient
    def prepare(self) -> None:
        """The table first, so that there is no moment in which a box is not denied."""
        self._host.prepare()
        self._maker.make()

    @patient
    def change(self, add: Sequence[Element], remove: Sequence[Element]) -> None:
        """The table's matter alone."""
        self._host.change(add, remove)

    def listeners(self) -> Mapping[tuple[str, int], str]:
        """The host's matter alone."""
        return listeners.listeners()
