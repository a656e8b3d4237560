"""What the program in a simulated box does."""

from __future__ import annotations

from msgspec import Struct

SIGKILL_STATUS = 128 + 9
SIGTERM_STATUS = 128 + 15


class Workload(Struct, frozen=True):
    """Runs for ever and is healthy at once, unless told otherwise.

    `exits_after_ms` counts from the start, `healthy_after_ms` too (None: never), and
    `unhealthy_after_ms` ends its health again. `memory_bytes` is what it uses: a lower limit is
    rejected, as the kernel does where it cannot reclaim.
    """

    exits_after_ms: int | None = None
    exit_status: int = 0
    out_of_memory: bool = False
    healthy_after_ms: int | None = 0
    unhealthy_after_ms: int | None = None
    ignores_signal: bool = False
    stop_status: int = SIGTERM_STATUS
    missing_binary: str = ""
    memory_bytes: int = 0
    log: tuple[str, ...] = ()
    output: bytes = b""
    """What every command that is executed in the box prints."""
    command_status: int = 0
    commands_last: bool = False
    """Whether such commands do not end by themselves."""

    def healthy(self, age_ms: int) -> bool:
        """Whether a probe succeeds this long after the start."""
        if self.healthy_after_ms is None or age_ms < self.healthy_after_ms:
            return False
        return self.unhealthy_after_ms is None or age_ms < self.unhealthy_after_ms


def dies_at_once(exit_status: int = 1, log: tuple[str, ...] = ()) -> Workload:
    """A program that ends before it does anything."""
    return Workload(exits_after_ms=0, exit_status=exit_status, log=log)


def runs_once(duration_ms: int = 100) -> Workload:
    """A job that ends well."""
    return Workload(exits_after_ms=duration_ms)


def dies_of_memory(after_ms: int = 0) -> Workload:
    """A program that outgrows its memory limit."""
    return Workload(exits_after_ms=after_ms, exit_status=SIGKILL_STATUS, out_of_memory=True)


NEVER_HEALTHY = Workload(healthy_after_ms=None)
IGNORES_TERM = Workload(ignores_signal=True, stop_status=SIGKILL_STATUS)
