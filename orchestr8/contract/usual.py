"""What a manifest leaves unwritten, as the version of STRICT says that its service was placed with.

So a release that changes a default changes nothing for what was placed before.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from orchestr8.isolation import strict
from orchestr8.isolation.limits import CORE_MILLICORES, Limits, filled
from orchestr8.manifest.model import ManifestSet, Service
from orchestr8.names import ServiceName

Versions = Mapping[ServiceName, int]


def version_of(service: Service, versions: Versions) -> int:
    """The version of STRICT that a service has; a fresh one gets the newest."""
    return versions.get(service.name, strict.newest())


def usual_limits(service: Service, versions: Versions) -> Limits:
    """The maxima of a service that writes none."""
    return strict.VERSIONS[version_of(service, versions)].limits


def limits_of(service: Service, versions: Versions) -> Limits:
    """A service's limits, written or not.

    A guarantee above the usual maximum is refused where it is written; one that an upgrade meets is
    the maximum, too. Dedicated cores are both.
    """
    asked, usual = service.limits, usual_limits(service, versions)
    if asked.dedicated_cores:
        whole = asked.dedicated_cores * CORE_MILLICORES
        asked = replace(asked, cpu_max_millicores=whole, cpu_guarantee_millicores=whole)
    if asked.cpu_guarantee_millicores or asked.memory_guarantee_bytes:
        usual = replace(
            usual,
            cpu_max_millicores=max(usual.cpu_max_millicores, asked.cpu_guarantee_millicores or 0),
            memory_max_bytes=max(usual.memory_max_bytes, asked.memory_guarantee_bytes or 0),
        )
    return filled(asked, usual)


def with_limits(part: ManifestSet, versions: Versions) -> ManifestSet:
    """A set with all limits as if they were written."""
    services = (replace(one, limits=limits_of(one, versions)) for one in part.services)
    return replace(part, services=tuple(services))
