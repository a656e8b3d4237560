"""Hardened containers by Docker's own interface."""

from __future__ import annotations

import time
from pathlib import Path

import docker

from benchmarks.installation import client
from benchmarks.workload import NAME
from tests.hosts import Engine

_WAIT_SECONDS = 30.0


class DockerBoxes:
    """As hardened as Docker does it: no user namespace, no time namespace, its default filter."""

    def __init__(self, engine: Engine, archive: Path) -> None:
        self._api: docker.APIClient = client(engine)
        with archive.open("rb") as opened:
            list(self._api.load_image(opened.read()))  # type: ignore[no-untyped-call]
        self.removals: list[float] = []

    def provision(self) -> float:
        """Milliseconds from the call to the workload's first instruction."""
        settings = self._api.create_host_config(
            network_mode="none", read_only=True, cap_drop=["ALL"], mem_limit="64m",
            memswap_limit="64m", pids_limit=64, nano_cpus=500_000_000,
            security_opt=["no-new-privileges:true"], tmpfs={"/tmp": "", "/run": ""},
        )  # fmt: skip
        began = time.monotonic_ns()
        made = self._api.create_container(NAME, user="65532:65532", host_config=settings)
        self._api.start(made["Id"])
        taken = (self._stamp(made["Id"]) - began) / 1e6
        began = time.monotonic_ns()
        self._api.remove_container(made["Id"], force=True)
        self.removals.append((time.monotonic_ns() - began) / 1e6)
        return taken

    def close(self) -> None:
        """Take the image away."""
        self._api.remove_image(NAME, force=True)
        self._api.close()

    def _stamp(self, container: str) -> int:
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            said = self._api.logs(container)
            if said.endswith(b"\n"):
                return int(said)
        raise RuntimeError("the workload wrote nothing")
