"""All borders of a Docker Engine and the host it runs on."""

from __future__ import annotations

import os
import re
from ipaddress import IPv4Network
from pathlib import Path

from msgspec import Struct

from orchestr8.boxes.network import Ranges
from orchestr8.engines.command_probes import command_probe
from orchestr8.engines.docker.boxes import DockerBoxes, Parts
from orchestr8.engines.docker.client import Client
from orchestr8.engines.docker.endpoint import Beforehand
from orchestr8.engines.docker.images import DockerImages
from orchestr8.engines.docker.installations import DockerInstallations
from orchestr8.engines.docker.machine import DockerMachine
from orchestr8.engines.docker.network import (
    DockerBridge,
    DockerNetwork,
    network_name,
)
from orchestr8.engines.docker.preparation import HostPreparation
from orchestr8.engines.docker.volumes import DockerVolumes
from orchestr8.engines.protocol import Borders, Contents
from orchestr8.host import bridge as bridges
from orchestr8.host.cgroups import OwnerCgroups
from orchestr8.host.keepsake import HostKeepsake
from orchestr8.host.mounts import RunFolder
from orchestr8.host.network import HostNetwork
from orchestr8.host.probes import HostProbes
from orchestr8.kernel.late import LateWitness

RUN_FOLDER = Path("/run/orchestr8")
_IDMAPPED_SINCE = (5, 12)
DEFAULT_RANGES = Ranges()


class Opening(Struct, frozen=True):
    """Where an installation keeps what a reboot takes, where its store lies, and what the engine
    was asked beforehand."""

    run_folder: Path = RUN_FOLDER
    state_folder: str = ""
    about: Beforehand | None = None


DEFAULT_OPENING = Opening()


def docker_borders(
    endpoint_url: str,
    installation: str,
    contents: Contents,
    ranges: Ranges = DEFAULT_RANGES,
    opening: Opening = DEFAULT_OPENING,
) -> Borders:
    """Connect to the engine and put the host's hand beside it."""
    client = Client(endpoint_url)
    machine = DockerMachine(
        client,
        network_name(installation),
        idmapped_mounts=_kernel_version() >= _IDMAPPED_SINCE,
        about=opening.about,
    )
    images, volumes = DockerImages(client), DockerVolumes(client, installation, machine)
    run = RunFolder(opening.run_folder / installation)
    preparation = HostPreparation(installation, run)
    boxes = DockerBoxes(
        Parts(
            installation,
            client,
            images,
            volumes,
            machine,
            preparation,
            contents,
            opening.state_folder,
        )
    )
    gateway = str(IPv4Network(ranges.subnet)[1])
    network = HostNetwork(
        installation=installation,
        bridge=bridges.name_of(installation),
        subnet=ranges.subnet,
        service_range=ranges.services,
        gateway=gateway,
        made_by=DockerBridge(client, installation, ranges.subnet, gateway),
    )
    return Borders(
        name="docker",
        boxes=boxes,
        images=images,
        volumes=volumes,
        network=DockerNetwork(network),
        owners=OwnerCgroups(installation, machine.cgroup_driver),
        probes=HostProbes(command_probe(boxes)),
        witness=LateWitness(),
        keepsake=HostKeepsake(run),
        installations=DockerInstallations(client),
        endpoint=endpoint_url,
        engine_id=machine.engine_id,
    )


def _kernel_version() -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return (int(match[1]), int(match[2])) if match else (0, 0)
