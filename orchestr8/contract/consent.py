"""Who agreed: an ordered table of rules, first match wins.

Each rule says on whose word a relaxation is granted, or that nobody agreed and whom to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestr8.contract.asked import Asked
from orchestr8.contract.expiry import end_of, has_ended
from orchestr8.isolation.consent import Assessment, Consent, Danger
from orchestr8.manifest.model import Fleet, Platform, Service, Waiver
from orchestr8.names import ServiceName


@dataclass(frozen=True)
class Granted:
    """On whose word."""

    by: str


@dataclass(frozen=True)
class Denied:
    """Why not, and what the owner can do."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Question:
    """One relaxation of one service, with everything that consent depends on.

    `platform` is the part whose word counts: the one in force on a team platform, so that nobody
    widens their own permissions in the change that uses them.
    """

    service: Service
    asked: Asked
    assessment: Assessment
    fleet: Fleet
    platform: Platform
    now: datetime


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
                f"{question.asked.label} joins a service of another owner",
                "namespaces are shared between services of one owner; use a link instead",
            )


def _peer_accepts(question: Question, to: str) -> Granted | Denied:
    peer_text, _, port = to.rpartition(":")
    peer_name = ServiceName.parse(peer_text)
    own = question.service.name
    peer = question.fleet.services().get(peer_name)
    if peer is None or any(a.peer == own and str(a.port) == port for a in peer.accepts):
        return Granted(f"owner {peer_name.owner}: accepts")
    return Denied(
        f"{peer_name} does not accept {own} on port {port}",
        f"owner {peer_name.owner} may add to {peer_name.service}:  accepts: [{own}:{port}]",
    )


def _peer_shares(question: Question, shared: str) -> Granted | Denied:
    name, _, owner = shared.rpartition(".")
    own = question.service.name
    volume = question.fleet.volumes().get((owner, name))
    if volume is None or any(peer == own for peer, _mode in volume.share):
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
    if question.assessment.danger is Danger.HOST:
        return None
    for owner in question.platform.owners:
        if owner.name == question.service.name.owner and question.asked.entry.id in owner.may:
            return Granted("platform: may")
    return None


def _waiver(question: Question) -> Granted | None:
    for waiver in question.platform.waivers:
        if _covers(waiver, question):
            return Granted(f"waiver by {', '.join(sorted(set(waiver.by)))}")
    return None


def _covers(waiver: Waiver, question: Question) -> bool:
    persons = 2 if question.assessment.consent is Consent.TWO else 1
    asked = question.asked
    return (
        waiver.service == question.service.name
        and waiver.id == asked.entry.id
        and dict(waiver.arguments) == dict(asked.arguments)
        and len(set(waiver.by)) >= persons
        and not has_ended(waiver.until, question.now)
        and (not asked.until or not waiver.until or end_of(asked.until) <= end_of(waiver.until))
    )


def _nobody(question: Question) -> Denied:
    own, asked = question.service.name, question.asked
    danger = question.assessment.danger.value
    if question.assessment.consent is Consent.TWO or question.assessment.danger is Danger.HOST:
        persons = "two platform persons" if question.assessment.consent is Consent.TWO else "one"
        remedy = f"ask the platform for a waiver of {own}, approved by {persons}"
        what = f"relaxation {asked.label} needs a waiver (danger: {danger})"
    else:
        remedy = f"ask the platform to add {asked.entry.id} to what owner {own.owner} may"
        what = f"relaxation {asked.label} needs the platform's consent (danger: {danger})"
    if asked.entry.instead:
        remedy += f"; without it: {asked.entry.instead}"
    return Denied(what, remedy)
