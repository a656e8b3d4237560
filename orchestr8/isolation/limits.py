"""The cgroup numbers of a box."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
MEMORY_LEAST_BYTES = 6 * MIB  # the least that Docker accepts
PIDS_MOST = 4_194_304


@dataclass(frozen=True)
class Limits:
    """Maxima that always hold, and guarantees that exist only where they are written.

    Cpu is in thousandths of a core, memory in bytes, io in bytes a second, bandwidth in bits a
    second. None means "not written". Swap is never allowed.
    """

    cpu_max_millicores: int = 500
    memory_max_bytes: int = 128 * MIB
    pids_max: int = 256
    cpu_guarantee_millicores: int | None = None
    memory_guarantee_bytes: int | None = None
    io_read_bytes: int | None = None
    io_write_bytes: int | None = None
    bandwidth_out_bits: int | None = None
    bandwidth_in_bits: int | None = None


@dataclass(frozen=True)
class Quota:
    """What one owner's boxes may use together; None means "no quota written"."""

    cpu_millicores: int | None = None
    memory_bytes: int | None = None
    boxes: int | None = None
    pids: int | None = None
    bandwidth_bits: int | None = None
