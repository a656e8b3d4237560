"""What the platform demands of a set as a whole: images, owners, quotas, gaps, its own part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestr8.contract import capacity
from orchestr8.contract.model import Gap
from orchestr8.errors import Place, Problem
from orchestr8.isolation import features as feature
from orchestr8.isolation.features import Features
from orchestr8.manifest.model import Fleet, ManifestSet, Platform, Policy, Service

DEFAULT_REGISTRY = "docker.io"


def refused_image(service: Service, policy: Policy) -> Iterator[Problem]:
    """What the policy has against the way in which an image is named."""
    if policy.digests_required and "@" not in service.image:
        yield Problem(
            service.place("image"),
            f"image {service.image} is named by tag, and the policy demands digests",
            "write name:tag@sha256:…",
        )
    registry, path = _registry_and_path(service.image)
    if policy.registries is not None and not any(
        f"{registry}/{path}".startswith(f"{allowed}/") for allowed in policy.registries
    ):
        yield Problem(
            service.place("image"),
            f"image {service.image} comes from {registry}; the policy allows "
            f"{', '.join(policy.registries) or 'none'}",
            "use an image from one of them, or ask the platform",
        )


def _registry_and_path(image: str) -> tuple[str, str]:
    """The first part is a registry if it cannot be a name; else the engines' own default is."""
    first, slash, rest = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return DEFAULT_REGISTRY, image


def unknown_owners(part: ManifestSet, fleet: Fleet) -> Iterator[Problem]:
    """Owners that the platform does not know, where it names its owners or did so once."""
    platform = fleet.platform
    known = {owner.name for owner in platform.owners}
    if not known and platform.mode == "solo":
        return
    for name, services in _by_owner(part).items():
        if name not in known:
            yield _unknown_owner(name, services[0].place(""), fleet)


def _unknown_owner(name: str, place: Place, fleet: Fleet) -> Problem:
    what, part = f"the platform knows no owner {name}", f"platform: {{owners: {{{name}: {{}}}}}}"
    if not fleet.platform_is_gone:
        return Problem(place, what, f"ask the platform to add it:  {part}")
    return Problem(
        place,
        f"{what} any more: its part was removed with its set",
        f"apply a file with  {{orchestr8: 1, {part}}}  or, where one person runs this machine,  "
        "{orchestr8: 1, platform: {mode: solo}}",
    )


def over_quotas(part: ManifestSet, platform: Platform) -> Iterator[Problem]:
    """What asks for more than its owner's quota ever gives."""
    quotas = {owner.name: owner.quota for owner in platform.owners}
    for name, services in _by_owner(part).items():
        if name in quotas:
            yield from capacity.over_quota(name, services, quotas[name])


def _by_owner(part: ManifestSet) -> dict[str, list[Service]]:
    found: dict[str, list[Service]] = {}
    for service in part.services:
        found.setdefault(service.name.owner, []).append(service)
    return dict(sorted(found.items()))


def refused_gaps(part: ManifestSet, gaps: Sequence[Gap], policy: Policy) -> Iterator[Problem]:
    """The gaps of this engine and host that the policy does not put up with."""
    for gap in gaps if part.services else ():
        if gap.feature in policy.gaps_forbidden:
            yield Problem(
                part.services[0].place(""),
                f"the policy forbids the gap {gap.feature}: {gap.asked}; {gap.why}",
                "use an engine that carries it, or ask the platform",
            )


def misplaced_platform(fleet: Fleet, set_name: str) -> Iterator[Problem]:
    """A platform part in a set that is not the platform's own."""
    platform = fleet.sets[set_name].platform
    others = [name for name, one in fleet.sets.items() if one.platform and name != set_name]
    if platform and others:
        yield Problem(
            _place_of(platform),
            f'the set "{set_name}" carries a platform part, and the platform\'s own set is '
            f'"{others[0]}"',
            f"apply the platform's part with --set {others[0]}",
        )


def _place_of(platform: Platform) -> Place:
    places = [one.place for one in platform.owners] + [one.place for one in platform.waivers]
    return Place(min(places).file) if places else Place("platform")


def unenforced_quotas(platform: Platform, features: Features) -> Iterator[Problem]:
    """Quotas that this engine or host cannot enforce; nothing is dropped in silence."""
    for owner in platform.owners:
        quota = owner.quota
        keys = (
            ("cpu", feature.QUOTA, quota.cpu_millicores),
            ("memory", feature.QUOTA, quota.memory_bytes),
            ("pids", feature.QUOTA, quota.pids),
            ("bandwidth", feature.BANDWIDTH, quota.bandwidth_bits),
        )
        for key, needed, written in keys:
            if written is not None and not features.has(needed):
                yield Problem(
                    owner.place,
                    f"the engine {features.engine} cannot enforce quota.{key} of owner "
                    f"{owner.name}{capacity.because(features, needed)}",
                    "take the key out, or use an engine that can",
                )
