"""The platform's typed blocks to the frozen values that every later stage uses."""

from __future__ import annotations

from orchestr8.errors import Place
from orchestr8.isolation.limits import Quota
from orchestr8.manifest.build import resolved
from orchestr8.manifest.model import DeclaredSource, Owner, Platform, Policy, Waiver
from orchestr8.manifest.nodes import Parsed
from orchestr8.manifest.places import Places
from orchestr8.manifest.platform import (
    PlatformBlock,
    PolicyBlock,
    QuotaBlock,
    SourceBlock,
    WaiverBlock,
)
from orchestr8.names import ServiceName


def platform(parsed: Parsed, block: PlatformBlock) -> Platform:
    """The platform's part."""
    places = Places(parsed, "platform")
    usual, reserve = Platform(), block.reserve
    cpu, memory = (reserve.cpu, reserve.memory) if reserve else (None, None)
    return Platform(
        mode=block.mode or usual.mode,
        members=tuple(block.members),
        oncall=block.oncall or "",
        reserve_cpu_millicores=usual.reserve_cpu_millicores if cpu is None else cpu,
        reserve_memory_bytes=usual.reserve_memory_bytes if memory is None else memory,
        owners=tuple(
            Owner(
                name,
                tuple(owner.members),
                owner.oncall or "",
                _quota(owner.quota),
                tuple(sorted(set(owner.may))),
                places.get(f"owners.{name}", Place("")),
            )
            for name, owner in sorted(block.owners.items())
        ),
        policy=_policy(block.policy),
        waivers=tuple(
            _waiver(waiver, places.get(f"waivers.{index}", Place("")))
            for index, waiver in enumerate(block.waivers)
        ),
        sources=tuple(
            _source(name, source, places.get(f"sources.{name}", Place("")))
            for name, source in sorted(block.sources.items())
        ),
    )


def _quota(block: QuotaBlock | None) -> Quota:
    if block is None:
        return Quota()
    return Quota(block.cpu, block.memory, block.boxes, block.pids, block.bandwidth)


def _policy(block: PolicyBlock | None) -> Policy:
    if block is None:
        return Policy()
    usual, images, gaps = Policy(), block.images, block.gaps
    registries = images.registries if images else None
    return Policy(
        registries=None if registries is None else tuple(registries),
        digests_required=bool(images and images.digests == "required"),
        gaps_forbidden=tuple(gaps.forbid) if gaps else (),
        on_expiry=block.on_expiry or usual.on_expiry,
        ends_required=block.ends == "required",
        longest_days=usual.longest_days if block.longest is None else block.longest,
        notice_days=usual.notice_days if block.notice is None else block.notice,
    )


def _waiver(block: WaiverBlock, place: Place) -> Waiver:
    service_name = ServiceName(block.service[1], block.service[0])
    return Waiver(
        service_name,
        block.relax.id,
        resolved(block.relax, service_name.owner),
        block.why,
        block.until,
        tuple(block.by),
        place,
    )


def _source(name: str, block: SourceBlock, place: Place) -> DeclaredSource:
    usual = DeclaredSource(name)
    return DeclaredSource(
        name,
        block.git or "",
        owner=block.owner or "",
        branch=block.branch or usual.branch,
        tags=block.tags or "",
        path=block.path or "",
        every_ms=usual.every_ms if block.every is None else block.every,
        credentials=block.credentials or "",
        start=block.start or "",
        merge_keys=tuple(block.merge_keys),
        folder=block.folder or "",
        webhook=block.webhook or "",
        place=place,
    )
