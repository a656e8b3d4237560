"""What only the platform may write: who runs the machine, owners, quotas, policy, waivers."""

from typing import Annotated

from orchestr8.isolation import features
from orchestr8.isolation.relaxations import RELAXATIONS
from orchestr8.manifest import editor, hints, images, scalars
from orchestr8.manifest.arguments import Asked, waived
from orchestr8.manifest.blocks import IN_PLACE, NOTHING, Block, told
from orchestr8.manifest.reads import Reads, ReadsShape
from orchestr8.manifest.types import (
    BitRate,
    Cpu,
    FullPeer,
    Memory,
    OwnerName,
    Until,
    Why,
    count,
    word,
)
from orchestr8.manifest.wording import shortened

GAPS = (*features.ASKED_BY_STRICT, "seccomp")
"""What a policy may forbid to be missing."""


def _may(text: str) -> str:
    if text not in RELAXATIONS:
        if text == "*":
            raise ValueError("everything at once cannot be allowed; name each relaxation")
        meant = hints.nearest(text, RELAXATIONS)
        guess = (
            f'did you mean "{meant}"?' if meant else "they are " + ", ".join(sorted(RELAXATIONS))
        )
        raise ValueError(f'unknown relaxation "{shortened(text)}"; {guess}')
    return text


Member = Annotated[
    str, Reads(scalars.member, "a member", "group:payments", editor.text(pattern="^[a-z]+:"))
]
Url = Annotated[
    str,
    Reads(scalars.url, "an address of the web", "https://hooks.example/payments", editor.text()),
]
Person = Annotated[str, Reads(scalars.person, "a person's name", "ann")]
MayId = Annotated[str, Reads(_may, "a relaxation", "net.egress", {"enum": sorted(RELAXATIONS)})]
Registry = Annotated[str, Reads(images.registry, "a registry", "registry.example")]
Gap = Annotated[str, Reads(scalars.word(*GAPS), "a gap", "seccomp", {"enum": list(GAPS)})]
Waived = Annotated[
    Asked, ReadsShape(waived, "a relaxation", "{cap.add: DAC_READ_SEARCH}", editor.waived)
]
Days = Annotated[
    int, Reads(scalars.days, "a time in whole days", "30d", editor.text(pattern="^[0-9]+d$"))
]


class ReserveBlock(Block):
    """What of the machine is left to the host itself."""

    cpu: Cpu | None = told("cores that no box is promised", "0.25", "0.25", None)
    memory: Memory | None = told("memory that no box is promised", "512MiB", "512MiB", None)


class QuotaBlock(Block):
    """What all boxes of one owner may use together; the kernel enforces cpu, memory and pids."""

    cpu: Cpu | None = told(
        "cores that all its boxes may use together", "4", "no quota", None, IN_PLACE
    )
    memory: Memory | None = told(
        "memory that all its boxes may use together", "8GiB", "no quota", None, IN_PLACE
    )
    boxes: Annotated[int, count(1, 1_000_000, "40")] | None = told(
        "boxes that may exist at a time", "40", "no quota", None, IN_PLACE
    )
    pids: Annotated[int, count(1, 4_194_304, "4096")] | None = told(
        "processes and threads of all its boxes", "4096", "no quota", None, IN_PLACE
    )
    bandwidth: BitRate | None = told(
        "bits a second on the way out of the machine", "500Mbit/s", "no quota", None, IN_PLACE
    )


class OwnerBlock(Block):
    """A team: who belongs to it, whom to call, what it may use, and what it may relax."""

    members: list[Member] = told(
        "who may act for this owner: accounts and groups of the host, keys, tokens",
        "[group:payments, token:ci]",
        "nobody but the platform",
        [],
        NOTHING,
    )
    oncall: Url | None = told(
        "where alarms for this owner go", "https://hooks.example/payments", "nowhere", None, NOTHING
    )
    quota: QuotaBlock | None = told(
        "what all its boxes may use together", "{cpu: 4, memory: 8GiB}", "no quota", None, IN_PLACE
    )
    may: list[MayId] = told(
        "moderate relaxations that are granted in advance", "[net.egress]", "none", [], NOTHING
    )


class ImagesBlock(Block):
    """Which images may run."""

    registries: list[Registry] | None = told(
        "the only registries that images may come from", "[registry.example]", "any", None
    )
    digests: Annotated[str, word("required", "optional")] | None = told(
        "whether every image must be written with its digest", "required", "optional", None
    )


class GapsBlock(Block):
    """Which gaps are not put up with."""

    forbid: list[Gap] = told(
        "what of STRICT an engine or host must carry, or nothing runs on it",
        "[seccomp]",
        "none",
        [],
    )


class PolicyBlock(Block):
    """What the platform demands of every manifest."""

    images: ImagesBlock | None = told(
        "which images may run", "{registries: [registry.example], digests: required}", "any", None
    )
    gaps: GapsBlock | None = told(
        "which gaps are not put up with", "{forbid: [seccomp]}", "none are forbidden", None
    )
    on_expiry: Annotated[str, word("keep", "tighten", "stop")] | None = told(
        "what follows when a relaxation has ended: boxes are kept and flagged, replaced by tight "
        "ones, or stopped",
        "keep",
        "keep",
        None,
    )
    ends: Annotated[str, word("required", "optional")] | None = told(
        "whether a moderate relaxation must have an `until`", "required", "optional", None
    )
    longest: Days | None = told(
        "the longest that a relaxation of danger host may last", "30d", "90d", None
    )


class WaiverBlock(Block):
    """The platform's approval of one relaxation of one service."""

    service: FullPeer = told("the service, with its owner", "backup.data")
    relax: Waived = told("the relaxation with its arguments", "{cap.add: DAC_READ_SEARCH}")
    why: Why = told("why it is approved", "reads every owner's volume", change=NOTHING)
    until: Until = told("when it ends", "2027-01-31", change=NOTHING)
    by: list[Person] = told("who approved it; danger host takes two", "[ann, ben]", change=NOTHING)


class PlatformBlock(Block):
    """Who runs the machine, and its rules."""

    mode: Annotated[str, word("solo", "team")] | None = told(
        "solo: one person may approve for itself, and it is shown so", "team", "solo", None
    )
    members: list[Member] = told(
        "who the platform is, beside root", "[group:platform]", "root alone", []
    )
    reserve: ReserveBlock | None = told(
        "what is left to the host", "{cpu: 0.25, memory: 512MiB}", "0.25 cpu, 512MiB", None
    )
    owners: dict[OwnerName, OwnerBlock] = told(
        "the teams", "{payments: {members: [group:payments]}}", "none", {}
    )
    policy: PolicyBlock | None = told(
        "what is demanded of every manifest", "{on_expiry: keep}", "nothing", None
    )
    waivers: list[WaiverBlock] = told(
        "approved relaxations",
        "[{service: backup.data, relax: {cap.add: DAC_READ_SEARCH}, why: …, until: 2027-01-31, "
        "by: [ann, ben]}]",
        "none",
        [],
    )
