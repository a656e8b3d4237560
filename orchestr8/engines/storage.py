"""Where a box has something of its own: scratch, secrets, volumes. Alike on every engine."""

from __future__ import annotations

from orchestr8.boxes.desired import Box
from orchestr8.isolation.profile import Scratch
from orchestr8.isolation.strict import VERSIONS

SECRETS = "/run/secrets"
PAGE_BYTES = 4096
INODES_LEAST = 256


def scratch_of(box: Box) -> tuple[Scratch, ...]:
    """The scratch of STRICT with the profile's own in its place, sorted by path."""
    profile = box.spec.profile
    merged = {item.path: item for item in VERSIONS[profile.strict].scratch}
    merged |= {item.path: item for item in profile.scratch}
    return tuple(merged[path] for path in sorted(merged))


def covered(box: Box) -> frozenset[str]:
    """The paths where a box has something of its own, so that an image's VOLUME gets nothing."""
    spec = box.spec
    return frozenset(
        {
            *(item.path for item in scratch_of(box)),
            *(volume.target for volume in spec.volumes),
            *(bind.target for bind in spec.profile.host_paths),
        }
    )
