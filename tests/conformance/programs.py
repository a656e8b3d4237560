"""What the boxes of the suite run, and the contents of their files and secrets."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestr8.engines.memory.workload import (
    SIGKILL_STATUS,
    Workload,
    dies_at_once,
    dies_of_memory,
)
from orchestr8.errors import RejectedError

SAYS = "starting, please wait"
"""What the program `silent` writes."""


@dataclass(frozen=True)
class Program:
    """What a box runs: an image, its command, and what the simulation makes of it."""

    image: str
    command: tuple[str, ...]
    simulated: Workload = Workload()


PROGRAMS = {
    "wait": Program("probe:1", ("/usr/bin/probe", "wait"),
                    Workload(stop_status=0, output=b"hello\n")),
    "lasting": Program("probe:1", ("/usr/bin/probe", "wait"),
                       Workload(stop_status=0, commands_last=True)),
    "silent": Program("faults:1", ("/usr/bin/fault", "silent"),
                      Workload(log=(SAYS,), stop_status=0, output=f"{SAYS}\n".encode(),
                               commands_last=True)),
    "deaf": Program("faults:1", ("/usr/bin/fault", "deaf"),
                    Workload(ignores_signal=True, stop_status=SIGKILL_STATUS)),
    "exit 3": Program("faults:1", ("/usr/bin/fault", "exit", "3"), dies_at_once(3)),
    "memory": Program("faults:1", ("/usr/bin/fault", "memory"), dies_of_memory()),
    "absent": Program("nobinary:1", ("/usr/bin/absent",),
                      Workload(missing_binary="/usr/bin/absent")),
}  # fmt: skip


@dataclass
class Contents:
    """Files and secrets of the tests; one secret is missing."""

    files: dict[str, bytes] = field(default_factory=lambda: {"digest-1": b"colour = blue\n"})

    def file(self, digest: str) -> bytes:
        return self.files[digest]

    def secret(self, owner: str, name: str, digest: str) -> bytes:
        if name == "missing":
            raise RejectedError(f"the secret {name} of {owner} is missing", "write it")
        return f"secret {name} of {owner}".encode()
