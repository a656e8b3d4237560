"""Grant: a fleet becomes contracts, or all its problems, or all its refusals.

Read top down: what is asked, who agreed, what is left of STRICT, and what does not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestr8.contract import capacity, consent, images, paperwork
from orchestr8.contract.asked import Asked, asked_by
from orchestr8.contract.expiry import has_ended
from orchestr8.contract.model import Contract, Contracts, Egress, Gap, Grant, ImageFacts
from orchestr8.errors import ManifestError, Place, Problem, RefusedError
from orchestr8.isolation.features import ASKED_BY_STRICT, Features
from orchestr8.isolation.limits import Quota
from orchestr8.isolation.profile import Profile
from orchestr8.isolation.relaxations import Value
from orchestr8.manifest.model import Fleet, Platform, Service
from orchestr8.names import ServiceName


@dataclass(frozen=True)
class Circumstances:
    """What grant depends on beside the fleet.

    `in_force` is the fleet as it stood before this change; `applying` the set that changes, the
    only one whose refusals stop anything; `facts` are None for a check without an engine.
    """

    in_force: Fleet
    applying: str
    features: Features
    now: datetime
    facts: Mapping[str, ImageFacts] | None = None


@dataclass
class _Verdicts:
    """Problems and refusals, as they are found."""

    problems: list[Problem] = field(default_factory=list)
    refusals: list[Problem] = field(default_factory=list)


def grant(fleet: Fleet, circumstances: Circumstances) -> Contracts:
    """The contract of every service.

    Raises ManifestError with every problem, else RefusedError with every refusal, of the set that
    is being applied. Services of other sets keep what they have: a rule that changes stops nothing
    that runs.
    """
    gaps = gaps_of(circumstances.features)
    platform = _platform_that_counts(fleet, circumstances)
    verdicts = _Verdicts()
    contracts: dict[ServiceName, Contract] = {}
    for set_name, part in sorted(fleet.sets.items()):
        own = verdicts if set_name == circumstances.applying else _Verdicts()
        for service in part.services:
            contract = _contract(service, set_name, fleet, platform, circumstances, own)
            contracts[service.name] = contract
    _whole(fleet, gaps, circumstances, verdicts)
    if verdicts.problems:
        raise ManifestError(_ordered(verdicts.problems))
    if verdicts.refusals:
        raise RefusedError(_ordered(verdicts.refusals))
    stored = fleet.platform
    return Contracts(
        services=dict(sorted(contracts.items())),
        quotas=_quotas(fleet),
        gaps=gaps,
        features=circumstances.features,
        reserve_cpu_millicores=stored.reserve_cpu_millicores,
        reserve_memory_bytes=stored.reserve_memory_bytes,
        on_expiry=stored.policy.on_expiry,
    )


def gaps_of(features: Features) -> tuple[Gap, ...]:
    """What STRICT asks and this engine or host cannot carry."""
    return tuple(
        Gap(name, asked, features.why(name))
        for name, asked in sorted(ASKED_BY_STRICT.items())
        if not features.has(name)
    )


def _platform_that_counts(fleet: Fleet, circumstances: Circumstances) -> Platform:
    """On a team platform nobody widens permissions in the change that uses them."""
    before = circumstances.in_force.platform
    if before.mode == "team" or (fleet.platform.mode == "team" and circumstances.in_force.sets):
        return replace(before, mode="team")
    return fleet.platform


def _contract(
    service: Service,
    set_name: str,
    fleet: Fleet,
    platform: Platform,
    circumstances: Circumstances,
    verdicts: _Verdicts,
) -> Contract:
    profile = Profile()
    grants: list[Grant] = []
    features = circumstances.features
    for asked in asked_by(service):
        granted = _one(service, asked, fleet, platform, circumstances, verdicts)
        if granted is None:
            continue
        grants.append(granted)
        if not (granted.ended and fleet.platform.policy.on_expiry == "tighten"):
            profile = asked.entry.apply(profile, dict(asked.arguments))
    image = (circumstances.facts or {}).get(service.image)
    if image:
        verdicts.problems += images.image_problems(service, image, profile, features)
    verdicts.problems += capacity.unsupported(service, features)
    _image_policy(service, fleet.platform, verdicts)
    stopped = fleet.platform.policy.on_expiry == "stop" and any(g.ended for g in grants)
    return Contract(
        service=replace(service, replicas=0) if stopped else service,
        set_name=set_name,
        profile=profile,
        limits=service.limits,
        grants=tuple(grants),
        notes=tuple(capacity.degraded(service, features)),
        egress=_egress(grants),
        image=image,
        fixed_id=_fixed_id(grants),
    )


def _one(
    service: Service,
    asked: Asked,
    fleet: Fleet,
    platform: Platform,
    circumstances: Circumstances,
    verdicts: _Verdicts,
) -> Grant | None:
    """One relaxation: granted, or its refusals noted."""
    user_namespace = circumstances.features.has("ns.user")
    assessment = asked.entry.assess(dict(asked.arguments), user_namespace)
    policy, now = fleet.platform.policy, circumstances.now
    question = consent.Question(service, asked, assessment, fleet, platform, now)
    answer = consent.decide(question)
    owed = tuple(paperwork.missing(asked, assessment.danger, policy))
    verdicts.problems += (Problem(asked.place, one.what, one.remedy) for one in owed)
    out_of_time = paperwork.out_of_time(asked, assessment.danger, policy, now)
    if out_of_time and not _held_before(service, asked, circumstances.in_force):
        verdicts.refusals.append(Problem(asked.place, out_of_time.what, out_of_time.remedy))
    if isinstance(answer, consent.Denied):
        verdicts.refusals.append(Problem(asked.place, answer.what, answer.remedy))
        return None
    return Grant(
        id=asked.entry.id,
        arguments=asked.arguments,
        danger=assessment.danger,
        consent=assessment.consent,
        by=answer.by,
        why=asked.why,
        until=asked.until,
        ended=has_ended(asked.until, now),
        implied=asked.implied,
    )


def _held_before(service: Service, asked: Asked, in_force: Fleet) -> bool:
    """Whether this very line was in force: then its end keeps what runs, and places nothing new."""
    before = in_force.services().get(service.name)
    return before is not None and any(
        line.id == asked.entry.id
        and line.arguments == asked.arguments
        and line.until == asked.until
        for line in before.relax
    )


def _image_policy(service: Service, platform: Platform, verdicts: _Verdicts) -> None:
    policy = platform.policy
    if policy.digests_required and "@" not in service.image:
        verdicts.refusals.append(
            Problem(
                service.place("image"),
                f"image {service.image} is named by tag, and the policy demands digests",
                "write name:tag@sha256:…",
            )
        )
    registry, slash, _ = service.image.partition("/")
    known = registry if slash and ("." in registry or ":" in registry) else "docker.io"
    if policy.registries is not None and known not in policy.registries:
        verdicts.refusals.append(
            Problem(
                service.place("image"),
                f"image {service.image} comes from {known}; the policy allows "
                f"{', '.join(policy.registries) or 'none'}",
                "use an image from one of them, or ask the platform",
            )
        )


def _whole(
    fleet: Fleet, gaps: tuple[Gap, ...], circumstances: Circumstances, verdicts: _Verdicts
) -> None:
    """What concerns the set as a whole: its platform part, owners, quotas, forbidden gaps."""
    part = fleet.sets.get(circumstances.applying)
    if part is None:
        return
    others = [name for name, one in fleet.sets.items() if one.platform and one is not part]
    if part.platform and others:
        verdicts.refusals.append(
            Problem(
                Place("platform"),
                f'the set "{circumstances.applying}" carries a platform part, and the platform\'s '
                f'own set is "{others[0]}"',
                f"apply the platform's part with --set {others[0]}",
            )
        )
    owners = {owner.name: owner for owner in fleet.platform.owners}
    by_owner: dict[str, list[Service]] = {}
    for service in part.services:
        by_owner.setdefault(service.name.owner, []).append(service)
    for owner_name, services in sorted(by_owner.items()):
        owner = owners.get(owner_name)
        if owner is None and (owners or fleet.platform.mode == "team"):
            verdicts.refusals.append(
                Problem(
                    services[0].place(""),
                    f"the platform knows no owner {owner_name}",
                    f"ask the platform to add it:  platform: {{owners: {{{owner_name}: {{}}}}}}",
                )
            )
        quota = owner.quota if owner else Quota()
        verdicts.refusals += capacity.over_quota(owner_name, services, quota)
    forbidden = [gap for gap in gaps if gap.feature in fleet.platform.policy.gaps_forbidden]
    for gap in forbidden if part.services else ():
        verdicts.refusals.append(
            Problem(
                part.services[0].place(""),
                f"the policy forbids the gap {gap.feature}: {gap.asked}; {gap.why}",
                "use an engine that carries it, or ask the platform",
            )
        )


def _quotas(fleet: Fleet) -> dict[str, Quota]:
    """Every owner that has services, with its quota; no platform line means no quota."""
    quotas = {owner.name: owner.quota for owner in fleet.platform.owners}
    names = {service.owner for service in fleet.services()}
    return {name: quotas.get(name, Quota()) for name in sorted(names)}


def _egress(grants: Iterable[Grant]) -> tuple[Egress, ...]:
    def texts(value: Value) -> tuple[str, ...]:
        return tuple(str(v) for v in value) if isinstance(value, tuple) else (str(value),)

    return tuple(
        Egress(texts(given["to"]), tuple(int(port) for port in texts(given["ports"])))
        for one in grants
        if one.id == "net.egress"
        for given in (dict(one.arguments),)
    )


def _fixed_id(grants: Iterable[Grant]) -> str:
    for one in grants:
        if one.id == "user.fixed":
            return str(dict(one.arguments)["id"])
        if one.id == "user.root":
            return "0:0"
    return ""


def _ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(set(problems), key=lambda one: (one.place, one.what)))
