"""What an engine can enforce on a host, and what STRICT asks of it.

An engine answers with a set of these words. What STRICT asks and the set lacks is a gap; what a
manifest asks and the set lacks is an error that names the engine and the key.
"""

from __future__ import annotations

from msgspec import Struct, field

NS_USER = "ns.user"
NS_TIME = "ns.time"
LSM = "lsm"
OWN_LABEL = "lsm.own"
MEMORY_GUARANTEE = "limits.memory.guarantee"
CPU_GUARANTEE = "limits.cpu.guarantee"
IO = "limits.io"
BANDWIDTH = "limits.bandwidth"
STANDBY = "standby"
EDGE = "edge"
NETWORK = "network"
QUOTA = "quota"
SHARED_NAMESPACES = "ns.share"
DEVICES = "device"
HOST_PATHS = "fs.host-path"
AMBIENT_CAPABILITIES = "cap.ambient"
OWNER_IDMAP = "fs.idmap"
VOLUME_SIZE = "fs.volume.size"
CORES = "limits.cpu.dedicated"

ALL = frozenset(
    {
        NS_USER, NS_TIME, LSM, OWN_LABEL, MEMORY_GUARANTEE, CPU_GUARANTEE, IO, BANDWIDTH, STANDBY,
        EDGE, NETWORK, QUOTA, SHARED_NAMESPACES, DEVICES, HOST_PATHS, AMBIENT_CAPABILITIES,
        OWNER_IDMAP, VOLUME_SIZE, CORES,
    }
)  # fmt: skip

ASKED_BY_STRICT = {
    NS_USER: "a user namespace of its own, so that no id in the box is an id of the host",
    NS_TIME: "a time namespace of its own",
    LSM: "a profile of the kernel's security module (AppArmor or SELinux)",
}


class Features(Struct, frozen=True):
    """What `engine` enforces here; `why_missing` has a sentence for what it does not.

    `cores` are the numbers of the cores that boxes can have here; empty where nobody knows.
    """

    engine: str
    present: frozenset[str]
    why_missing: dict[str, str] = field(default_factory=dict)
    cpu_millicores: int | None = None
    memory_bytes: int | None = None
    architecture: str = ""
    cores: tuple[int, ...] = ()

    def has(self, feature: str) -> bool:
        """Whether this engine enforces `feature` on this host."""
        return feature in self.present

    def not_all(self, cores: tuple[int, ...]) -> tuple[int, ...]:
        """These cores, or none where they are all that there are."""
        return () if cores == self.cores else cores

    def why(self, feature: str) -> str:
        """Why it is missing, in the engine's words or ours."""
        return self.why_missing.get(feature, f"the engine {self.engine} does not have it")


def everything() -> Features:
    """Features for a check without a host: nothing is missing."""
    return Features("any", ALL)
