"""The engine and its host as boxes meet them: what it enforces, and what translations ask."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from orchestr8.engines import this_kernel
from orchestr8.engines.docker.client import Client
from orchestr8.engines.docker.endpoint import ABOUT, Beforehand
from orchestr8.engines.image_facts import architecture
from orchestr8.errors import RejectedError
from orchestr8.host import selinux, volume_images
from orchestr8.isolation import features
from orchestr8.isolation import selinux as labels
from orchestr8.isolation.features import Features

_APPARMOR = Path("/sys/module/apparmor/parameters/enabled")

_WHY_MISSING = {
    features.NS_USER: "Docker has at most one user namespace for all boxes together",
    features.NS_TIME: "Docker has no setting for it",
    features.LSM: "neither AppArmor nor SELinux is in force for Docker on this host",
    features.MEMORY_GUARANTEE: (
        "Docker sets no memory.low; it counts at admission, and `serve` keeps it within a quota"
    ),
    features.CPU_GUARANTEE: (
        "it weighs among the boxes of one owner only; between owners it counts at admission"
    ),
    features.IO: "limits on block devices are not built yet",
    features.BANDWIDTH: "traffic control is not built yet",
    features.EDGE: "edges are not built yet",
    features.AMBIENT_CAPABILITIES: "Docker gives capabilities to uid 0 only",
    features.OWNER_IDMAP: "this kernel has no idmapped mounts (Linux 5.12 and later)",
}


class DockerMachine:
    """Facts about engine and host; they do not change while the engine runs."""

    def __init__(
        self,
        client: Client,
        network: str,
        *,
        idmapped_mounts: bool,
        about: Beforehand | None = None,
    ) -> None:
        self._client = client
        self._about = about
        self._idmapped_mounts = idmapped_mounts
        self.network = network

    @cached_property
    def info(self) -> dict[str, Any]:
        """What the engine says of itself; refuses one whose boxes could not have their own uid."""
        told = self._about and self._about.answer()
        found: dict[str, Any] = told or self._client.get(ABOUT, "asking the engine about itself")
        options = " ".join(found.get("SecurityOptions") or [])
        for word in ("rootless", "userns"):
            if f"name={word}" in options:
                raise RejectedError(
                    f"the Docker Engine at {self._client.endpoint} runs in {word} mode, in which "
                    "a box cannot have a uid and a cgroup of its own",
                    "use an engine without it",
                )
        return found

    @property
    def engine_id(self) -> str:
        """The engine's own identity."""
        return str(self.info.get("ID", ""))

    @property
    def architecture(self) -> str:
        """The processor, in the words of images."""
        return architecture(str(self.info.get("Architecture", "")))

    @property
    def cgroup_driver(self) -> str:
        """cgroupfs or systemd."""
        return str(self.info.get("CgroupDriver", "cgroupfs"))

    @property
    def data_folder(self) -> str:
        """Where the engine keeps its data."""
        return str(self.info.get("DockerRootDir") or "/var/lib/docker")

    @cached_property
    def apparmor(self) -> bool:
        """Whether the kernel has it in force and the engine uses it."""
        try:
            enabled = _APPARMOR.read_text().strip() == "Y"
        except OSError:
            return False
        return enabled and self._security_option("apparmor")

    @cached_property
    def why_no_selinux(self) -> str:
        """Why boxes get no labels of SELinux; empty where the engine gives each its own."""
        if not self._security_option("selinux"):
            return "the engine does not use SELinux (dockerd --selinux-enabled)"
        return selinux.missing(labels.NEEDED)

    @cached_property
    def features(self) -> Features:
        """What is enforced here, and why not what is not."""
        missing = dict(_WHY_MISSING)
        if self.why_no_selinux:
            missing[features.OWN_LABEL] = self.why_no_selinux
        if self.apparmor or not self.why_no_selinux:
            del missing[features.LSM]
        if self._idmapped_mounts:
            del missing[features.OWNER_IDMAP]
        if why := volume_images.missing():
            missing[features.VOLUME_SIZE] = why
        here = this_kernel.cores() if self.info.get("CPUSet") else ()
        if not here:
            missing[features.CORES] = this_kernel.NO_CORES
        return Features(
            engine="docker",
            present=features.ALL - set(missing),
            why_missing=missing,
            cpu_millicores=int(self.info.get("NCPU", 0)) * 1000 or None,
            memory_bytes=int(self.info.get("MemTotal", 0)) or None,
            architecture=self.architecture,
            cores=here,
        )

    def _security_option(self, word: str) -> bool:
        return any(
            option.startswith(f"name={word}") for option in self.info.get("SecurityOptions") or []
        )
