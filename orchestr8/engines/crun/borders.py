"""All borders of the crun engine and the host it runs on."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from orchestr8.engines.command_probes import command_probe
from orchestr8.engines.crun.bounded import Bounds
from orchestr8.engines.crun.boxes import CrunBoxes
from orchestr8.engines.crun.images import CrunImages
from orchestr8.engines.crun.installations import CrunInstallations
from orchestr8.engines.crun.labels import Labels
from orchestr8.engines.crun.levels import Levels
from orchestr8.engines.crun.machine import CrunMachine, Tools, found_tools
from orchestr8.engines.crun.making import Parts
from orchestr8.engines.crun.monitor import Monitors
from orchestr8.engines.crun.own_bridge import OwnBridge
from orchestr8.engines.crun.places import Places
from orchestr8.engines.crun.plugs import Plugs
from orchestr8.engines.crun.preparation import CrunPreparation
from orchestr8.engines.crun.runtime import Runtime
from orchestr8.engines.crun.volumes import CrunVolumes
from orchestr8.engines.ground import Ground
from orchestr8.engines.protocol import Borders, Contents
from orchestr8.host import bridge as bridges
from orchestr8.host.box_cgroups import BoxCgroups
from orchestr8.host.cgroups import OwnerCgroups, own_place
from orchestr8.host.keepsake import HostKeepsake
from orchestr8.host.mounts import RunFolder
from orchestr8.host.network import HostNetwork
from orchestr8.host.probes import HostProbes
from orchestr8.kernel.late import LateWitness


def crun_borders(contents: Contents, ground: Ground, tools: Tools | None = None) -> Borders:
    """Put the engine together; raises FeatureMissingError where its programs are missing."""
    installation, ranges = ground.installation, ground.ranges
    tools = tools or found_tools()
    machine = CrunMachine(tools)
    run = RunFolder(ground.run_folder / installation)
    places = Places(ground.state_folder / "crun", run.path / "crun")
    runtime = Runtime(
        Path(tools.crun), run.path / "runtime", places.runtime, joins=not machine.unified
    )
    images, volumes = CrunImages(places.images, Bounds(ground.image_bytes_max)), CrunVolumes(places)
    labels = Labels(Levels(ground.run_folder / "levels", installation), places)
    gateway = str(IPv4Network(ranges.subnet)[1])
    plugs = Plugs(bridges.name_of(installation), ranges.subnet, gateway)
    boxes = CrunBoxes(
        Parts(
            installation=installation,
            state_folder=str(ground.state_folder),
            places=places,
            machine=machine,
            images=images,
            preparation=CrunPreparation(run, images, volumes, contents, labels),
            monitors=Monitors(tools.conmon, runtime, places),
            plugs=plugs,
            cgroups=BoxCgroups(installation),
        )
    )
    return Borders(
        name="crun",
        boxes=boxes,
        images=images,
        volumes=volumes,
        network=HostNetwork(
            installation=installation,
            bridge=plugs.bridge,
            subnet=ranges.subnet,
            service_range=ranges.services,
            gateway=gateway,
            made_by=OwnBridge(plugs, places),
        ),
        owners=OwnerCgroups(installation, own_place()),
        probes=HostProbes(command_probe(boxes)),
        witness=LateWitness(),
        keepsake=HostKeepsake(run),
        installations=CrunInstallations(
            places, str(ground.state_folder), installation, ranges.subnet
        ),
    )
