"""`python3 -m tests.proof.record`: the two boxes that all cases of this folder start from.

Makes two real boxes, as tight as Docker makes them and with one of everything that can be granted,
and writes what the kernel says of them. Run it as root when the reading has a new field; cases name
what they change, not numbers, so they stay.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import yaml
from msgspec.structs import replace

from orchestr8.boxes.network import Door, Element, NetworkState, Out, Pass, Route
from orchestr8.boxes.spec import BoxSpec, SpecFile, SpecSecret, SpecVolume
from orchestr8.isolation.limits import MIB, Quota
from orchestr8.isolation.profile import Device, HostPath, Profile
from orchestr8.kernel.reader import KernelWitness
from orchestr8.names import BoxId
from orchestr8.proof.model import Expectation, Reading
from orchestr8.proof.prove import prove_all
from tests.hosts import engine, load_images
from tests.kernel import boxes
from tests.proof.documents import to_document

CASES = Path(__file__).parents[1] / "cases" / "proof"
STAGE = Path("/run/orchestr8-record")
PREPARED = Path("/tmp/orchestr8-record")
NETWORK, SUBNET = "orchestr8-record", "10.231.250.0/24"
ADDRESSES = ("10.231.250.10", "10.231.250.11")
ELEMENTS: tuple[frozenset[Element], ...] = (
    frozenset({
        Pass(ADDRESSES[0], ADDRESSES[1], 6379),
        Route("10.231.252.1", 8080, (ADDRESSES[0],)),
        Door("127.0.0.1", 8080, 8080, (ADDRESSES[0],)),
        Out(ADDRESSES[0], "198.51.100.0/24", 443),
    }),
    frozenset({Pass(ADDRESSES[0], ADDRESSES[1], 6379)}),
)  # fmt: skip


def main() -> int:
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(engine("20"))
        load_images(found.socket)
        client = docker.APIClient(found.docker_host, version="auto")
        data_root = client.info()["DockerRootDir"]
        stack.enter_context(_network(client))
        stack.callback(shutil.rmtree, PREPARED)
        stack.callback(shutil.rmtree, STAGE)
        for number in (1, 2):
            stack.enter_context(_staged(number))
        running = [stack.enter_context(_box(client, number)) for number in (1, 2)]
        state = NetworkState(True, frozenset().union(*ELEMENTS), SUBNET, "10.231.252.0/24")
        witness = KernelWitness()
        readings = [replace(witness.read(r.id, r.pid), network=state) for r in running]
        pairs = [(r.expectation, reading) for r, reading in zip(running, readings, strict=True)]
    for proof in prove_all(pairs):
        for finding in proof.findings:
            print(proof.id, finding.claim, finding.verdict.value, finding.observed)
    for name, pair in zip(("base", "neighbour"), pairs, strict=True):
        _write(name, *pair, data_root)
    return 0


def _write(name: str, expectation: Expectation, reading: Reading, data_root: str) -> None:
    document = {"expectation": to_document(expectation), "reading": to_document(reading)}
    text = yaml.safe_dump(document, width=100, sort_keys=False)
    text = (
        text.replace(data_root, "/var/lib/docker")
        .replace(str(STAGE / "source"), "/srv")
        .replace(str(STAGE), "/run/orchestr8")
    )
    text = text.replace(str(PREPARED), "/run/orchestr8").replace("/orchestr8-test/", "/orchestr8/")
    text = text.replace(reading.boot_id, "00000000-0000-4000-8000-000000000000")
    (CASES / f"{name}.yaml").write_text(
        f"# A real box of Docker 20.10 on cgroup v1; made by tests.proof.record\n{text}"
    )


@contextlib.contextmanager
def _network(client: docker.APIClient) -> Iterator[None]:
    pool = docker.types.IPAMPool(subnet=SUBNET)
    made = client.create_network(
        NETWORK,
        driver="bridge",
        ipam=docker.types.IPAMConfig(pool_configs=[pool]),
        options={"com.docker.network.bridge.enable_ip_masquerade": "false"},
    )["Id"]
    try:
        yield
    finally:
        client.remove_network(made)


_SOURCES = {
    "volume": ("/data", "rw"),
    "logs": ("/var/log/app", "ro"),
    "secrets": ("/run/secrets", "ro"),
    "app.toml": ("/etc/app.toml", "ro"),
    "hosts": ("/etc/hosts", "ro"),
    "resolv.conf": ("/etc/resolv.conf", "ro"),
}


@contextlib.contextmanager
def _staged(number: int) -> Iterator[None]:
    """Folders and files of the host with the options that the box shall have them with."""
    with contextlib.ExitStack() as stack:
        for name, (_, mode) in _SOURCES.items():
            source, prepared, mounted = (
                folder / f"{name}-{number}" for folder in (STAGE / "source", PREPARED, STAGE)
            )
            for path in (source, prepared, mounted):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch() if "." in name or name == "hosts" else path.mkdir(exist_ok=True)
            kind = ["-t", "tmpfs", "secrets"] if name == "secrets" else ["--bind", str(source)]
            _mounted(stack, prepared, *kind)
            _run("mount", "-o", f"remount,bind,{mode},nosuid,nodev,noexec", str(prepared))
            # the engine's own mount namespace sees a mount as it is when it is attached
            _mounted(stack, mounted, "--bind", str(prepared))
        yield


def _mounted(stack: contextlib.ExitStack, target: Path, *arguments: str) -> None:
    _run("mount", *arguments, str(target))
    stack.callback(_run, "umount", str(target))


@contextlib.contextmanager
def _box(client: docker.APIClient, number: int) -> Iterator[boxes.Running]:
    address = ADDRESSES[number - 1]
    uid = boxes.UID + 65_536 * number
    mounts = [
        {"Type": "bind", "Source": str(STAGE / f"{name}-{number}"), "Target": target,
         "BindOptions": {"Propagation": "rprivate", "NonRecursive": True}}
        for name, (target, _) in _SOURCES.items()
    ]  # fmt: skip
    wanted = boxes.STRICT.loosened(
        Mounts=mounts,
        NetworkMode=NETWORK,
        Sysctls={**boxes.sysctls(), "net.ipv6.conf.all.disable_ipv6": "1"},
        Devices=[{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse",
                  "CgroupPermissions": "rw"}],
        Tmpfs=boxes.scratch(uid),
    ).configured(
        User=f"{uid}:{uid}",
        Env=["NODE_OPTIONS=--no-warnings"],
        NetworkingConfig={
            "EndpointsConfig": {NETWORK: {"IPAMConfig": {"IPv4Address": address}}}
        },
    )  # fmt: skip
    with boxes.box(client, wanted) as running:
        owner = Path(f"/sys/fs/cgroup/memory/orchestr8-test/{boxes.OWNER}")
        if owner.is_dir():
            (owner / "memory.limit_in_bytes").write_text(str(256 * MIB))
            for tree, file, text in (
                ("cpu", "cpu.cfs_quota_us", "200000"), ("pids", "pids.max", "512"),
            ):  # fmt: skip
                Path(f"/sys/fs/cgroup/{tree}/orchestr8-test/{boxes.OWNER}/{file}").write_text(text)
        box_id = BoxId(boxes.OWNER, f"app{number}", number)
        spec = _spec(running.expectation, uid, number)
        expectation = replace(
            running.expectation,
            id=box_id,
            spec=spec,
            quota=Quota(cpu_millicores=2000, memory_bytes=256 * MIB, pids=512),
            address=address,
            volumes={"/data": str(STAGE / "source" / f"volume-{number}")},
            elements=ELEMENTS[number - 1],
        )
        yield replace(running, id=box_id, expectation=expectation)


def _spec(expectation: Expectation, uid: int, number: int) -> BoxSpec:
    return replace(
        expectation.spec,
        uid=uid,
        gid=uid,
        networked=True,
        files=(SpecFile("/etc/app.toml", "keyed:1"),),
        secrets=(SpecSecret("password", "keyed:2"),),
        volumes=(SpecVolume("/data", f"witness--data{number}", False, uid),),
        profile=Profile(
            devices=(Device("/dev/fuse", "rw"),),
            host_paths=(HostPath(str(STAGE / "source" / f"logs-{number}"), "/var/log/app", True),),
            image_env=("NODE_OPTIONS",),
        ),
    )


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main())
