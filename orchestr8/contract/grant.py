"""Grant: a fleet becomes contracts, or all its problems, or all its refusals.

Read top down: whose word counts, what is asked, who agreed, what is left of STRICT, and what does
not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.alike import first
from orchestr8.contract import capacity, consent, images, paperwork, policy, usual
from orchestr8.contract.asked import Asked, asked_by
from orchestr8.contract.consent import Denied
from orchestr8.contract.danger import assess
from orchestr8.contract.expiry import end_of, has_ended
from orchestr8.contract.model import Contract, Contracts, Egress, Gap, Grant, ImageFacts
from orchestr8.errors import ManifestError, Problem, RefusedError
from orchestr8.isolation.consent import Assessment
from orchestr8.isolation.features import ASKED_BY_STRICT, NS_USER, Features
from orchestr8.isolation.limits import Quota
from orchestr8.isolation.profile import Profile
from orchestr8.isolation.relaxations import Value
from orchestr8.manifest.model import Fleet, Link, ManifestSet, Platform, Service
from orchestr8.names import ServiceName


class Circumstances(Struct, frozen=True):
    """What grant depends on beside the fleet.

    `in_force` is the fleet as it stood before this change; `applying` the set that changes, the
    only one whose refusals stop anything; `facts` are None for a check without an engine. `strict`
    is the version with which each service was placed; a fresh one gets the newest.
    """

    in_force: Fleet
    applying: str
    features: Features
    now: datetime
    facts: Mapping[ServiceName, ImageFacts] | None = None
    strict: Mapping[ServiceName, int] = MappingProxyType({})


class _Verdicts:
    """Problems and refusals, as they are found."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.refusals: list[Problem] = []


class _Hearing(Struct, frozen=True):
    """One pass over the fleet under the platform part whose word counts in it."""

    fleet: Fleet
    circumstances: Circumstances
    platform: Platform
    peers: consent.Peers
    held: Mapping[ServiceName, Service]
    """The services as they were in force before."""
    only_new: bool = False
    """Whether lines that were in force before are left alone."""


def grant(fleet: Fleet, circumstances: Circumstances) -> Contracts:
    """The contract of every service.

    Raises ManifestError with every problem, else RefusedError with every refusal, of the set that
    is being applied. Services of other sets keep what they have: a rule that changes stops nothing
    that runs.
    """
    platform = fleet.platform
    peers = consent.Peers(fleet.services(), fleet.volumes())
    held = circumstances.in_force.services()
    hearing = _Hearing(fleet, circumstances, platform, peers, held)
    verdicts = _Verdicts()
    contracts: dict[ServiceName, Contract] = {}
    tied: list[ServiceName] = []
    for set_name, part in sorted(fleet.sets.items()):
        for service in part.services:
            contract = contracts[service.name] = _contract(hearing, service, set_name, verdicts)
            if contract.is_tied:
                tied.append(service.name)
    _whole(hearing, verdicts)
    in_force = _platform_in_force(platform, circumstances)
    if in_force:
        _hear_again(replace(hearing, platform=in_force, only_new=True), verdicts)
    _own_part(hearing, verdicts)
    if verdicts.problems:
        raise ManifestError(_ordered(verdicts.problems))
    if verdicts.refusals:
        raise RefusedError(_ordered(verdicts.refusals))
    return Contracts(
        services=dict(sorted(contracts.items())),
        quotas=_quotas(fleet),
        gaps=gaps_of(circumstances.features),
        features=circumstances.features,
        tied=tuple(sorted(tied)),
        reserve_cpu_millicores=platform.reserve_cpu_millicores,
        reserve_memory_bytes=platform.reserve_memory_bytes,
        on_expiry=platform.policy.on_expiry,
    )


def gaps_of(features: Features) -> tuple[Gap, ...]:
    """What STRICT asks and this engine or host cannot carry."""
    return tuple(
        Gap(name, asked, features.why(name))
        for name, asked in sorted(ASKED_BY_STRICT.items())
        if not features.has(name)
    )


def _platform_in_force(platform: Platform, circumstances: Circumstances) -> Platform | None:
    """The part before this change, where its word counts beside the new one's.

    On a team platform nobody widens permissions in the change that uses them, the first change of
    all included. Where no fleet is at hand, the part that is checked is the only one.
    """
    in_force = circumstances.in_force
    before = in_force.platform
    if before == platform or before.mode == platform.mode == "solo":
        return None
    if circumstances.facts is None and not in_force.sets and not in_force.platform_stored:
        return None
    return replace(before, mode="team")


def _hear_again(hearing: _Hearing, verdicts: _Verdicts) -> None:
    """What the part in force has against the change, where the new part has nothing."""
    earlier = _Verdicts()
    part = hearing.fleet.sets.get(hearing.circumstances.applying, ManifestSet())
    for service in part.services:
        if service != hearing.held.get(service.name):
            _contract(hearing, service, hearing.circumstances.applying, earlier)
    _whole(hearing, earlier)
    pairs = (
        (earlier.problems, verdicts.problems),
        (earlier.refusals, verdicts.refusals),
    )
    for before, after in pairs:
        places = {one.place for one in after}
        after += (
            replace(
                one,
                remedy="what this change to the platform's part allows counts from the next apply "
                "on: apply it first, with the services as they are",
            )
            for one in before
            if one.place not in places
        )


def _contract(hearing: _Hearing, service: Service, set_name: str, verdicts: _Verdicts) -> Contract:
    """One service's contract; its verdicts are noted if it is of the set that is applied."""
    applying = set_name == hearing.circumstances.applying
    features, rules = hearing.circumstances.features, hearing.platform.policy
    versions = hearing.circumstances.strict
    profile = Profile(strict=usual.version_of(service, versions))
    grants: list[Grant] = []
    in_effect: list[Grant] = []
    closed: list[Link] = []
    for asked in asked_by(service):
        given = _one(hearing, service, asked, verdicts if applying else None)
        if given is not None:
            grants.append(given)
            if not (given.has_passed and rules.on_expiry == "tighten"):
                in_effect.append(given)
                profile = asked.entry.apply(profile, dict(asked.arguments))
        elif asked.entry.id == "net.link":
            closed.append(service.connects[int(asked.path.rpartition(".")[2])])
    image = (hearing.circumstances.facts or {}).get(service.name)
    if applying:
        verdicts.refusals += policy.refused_image(service, rules)
    if applying and not hearing.only_new:
        verdicts.problems += capacity.above_the_usual(
            service, usual.usual_limits(service, versions)
        )
        verdicts.problems += capacity.unsupported(service, features)
        volumes = hearing.peers.volumes
        verdicts.problems += capacity.unsupported_volumes(service, volumes, features)
        if image:
            verdicts.problems += images.image_problems(service, image, profile, features)
    stopped = rules.on_expiry == "stop" and any(one.has_passed for one in grants)
    return Contract(
        service=replace(service, replicas=0, standby=0) if stopped else service,
        set_name=set_name,
        profile=first(profile),
        limits=first(usual.limits_of(service, versions)),
        grants=tuple(grants),
        notes=tuple(capacity.degraded(service, features)),
        egress=_egress(in_effect),
        image=image,
        fixed_id=_fixed_id(in_effect),
        links_closed=tuple(closed),
        ended=tuple(one for one in grants if one.ended),
    )


def _one(
    hearing: _Hearing, service: Service, asked: Asked, verdicts: _Verdicts | None
) -> Grant | None:
    """One relaxation: granted, or its refusals noted.

    Of a service that is not being applied (no verdicts) nothing is refused: what nobody agrees to
    any more is kept and flagged. Only a link is closed by its other side at once.
    """
    circumstances, rules = hearing.circumstances, hearing.platform.policy
    now, place = circumstances.now, asked.path
    before = hearing.held.get(service.name)
    if hearing.only_new and before and any(_same_line(asked, one) for one in asked_by(before)):
        return None
    asked, assessment = assess(service, asked, circumstances.features.has(NS_USER))
    held = _held_before(before, asked)
    question = consent.Question(
        service, asked, assessment, hearing.peers, hearing.platform, now, held
    )
    answer = consent.decide(question)
    if verdicts is not None:
        owed = paperwork.missing(asked, assessment.danger, rules)
        verdicts.problems += (Problem(service.place(place), d.what, d.remedy) for d in owed)
        late = paperwork.out_of_time(asked, assessment.danger, rules, now)
        denied = (late if not held else None, answer if isinstance(answer, Denied) else None)
        verdicts.refusals += (Problem(service.place(place), d.what, d.remedy) for d in denied if d)
    if not isinstance(answer, Denied):
        until = _earlier(asked.until, answer.until)
        return _noted(asked, assessment, answer.by, until, has_ended(until, now))
    if verdicts is not None or asked.entry.id == "net.link":
        return None
    kept = _noted(asked, assessment, "nobody any more", asked.until, True)
    return replace(kept, withdrawn=answer.what)


def _noted(asked: Asked, assessment: Assessment, by: str, until: str, ended: bool) -> Grant:
    return Grant(
        asked.entry.id,
        asked.arguments,
        assessment.danger,
        assessment.consent,
        by,
        asked.why,
        until,
        ended,
        asked.implied,
    )


def _earlier(one: str, other: str) -> str:
    ends = [until for until in (one, other) if until]
    return min(ends, key=end_of) if ends else ""


def _held_before(before: Service | None, asked: Asked) -> bool:
    """Whether this very line was in force: then its end keeps what runs, and places nothing new."""
    return before is not None and any(
        line.id == asked.entry.id
        and line.arguments == asked.arguments
        and line.until == asked.until
        for line in before.relax
    )


def _same_line(one: Asked, other: Asked) -> bool:
    """Whether two requests ask for the same, whatever they say of the reason."""
    return (
        one.entry.id == other.entry.id
        and one.arguments == other.arguments
        and one.until == other.until
    )


def _whole(hearing: _Hearing, verdicts: _Verdicts) -> None:
    """What the platform part has against the set as a whole."""
    part = hearing.fleet.sets.get(hearing.circumstances.applying)
    if part:
        gaps = gaps_of(hearing.circumstances.features)
        whole = usual.with_limits(part, hearing.circumstances.strict)
        verdicts.refusals += policy.over_quotas(whole, hearing.platform)
        verdicts.refusals += policy.refused_gaps(part, gaps, hearing.platform.policy)


def _own_part(hearing: _Hearing, verdicts: _Verdicts) -> None:
    """What only the new part judges: its own content, and which owners there are."""
    applying = hearing.circumstances.applying
    part = hearing.fleet.sets.get(applying)
    if part:
        verdicts.refusals += policy.unknown_owners(part, hearing.fleet)
    if part and part.platform:
        features = hearing.circumstances.features
        verdicts.problems += policy.unenforced_quotas(part.platform, features)
        verdicts.refusals += policy.misplaced_platform(hearing.fleet, applying)


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
