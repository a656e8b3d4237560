"""Who agreed: an ordered table of rules, first match wins.

Each rule says on whose word a relaxation is granted, or that nobody agreed and whom to ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from orchestr8.contract.asked import Asked, labelled
from orchestr8.contract.expiry import end_of, has_ended
from orchestr8.isolation.consent import Assessment, Consent, Danger
from orchestr8.manifest.model import Platform, Service, Volume, Waiver
from orchestr8.names import ServiceName


class Granted(Struct, frozen=True):
    """On whose word, and until when that word holds."""

    by: str
    until: str = ""


class Denied(Struct, frozen=True):
    """Why not, and what the owner can do."""

    what: str
    remedy: str


class Peers(Struct, frozen=True):
    """What other owners declare: their services by name, their volumes by owner and name."""

    services: Mapping[ServiceName, Service]
    volumes: Mapping[tuple[str, str], Volume]


class Question(Struct, frozen=True):
    """One relaxation of one service, with everything that consent depends on.

    `platform` is the part whose word counts. `held` says that this very line was in force before:
    then a waiver that has ended still keeps what runs.
    """

    service: Service
    asked: Asked
    assessment: Assessment
    peers: Peers
    platform: Platform
    now: datetime
    held: bool = False


def decide(question: Question) -> Granted | Denied:
    """Whether everybody who has a say agreed."""
    for rule in (_owner, _peer, _self_approved, _may, _waiver):
        answer = rule(question)
        if answer:
            return answer
    return _nobody(question)


def _owner(question: Question) -> Granted | None:
    consent = question.assessment.consent
    own_peer = question.asked.peer in ("", question.service.name.owner)
    if consent is Consent.OWNER or (consent is Consent.PEER and own_peer):
        return Granted(f"owner {question.service.name.owner}")
    return None


def _peer(question: Question) -> Granted | Denied | None:
    if question.assessment.consent is not Consent.PEER:
        return None
    arguments = dict(question.asked.arguments)
    match question.asked.entry.id:
        case "net.link":
            return _peer_accepts(question, str(arguments["to"]))
        case "fs.volume.shared":
            return _peer_shares(question, str(arguments["name"]))
        case _:
            return Denied(
                f"relaxation {question.asked.label} joins a service of another owner",
                "namespaces are shared between services of one owner; use a link instead",
            )


def _peer_accepts(question: Question, to: str) -> Granted | Denied:
    peer_text, _, port = to.rpartition(":")
    peer_name = ServiceName.parse(peer_text)
    own = question.service.name
    peer = question.peers.services.get(peer_name)
    if peer is None:
        return Granted(f"owner {peer_name.owner}: not known here")
    if any(a.peer == own and str(a.port) == port for a in peer.accepts):
        return Granted(f"owner {peer_name.owner}: accepts")
    return Denied(
        f"{peer_name} does not accept {own} on port {port}",
        f"owner {peer_name.owner} may add to {peer_name.service}:  accepts: [{own}:{port}]",
    )


def _peer_shares(question: Question, shared: str) -> Granted | Denied:
    name, _, owner = shared.rpartition(".")
    own = question.service.name
    volume = question.peers.volumes.get((owner, name))
    if volume is None:
        return Granted(f"owner {owner}: not known here")
    if any(peer == own for peer, _mode in volume.share):
        return Granted(f"owner {owner}: share")
    return Denied(
        f"volume {name} of owner {owner} is not shared with {own}",
        f"owner {owner} may write:  volumes: {{{name}: {{share: {{{own}: ro}}}}}}",
    )


def _self_approved(question: Question) -> Granted | None:
    if question.platform.mode != "solo":
        return None
    two = question.assessment.consent is Consent.TWO
    return Granted("self-approved" + (" (a second person is waived: solo platform)" if two else ""))


def _may(question: Question) -> Granted | None:
    assessment = question.assessment
    if assessment.danger is Danger.HOST or assessment.consent is Consent.TWO:
        return None
    for owner in question.platform.owners:
        if owner.name == question.service.name.owner and question.asked.entry.id in owner.may:
            return Granted("platform: may")
    return None


def _waiver(question: Question) -> Granted | None:
    covering = [
        waiver
        for waiver in question.platform.waivers
        if _is_meant(waiver, question) and not any(_flaws(waiver, question))
    ]
    if not covering:
        return None
    latest = max(covering, key=lambda waiver: end_of(waiver.until))
    return Granted(f"waiver by {', '.join(sorted(set(latest.by)))}", latest.until)


def _is_meant(waiver: Waiver, question: Question) -> bool:
    return waiver.service == question.service.name and waiver.id == question.asked.entry.id


def _flaws(waiver: Waiver, question: Question) -> Iterator[str]:
    """Why a waiver of this relaxation of this service does not cover it, the plainest first."""
    asked, by = question.asked, sorted(set(waiver.by))
    if dict(waiver.arguments) != dict(asked.arguments):
        yield f"is for {labelled(asked.entry, waiver.arguments)}"
    if question.assessment.consent is Consent.TWO and len(by) < 2:
        yield f"is approved by {by[0] if by else 'nobody'} alone"
    elif not by:
        yield "is approved by nobody"
    if has_ended(waiver.until, question.now) and not question.held:
        yield f"ended {waiver.until}"
    elif asked.until and end_of(asked.until) > end_of(waiver.until):
        yield f"ends {waiver.until}, before the relaxation does ({asked.until})"


def _nobody(question: Question) -> Denied:
    own, asked, assessment = question.service.name, question.asked, question.assessment
    danger = assessment.danger.value
    if assessment.consent is Consent.TWO or assessment.danger is Danger.HOST:
        persons = "two platform persons" if assessment.consent is Consent.TWO else "one"
        remedy = f"ask the platform for a waiver of {own}, approved by {persons}"
        what = f"relaxation {asked.label} needs a waiver (danger: {danger})"
    else:
        remedy = f"ask the platform to add {asked.entry.id} to what owner {own.owner} may"
        what = f"relaxation {asked.label} needs the platform's consent (danger: {danger})"
    near = next(_near_misses(question), "")
    if near:
        what += f"; {near}"
    if asked.entry.instead:
        remedy += f"; without it: {asked.entry.instead}"
    return Denied(what, remedy)


def _near_misses(question: Question) -> Iterator[str]:
    """The waivers that were perhaps meant, those with the right arguments first."""
    meant = [one for one in question.platform.waivers if _is_meant(one, question)]
    given = dict(question.asked.arguments)
    for waiver in sorted(meant, key=lambda one: dict(one.arguments) != given):
        yield f"the waiver in {waiver.place} {next(_flaws(waiver, question))}"
