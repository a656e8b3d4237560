"""Values that a person set beside the texts: which of them count, and the fleet with them.

A value counts as long as the manifest says what it said when the value was set. Whoever edits
that line has the last word, and the value ends by itself. Where the edited form was taken back to
an older one, the line of either counts: a person's value is not lost by an update that failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from orchestr8.manifest.model import Fleet, ManifestSet, Service
from orchestr8.manifest.overrides import said, value_of, with_values
from orchestr8.names import ServiceName
from orchestr8.store.interventions import Override


def counting(
    fleet: Fleet, overrides: Iterable[Override], put_off: Mapping[ServiceName, Service]
) -> tuple[Override, ...]:
    """The overrides whose manifests say what they said.

    `fleet` is as the manifests are, `put_off` the newest forms of services that were taken back.
    """
    given = tuple(overrides)
    services = fleet.services() if given else {}

    def says(one: Override) -> bool:
        forms = [form for form in (services[one.service], put_off.get(one.service)) if form]
        return any(manifest_value(form, one.path) == one.manifest_value for form in forms)

    return tuple(one for one in given if one.service in services and says(one))


def overridden(fleet: Fleet, overrides: Iterable[Override]) -> Fleet:
    """The fleet as it shall be, with these values."""
    values: dict[ServiceName, dict[str, int]] = {}
    for one in overrides:
        values.setdefault(one.service, {})[one.path] = int(one.value)
    if not values:
        return fleet

    def changed(part: ManifestSet) -> ManifestSet:
        services = (
            with_values(service, values[service.name]) if service.name in values else service
            for service in part.services
        )
        return replace(part, services=tuple(services))

    return replace(fleet, sets={name: changed(part) for name, part in fleet.sets.items()})


def manifest_value(service: Service, path: str) -> str:
    """What a manifest says at a path, as it is stored; empty is not written."""
    value = value_of(service, path)
    return "" if value is None else str(value)


def told(one: Override) -> str:
    """An override in one clause: `limits.memory.max 256MiB (its manifest says 128MiB)`."""
    says = f"says {manifest_said(one)}" if one.manifest_value else "does not say"
    return f"{one.path} {value_said(one)} (its manifest {says})"


def value_said(one: Override) -> str:
    """The value that was set, as the manifest would write it."""
    return said(one.path, int(one.value))


def manifest_said(one: Override) -> str:
    """What the manifest said when it was set."""
    return said(one.path, int(one.manifest_value) if one.manifest_value else None)
