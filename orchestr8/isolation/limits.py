"""The cgroup numbers of a box."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import asdict, replace

MIB = 1 << 20
MEMORY_LEAST_BYTES = 6 * MIB  # the least that Docker accepts
CORE_MILLICORES = 1_000


class LimitsAsked(Struct, frozen=True):
    """Limits as a manifest writes them; None means "not written".

    Cpu is in thousandths of a core, dedicated cores are whole ones, memory is in bytes, io in bytes
    a second, bandwidth in bits a second. Swap is never allowed.
    """

    cpu_max_millicores: int | None = None
    memory_max_bytes: int | None = None
    pids_max: int | None = None
    cpu_guarantee_millicores: int | None = None
    memory_guarantee_bytes: int | None = None
    io_read_bytes: int | None = None
    io_write_bytes: int | None = None
    bandwidth_out_bits: int | None = None
    bandwidth_in_bits: int | None = None
    dedicated_cores: int | None = None


class Limits(LimitsAsked, frozen=True):
    """Maxima that always hold, and guarantees that exist only where they are written."""

    cpu_max_millicores: int = 500
    memory_max_bytes: int = 128 * MIB
    pids_max: int = 256


_NOTHING = LimitsAsked()


def filled(asked: LimitsAsked, usual: Limits) -> Limits:
    """What was asked for, with the usual maxima where none was written."""
    if asked == _NOTHING:
        return usual
    written = {name: value for name, value in asdict(asked).items() if value is not None}
    return replace(usual, **written)


class Quota(Struct, frozen=True):
    """What one owner's boxes may use together; None means "no quota written"."""

    cpu_millicores: int | None = None
    memory_bytes: int | None = None
    boxes: int | None = None
    pids: int | None = None
    bandwidth_bits: int | None = None
