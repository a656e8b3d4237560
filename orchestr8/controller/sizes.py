"""Sizes of volumes that cannot be: what is there is larger, or has no size."""

from __future__ import annotations

from collections.abc import Iterable

from orchestr8 import units
from orchestr8.boxes.desired import DesiredVolume
from orchestr8.boxes.world import ObservedVolume
from orchestr8.errors import ManifestError, Problem
from orchestr8.manifest.model import Fleet
from orchestr8.planning.wording import volume_written


def require_sizes(
    fleet: Fleet, applying: str, desired: Iterable[DesiredVolume], seen: Iterable[ObservedVolume]
) -> None:
    """Raises ManifestError with every size of the applied set that its volume cannot take."""
    part = fleet.sets.get(applying)
    places = {(one.owner, one.name): one.place for one in part.volumes} if part else {}
    there = {volume.name: volume for volume in seen}
    problems = [
        Problem(places[wanted.owner, wanted.volume], *why)
        for wanted in desired
        if (wanted.owner, wanted.volume) in places
        and wanted.size_bytes is not None
        and (volume := there.get(wanted.name))
        and (why := _why_not(wanted.size_bytes, volume))
    ]
    if problems:
        raise ManifestError(tuple(problems))


def _why_not(size_bytes: int, volume: ObservedVolume) -> tuple[str, str] | None:
    name, size = volume_written(volume), units.format_size(size_bytes)
    if volume.size_bytes is None:
        return (
            f"volume {name} is there without a size, and cannot get one of {size} as it is",
            "take `size` out, or declare another volume and copy the data into it",
        )
    if size_bytes < volume.size_bytes:
        has = units.format_size(volume.size_bytes)
        return (
            f"volume {name} has {has}, and cannot shrink to {size}",
            f"write size: {has}, or declare another volume and copy the data into it",
        )
    return None
