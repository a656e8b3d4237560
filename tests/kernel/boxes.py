"""Real boxes as tight as Docker makes them, and ways to loosen one on purpose.

Made by the engine's own interface and not by ours, so that the witness is not tried on the work of
the code beside it alone.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import platform
import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any

import docker
from msgspec import Struct, field
from msgspec.structs import replace

from orchestr8.boxes.spec import BoxSpec
from orchestr8.descriptors import readable
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import MIB, Limits, Quota
from orchestr8.isolation.seccomp import profile_json
from orchestr8.isolation.strict import STRICT_1
from orchestr8.names import BoxId
from orchestr8.proof.model import Expectation
from tests.hosts.inside import executed

IMAGE = "probe:1"
OWNER = "witness"
UID = 1_114_108
_serials = itertools.count(1)

MACHINE = platform.machine()


class Running(Struct, frozen=True):
    """A box that runs: its id, first task and what must be true of it."""

    id: BoxId
    pid: int
    container: str
    expectation: Expectation
    client: docker.APIClient

    def execute(self, command: list[str], **settings: Any) -> tuple[int, str]:
        """Run a command in the box; its exit status and output."""
        settings = {"user": f"{UID}:{UID}", **settings}
        status, output = executed(self.client, self.container, command, **settings)
        return status, output.decode()

    @contextlib.contextmanager
    def executing(self, command: list[str], **settings: Any) -> Iterator[int]:
        """A command that runs in the box meanwhile; gives its process number."""
        settings = {"user": f"{UID}:{UID}", **settings}
        made = self.client.exec_create(self.container, command, **settings)
        self.client.exec_start(made["Id"], detach=True)
        deadline = time.monotonic() + 60
        while not (found := self.client.exec_inspect(made["Id"]))["Pid"]:
            assert time.monotonic() < deadline, found
            time.sleep(0.01)
        process = os.pidfd_open(found["Pid"])
        try:
            yield found["Pid"]
        finally:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
            readable([process], 10)
            os.close(process)


class Wanted(Struct, frozen=True):
    """A box to be made. `host` and `config` replace keys of what Docker is asked for."""

    command: tuple[str, ...] = ("/usr/bin/probe", "wait")
    host: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)

    def loosened(self, **host: Any) -> Wanted:
        """The same with these keys of HostConfig replaced."""
        return replace(self, host={**self.host, **host})

    def configured(self, **config: Any) -> Wanted:
        """The same with these keys of the container's own configuration replaced."""
        return replace(self, config={**self.config, **config})


STRICT = Wanted()


def security(no_new_privileges: bool = True, seccomp: str = "") -> list[str]:
    """Docker's security options, with our own filter if no other is named."""
    text = seccomp or profile_json("strict-1", {"x86_64": "amd64", "aarch64": "arm64"}[MACHINE])
    return ["no-new-privileges:true"] * no_new_privileges + [f"seccomp={text}"]


def sysctls() -> dict[str, str]:
    """The kernel parameters of STRICT."""
    return dict(STRICT_1.sysctls)


def scratch(uid: int) -> dict[str, str]:
    """The scratch of STRICT as Docker takes it, of one user."""
    return {
        s.path: f"rw,noexec,nosuid,nodev,size={s.size_bytes},uid={uid},gid={uid}"
        for s in STRICT_1.scratch
        if s.path != "/dev/shm"
    }


def _host_config() -> dict[str, Any]:
    strict = STRICT_1
    return {
        "CapDrop": ["ALL"],
        "SecurityOpt": security(),
        "ReadonlyRootfs": True,
        "NetworkMode": "none",
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "CgroupParent": f"/orchestr8-test/{OWNER}",
        "Memory": 64 * MIB,
        "MemorySwap": 64 * MIB,
        "NanoCpus": 500_000_000,
        "PidsLimit": 64,
        "ShmSize": 16 * MIB,
        "OomScoreAdj": strict.oom_score_adj,
        "Ulimits": [{"Name": r.name, "Soft": r.soft, "Hard": r.hard} for r in strict.rlimits],
        "Sysctls": sysctls(),
        "Tmpfs": scratch(UID),
        "MaskedPaths": list(strict.masked_paths),
        "ReadonlyPaths": [*strict.read_only_paths, "/sys/fs/cgroup"],
        "RestartPolicy": {"Name": "no"},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}},
    }


def _parent(client: docker.APIClient, path: str) -> str:
    """A folder among the cgroups; systemd names it by a slice."""
    if client.info()["CgroupDriver"] != "systemd":
        return path
    return path.strip("/").replace("orchestr8-test", "orchestr8test").replace("/", "-") + ".slice"


@contextlib.contextmanager
def box(client: docker.APIClient, wanted: Wanted = STRICT) -> Iterator[Running]:
    """A running box, removed at the end."""
    box_id = BoxId(OWNER, "box", next(_serials))
    name = f"{box_id}-{os.getpid()}"
    host = {**_host_config(), **wanted.host}
    host["CgroupParent"] = _parent(client, host["CgroupParent"])
    config = {
        "Image": IMAGE,
        "User": f"{UID}:{UID}",
        "Hostname": "box",
        "Cmd": list(wanted.command),
        "Entrypoint": [],
        "HostConfig": host,
        **wanted.config,
    }
    made = client.create_container_from_config(config, name)["Id"]
    try:
        client.start(made)
        pid = client.inspect_container(made)["State"]["Pid"]
        assert pid > 0, client.logs(made)
        yield Running(box_id, pid, made, expectation(box_id, wanted.spec), client)
    finally:
        client.remove_container(made, force=True, v=True)


def expectation(box_id: BoxId, spec: Mapping[str, Any]) -> Expectation:
    """What must be true of a box that is made as `STRICT`."""
    whole = {
        "image_id": "sha256:0", "hostname": "box", "uid": UID, "gid": UID, **spec,
    }  # fmt: skip
    return Expectation(
        id=box_id,
        slot=0,
        spec=BoxSpec(**whole),
        limits=Limits(cpu_max_millicores=500, memory_max_bytes=64 * MIB, pids_max=64),
        quota=Quota(),
        address="",
        volumes={},
        features=Features("docker", frozenset()),
    )
