"""The blocks that a service is made of: limits, health, stop, update, edge."""

from typing import Annotated, ClassVar

from pydantic import model_validator

from orchestr8.manifest import addresses, editor, overflow, scalars
from orchestr8.manifest.blocks import NOT_BUILT, Block, Shorthand, told
from orchestr8.manifest.model import HttpCheck
from orchestr8.manifest.reads import Reads, ReadsShape, WrongError
from orchestr8.manifest.types import (
    BitRate,
    ByteRate,
    Cpu,
    Literal,
    Memory,
    Name,
    Port,
    count,
    time_within,
    word,
)

Signal = Annotated[
    str,
    Reads(scalars.signal, "a signal", "SIGTERM", editor.text(pattern="^SIG[A-Z0-9]+$")),
]
Http = Annotated[
    HttpCheck,
    Reads(
        addresses.http,
        "a port and a path",
        '":8080/healthz"',
        editor.text(pattern="^:[0-9]{1,5}(/.*)?$"),
    ),
]
Overflow = Annotated[
    str,
    ReadsShape(overflow.overflow, "an overflow policy", "{queue: 200, wait: 2s}", overflow.schema),
]


class CpuBlock(Shorthand):
    """Cores: one number is the maximum."""

    shorthand: ClassVar[str] = "max"

    guarantee: Cpu | None = told(
        "cores that are the box's own whenever it wants them; counted against the quota and the "
        "machine, so not more are promised than there are",
        "0.25",
        "none: nothing is set aside",
        None,
    )
    max: Cpu | None = told("cores that the box can never exceed", "2", "0.5", None)
    dedicated: Annotated[int, count(1, 1_024, "1")] | None = told(
        "whole cores on which no other box runs; they are the maximum and the guarantee as well, "
        "and one core at least stays for everybody else",
        "1",
        "none: cores are shared",
        None,
    )


class MemoryBlock(Shorthand):
    """Memory: one size is the maximum."""

    shorthand: ClassVar[str] = "max"

    guarantee: Memory | None = told(
        "memory that is not taken from the box while others have more than theirs; counted "
        "against the quota and the machine",
        "128MiB",
        "none: nothing is set aside",
        None,
    )
    max: Memory | None = told(
        "memory that the box can never exceed, scratch included; the kernel ends the box first",
        "512MiB",
        "128MiB",
        None,
    )


class IoBlock(Block):
    """Bytes a second from and to disks."""

    read: ByteRate | None = told("bytes read a second", "50MiB/s", "no limit", None)
    write: ByteRate | None = told("bytes written a second", "20MiB/s", "no limit", None)


class BandwidthBlock(Block):
    """Bits a second on the box's network interface."""

    out: BitRate | None = told("bits sent a second", "20Mbit/s", "no limit", None)
    in_: BitRate | None = told("bits received a second", "100Mbit/s", "no limit", None, alias="in")


class LimitsBlock(Block):
    """What one box may use; the kernel enforces each."""

    cpu: CpuBlock | None = told(
        "cores that one box may use; one number is the maximum",
        "{guarantee: 0.25, max: 2}",
        "at most 0.5, nothing guaranteed",
        None,
    )
    memory: MemoryBlock | None = told(
        "memory that one box may use, without swap; one size is the maximum",
        "{guarantee: 128MiB, max: 512MiB}",
        "at most 128MiB, nothing guaranteed",
        None,
    )
    pids: Annotated[int, count(1, 4_194_304, "256")] | None = told(
        "processes and threads at a time", "256", "256", None
    )
    io: IoBlock | None = told(
        f"disk traffic; {NOT_BUILT}", "{read: 50MiB/s, write: 20MiB/s}", "no limit", None
    )
    bandwidth: BandwidthBlock | None = told(
        f"network traffic; {NOT_BUILT}", "{out: 20Mbit/s, in: 100Mbit/s}", "no limit", None
    )


class HealthDefaults(Block):
    """How a box is asked whether it works; the check is made from inside the box."""

    http: Http | None = told(
        "healthy is an answer with a status from 200 to 399", '":8080/healthz"', "not asked", None
    )
    tcp: (
        Annotated[
            int, Reads(addresses.tcp, "a port", "5432", editor.text_or_number(pattern="^:?[0-9]+$"))
        ]
        | None
    ) = told("healthy is an accepted connection", "5432", "not asked", None)
    command: list[Literal] | None = told(
        "healthy is exit status 0 of this program in the box; it is not given to a shell",
        "[pg_isready, -q]",
        "not asked",
        None,
    )
    every: Annotated[int, time_within("100ms", "1h", "2s")] | None = told(
        "time from one check to the next", "2s", "2s", None
    )
    failures: Annotated[int, count(1, 100, "3")] | None = told(
        "failed checks in a row that make a healthy box unhealthy", "3", "3", None
    )
    within: Annotated[int, time_within("100ms", "1d", "30s")] | None = told(
        "how long a fresh box may take to become healthy", "60s", "30s", None
    )
    timeout: Annotated[int, time_within("10ms", "10m", "2s")] | None = told(
        "how long one check may take", "2s", "2s", None
    )


class HealthBlock(HealthDefaults):
    """How a box is asked whether it works: one check, made from inside the box."""

    @model_validator(mode="after")
    def _one_check(self) -> "HealthBlock":
        checks = {"http": self.http, "tcp": self.tcp, "command": self.command}
        kinds = [name for name, check in checks.items() if check is not None]
        if len(kinds) != 1:
            raise WrongError(
                f"has {' and '.join(kinds)}" if kinds else "says no check",
                'write one of them: http: ":8080/healthz", tcp: 5432 or command: [program]',
            )
        return self


class StopBlock(Block):
    """How a box is asked to end."""

    signal: Signal | None = told("the signal that asks", "SIGQUIT", "the image's own", None)
    grace: Annotated[int, time_within("0s", "1h", "10s")] | None = told(
        "time to end by itself; SIGKILL follows", "30s", "10s", None
    )


class UpdateBlock(Block):
    """How the boxes of a service are replaced when something changes that cannot change in one."""

    order: Annotated[str, word("start-first", "stop-first")] | None = told(
        "whether the new box is healthy before the old one stops; an exclusive volume or a fixed "
        "port of the host forces stop-first, and the plan says so",
        "stop-first",
        "start-first",
        None,
    )
    parallel: Annotated[int, count(1, 1_000, "1")] | None = told(
        "boxes replaced at a time", "2", "1", None
    )
    within: Annotated[int, time_within("1s", "1d", "60s")] | None = told(
        "how long the update may go without progress", "5m", "60s", None
    )
    on_failure: Annotated[str, word("rollback")] | None = told(
        "what follows a failed update: the service goes back to its last healthy revision",
        "rollback",
        "rollback",
        None,
    )


class EdgeBlock(Block):
    """A load balancer of the service's own, with a stable address."""

    listen: Port = told("the port of the host that it listens on", "443")
    to: Port = told("the port of the boxes that it leads to", "8080")
    tls: Name | None = told(
        "the secret with certificate and key", "api-cert", "none: plain TCP", None
    )
    overflow: Overflow = told(
        "what happens to what the boxes cannot take: wait in a queue, spill to another service, "
        "or be shed at once",
        "{queue: 200, wait: 2s}",
    )
