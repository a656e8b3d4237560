"""Fleets in brief: a few words of YAML become contracts, as the stages before would give them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from orchestr8 import units
from orchestr8.contract.model import Contract, Contracts, Egress, Grant, ImageFacts
from orchestr8.engines.memory.machine import machine_features
from orchestr8.isolation.consent import Consent, Danger
from orchestr8.isolation.features import Features
from orchestr8.isolation.limits import CORE_MILLICORES, Limits, Quota
from orchestr8.isolation.profile import Profile
from orchestr8.manifest.model import (
    CommandCheck,
    FileMount,
    Health,
    HttpCheck,
    Link,
    Publish,
    Service,
    Stop,
    TcpCheck,
    Update,
    Volume,
    VolumeMount,
)
from orchestr8.names import ServiceName

Brief = Mapping[str, Any]


@dataclass(frozen=True)
class Fleet:
    """What the planning stage is given, less the records."""

    contracts: Contracts
    volumes: Mapping[tuple[str, str], Volume] = field(default_factory=dict)
    digests: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    images: tuple[ImageFacts, ...] = ()


def fleet(
    brief: Brief, features: Features | None = None, image_facts: ImageFacts | None = None
) -> Fleet:
    """Reads a fleet in brief; unknown words are an error, so that no case tests nothing.

    With `image_facts` every service has this one image.
    """
    _check(brief, "services", "volumes", "owners", "reserve", "missing", "rewritten", "on_expiry")
    services = {
        ServiceName.parse(name): _contract(ServiceName.parse(name), words or {}, image_facts)
        for name, words in (brief.get("services") or {}).items()
    }
    missing, rewritten = set(brief.get("missing", ())), set(brief.get("rewritten", ()))
    digests = {
        key: _digest("/".join((*key, *(["anew"] if key[-1] in rewritten else []))))
        for contract in services.values()
        for key in _contents(contract)
        if key[-1] not in missing
    }
    reserve = brief.get("reserve", {})
    contracts = Contracts(
        services=dict(sorted(services.items())),
        quotas=_quotas(services, brief.get("owners", {})),
        gaps=(),
        features=features or machine_features(),
        tied=tuple(sorted(name for name, contract in services.items() if contract.is_tied)),
        reserve_cpu_millicores=units.parse_cpu(str(reserve.get("cpu", "0.25"))),
        reserve_memory_bytes=units.parse_size(reserve.get("memory", "512MiB")),
        on_expiry=brief.get("on_expiry", "keep"),
    )
    images = {one.image.reference: one.image for one in services.values() if one.image}
    return Fleet(contracts, _volumes(brief.get("volumes", {})), digests, tuple(images.values()))


def image(reference: str) -> ImageFacts:
    """An image whose id follows from its name."""
    return ImageFacts(reference, f"sha256:{_digest(reference)}", entrypoint=("/run",), cmd=("all",))


def _contract(name: ServiceName, words: Brief, facts: ImageFacts | None) -> Contract:
    _check(
        words, "image", "replicas", "args", "entrypoint", "env", "workdir", "files", "secrets",
        "connects", "accepts", "publish", "health", "after", "volumes", "limits", "run", "update",
        "stop", "ended", "withdrawn", "closed", "egress", "share", "user", "notes", "set",
        "image_env", "standby",
    )  # fmt: skip
    reference = words.get("image", f"{name.service}:1")
    service = Service(
        name=name,
        image=reference,
        run_once=words.get("run") == "once",
        entrypoint=tuple(words["entrypoint"]) if "entrypoint" in words else None,
        args=tuple(words["args"]) if "args" in words else None,
        env=tuple(sorted(words.get("env", {}).items())),
        workdir=words.get("workdir", ""),
        files=tuple(FileMount(*pair) for pair in words.get("files", {}).items()),
        secrets=tuple(words.get("secrets", ())),
        replicas=words.get("replicas", 1),
        standby=words.get("standby", 0),
        after=tuple(ServiceName.parse(peer, name.owner) for peer in words.get("after", ())),
        limits=_limits(words.get("limits", {})),
        volumes=tuple(_mount(name, *pair) for pair in words.get("volumes", {}).items()),
        accepts=tuple(_link(text, name) for text in words.get("accepts", ())),
        connects=tuple(_link(text, name) for text in words.get("connects", ())),
        publish=tuple(_publish(*pair) for pair in words.get("publish", {}).items()),
        health=_health(words["health"]) if "health" in words else None,
        stop=Stop(**words.get("stop", {})),
        update=Update(**words.get("update", {})),
    )
    user = words.get("user", "private")
    share = words.get("share", {})
    profile = Profile(
        user=user if user == "private" else "fixed",
        image_env=tuple(words.get("image_env", ())),
        **share,
    )
    ended = _ended_grants(words)
    return Contract(
        service=service,
        set_name=words.get("set", "default"),
        profile=profile,
        limits=service.limits,
        grants=ended,
        ended=ended,
        links_closed=tuple(_link(text, name) for text in words.get("closed", ())),
        notes=tuple(words.get("notes", ())),
        egress=tuple(_egress(one) for one in words.get("egress", ())),
        image=facts or image(reference),
        fixed_id="" if user == "private" else user,
    )


def _limits(words: Brief) -> Limits:
    _check(words, "memory", "cpu", "pids", "memory guarantee", "cpu guarantee", "dedicated")
    default, dedicated = Limits(), words.get("dedicated")
    whole = None if dedicated is None else dedicated * CORE_MILLICORES
    return Limits(
        cpu_max_millicores=whole or _cpu(words, "cpu") or default.cpu_max_millicores,
        memory_max_bytes=_size(words, "memory") or default.memory_max_bytes,
        pids_max=words.get("pids", default.pids_max),
        cpu_guarantee_millicores=whole or _cpu(words, "cpu guarantee"),
        memory_guarantee_bytes=_size(words, "memory guarantee"),
        dedicated_cores=dedicated,
    )


def quota(words: Brief) -> Quota:
    """A quota in the manifest's words."""
    _check(words, "memory", "cpu", "pids", "boxes")
    return Quota(_cpu(words, "cpu"), _size(words, "memory"), words.get("boxes"), words.get("pids"))


def _quotas(services: Mapping[ServiceName, Contract], owners: Brief) -> dict[str, Quota]:
    found = {name.owner: Quota() for name in services}
    return found | {owner: quota(words) for owner, words in owners.items()}


def _health(words: Brief) -> Health:
    times = {f"{key}_ms": units.parse_time(words[key]) for key in ("within",) if key in words}
    if "http" in words:
        return Health(HttpCheck(words["http"], "/"), **times)
    if "tcp" in words:
        return Health(TcpCheck(words["tcp"]), **times)
    return Health(CommandCheck(tuple(words["command"])), **times)


def _link(text: str, name: ServiceName) -> Link:
    peer, _, port = text.partition(":")
    return Link(ServiceName.parse(peer, name.owner), int(port))


def _publish(where: str, port: int) -> Publish:
    address, _, host_port = where.rpartition(":")
    return Publish(address, int(host_port), port)


def _egress(words: Brief) -> Egress:
    return Egress(tuple(words["to"]), tuple(words["ports"]))


def _mount(name: ServiceName, target: str, text: str) -> VolumeMount:
    volume, _, owner = text.partition(".")
    return VolumeMount(target, volume, owner or name.owner)


def _volumes(words: Brief) -> dict[tuple[str, str], Volume]:
    found = {}
    for name, about in words.items():
        volume, _, owner = name.partition(".")
        share = about.get("share", {})
        shared = tuple((ServiceName.parse(peer, owner), mode) for peer, mode in share.items())
        size = units.parse_size(about["size"]) if "size" in about else None
        found[owner, volume] = Volume(volume, owner, size, shared)
    return found


def _contents(contract: Contract) -> list[tuple[str, ...]]:
    name = contract.name
    files = [("file", name.owner, name.service, file.source) for file in contract.service.files]
    secrets = [("secret", contract.name.owner, one) for one in contract.service.secrets]
    return [*files, *secrets]


def _ended_grants(words: Brief) -> tuple[Grant, ...]:
    """Relaxations whose time has passed, or whose consent was taken back."""
    held = Grant("net.egress", (), Danger.MODERATE, Consent.PLATFORM, "policy", until="2026-01-31")
    found = (replace(held, ended=True),) if words.get("ended") else ()
    if "withdrawn" in words:
        found += (replace(held, ended=True, withdrawn=words["withdrawn"]),)
    return found


def _cpu(words: Brief, key: str) -> int | None:
    return units.parse_cpu(str(words[key])) if key in words else None


def _size(words: Brief, key: str) -> int | None:
    return units.parse_size(words[key]) if key in words else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _check(words: Brief, *known: str) -> None:
    unknown = set(words) - set(known)
    if unknown:
        raise ValueError(f"unknown words in a brief: {sorted(unknown)}")
