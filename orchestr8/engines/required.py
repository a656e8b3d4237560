"""What a box asks of its engine: an engine without it makes no such box, and never a weaker one."""

from __future__ import annotations

from collections.abc import Sequence

from orchestr8.boxes.desired import Box
from orchestr8.errors import FeatureMissingError, RejectedError
from orchestr8.isolation import features
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import Limits
from orchestr8.units import format_cores


def require_features(box: Box, present: Features) -> None:
    """Raises FeatureMissingError, with the reason, for the first thing that is not enforced here.

    What STRICT asks and an engine lacks is a gap and no error, so it is not among these.
    """
    profile = box.spec.profile
    _require(
        {
            features.SHARED_NAMESPACES: bool(box.joins),
            features.DEVICES: bool(profile.devices),
            features.HOST_PATHS: bool(profile.host_paths),
            features.NETWORK: box.spec.networked,
            features.OWNER_IDMAP: any(one.owner_uid != box.spec.uid for one in box.spec.volumes),
        },
        present,
    )
    require_limits(box.limits, present)
    require_cores(box.cores, present)
    asked = box.limits.dedicated_cores
    if asked and len(box.cores) != asked:
        raise RejectedError(
            f"box {box.id} shall have {asked} of the cores for itself, and is given "
            f"{format_cores(box.cores) or 'none'}",
            "report this as a fault of orchestr8",
        )


def require_cores(cores: Sequence[int], present: Features) -> None:
    """Raises FeatureMissingError where no box can be held to some cores, and RejectedError for
    cores that are not there."""
    _require({features.CORES: bool(cores)}, present)
    absent = set(cores).difference(present.cores)
    if absent:
        raise RejectedError(
            f"boxes cannot have the cores {format_cores(absent)} here",
            f"there are {format_cores(present.cores)}",
        )


def require_limits(limits: Limits, present: Features) -> None:
    """Raises FeatureMissingError for a limit that nothing enforces here.

    Guarantees are not among these: where no control file carries them they count at admission.
    """
    _require(
        {
            features.IO: bool(limits.io_read_bytes or limits.io_write_bytes),
            features.CORES: bool(limits.dedicated_cores),
            features.BANDWIDTH: bool(limits.bandwidth_in_bits or limits.bandwidth_out_bits),
        },
        present,
    )


def _require(asked: dict[str, bool], present: Features) -> None:
    for feature, needed in asked.items():
        if needed and not present.has(feature):
            raise FeatureMissingError(
                f"the engine {present.engine} cannot enforce {feature}: {present.why(feature)}"
            )
