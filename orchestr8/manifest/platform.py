"""What only the platform may write: who runs the machine, owners, quotas, policy, waivers."""

from typing import Annotated

from pydantic import model_validator

from orchestr8.isolation import features
from orchestr8.isolation.relaxations import RELAXATIONS
from orchestr8.manifest import editor, hints, images, oncall, repository, scalars
from orchestr8.manifest.arguments import Asked, waived
from orchestr8.manifest.blocks import IN_PLACE, NOT_BUILT, NOTHING, Block, told
from orchestr8.manifest.reads import Reads, ReadsShape, WrongError
from orchestr8.manifest.types import (
    BitRate,
    Cpu,
    FullPeer,
    Memory,
    Name,
    OwnerName,
    Until,
    Why,
    count,
    time_within,
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
Oncall = Annotated[
    str,
    ReadsShape(
        oncall.oncall, "an address or a command", "https://hooks.example/payments", oncall.schema
    ),
]
Person = Annotated[str, Reads(scalars.person, "a person's name", "ann")]
MayId = Annotated[str, Reads(_may, "a relaxation", "net.egress", {"enum": sorted(RELAXATIONS)})]
Registry = Annotated[str, Reads(images.registry, "a registry", "registry.example")]
Gap = Annotated[str, Reads(scalars.word(*GAPS), "a gap", "seccomp", {"enum": list(GAPS)})]
Waived = Annotated[
    Asked, ReadsShape(waived, "a relaxation", "{cap.add: DAC_READ_SEARCH}", editor.waived)
]
_FOLDER = editor.text(pattern="^[^/]", maxLength=500)
_COMMIT = editor.text(pattern="^([0-9a-f]{40}|[0-9a-f]{64})$")
_A_COMMIT = "4f1c2b7ad3a94f0e8d5c6b1a2f3e4d5c6b7a8f90"
GitUrl = Annotated[
    str,
    Reads(
        repository.git_url,
        "an address of a git repository",
        "https://git.example/payments.git",
        editor.text(pattern="^(https://|ssh://|file://|/)", maxLength=500),
    ),
]
HostFolder = Annotated[
    str,
    Reads(
        repository.host_folder,
        "a folder of this machine",
        "/srv/deploy/web",
        editor.text(pattern="^/", maxLength=500),
    ),
]
Branch = Annotated[str, Reads(repository.branch, "a branch", "main")]
Tags = Annotated[str, Reads(repository.tags, "a pattern of tags", "v*")]
RepositoryPath = Annotated[
    str, Reads(repository.path, "a folder of the repository", "deploy", _FOLDER)
]
CommitName = Annotated[str, Reads(repository.commit, "a commit", _A_COMMIT, _COMMIT)]
SigningKey = Annotated[
    str,
    Reads(
        repository.key,
        "a key",
        "gpg:5DE3E0509C47EA3CF04A42D34AEE18F83AFDEB23",
        editor.text(pattern="^(ssh:SHA256|gpg):"),
    ),
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
        f"bits a second on the way out of the machine; {NOT_BUILT}",
        "500Mbit/s",
        "no quota",
        None,
        IN_PLACE,
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
    oncall: Oncall | None = told(
        "where alarms for this owner go: an address of the web, or a command as a list, which gets "
        "them as JSON",
        "https://hooks.example/payments",
        "nowhere",
        None,
        NOTHING,
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
    notice: Days | None = told(
        "how long before the end of a relaxation or token its owner's `oncall` hears of it",
        "14d",
        "7d",
        None,
        NOTHING,
    )


class WaiverBlock(Block):
    """The platform's approval of one relaxation of one service."""

    service: FullPeer = told("the service, with its owner", "backup.data")
    relax: Waived = told("the relaxation with its arguments", "{cap.add: DAC_READ_SEARCH}")
    why: Why = told("why it is approved", "reads every owner's volume", change=NOTHING)
    until: Until = told("when it ends", "2027-01-31", change=NOTHING)
    by: list[Person] = told("who approved it; danger host takes two", "[ann, ben]", change=NOTHING)


_OF_GIT = (
    "git", "branch", "tags", "path", "credentials", "webhook", "verify", "start", "merge_keys",
)  # fmt: skip


class SourceBlock(Block):
    """Where manifests come from: a git repository or a folder, each a set of the source's name."""

    git: GitUrl | None = told(
        "where the repository lies: https, ssh, or a path of this machine",
        "https://git.example/payments.git",
        "none, it is a `folder`",
        None,
        NOTHING,
    )
    folder: HostFolder | None = told(
        "in place of git: a folder of this machine; whoever may write there changes what runs",
        "/srv/deploy/web",
        "none, it is in `git`",
        None,
        NOTHING,
    )
    branch: Branch | None = told("the branch that counts", "main", "main", None, NOTHING)
    tags: Tags | None = told(
        "in place of a branch: a pattern of tags, of which the highest counts",
        "v*",
        "none, a branch counts",
        None,
        NOTHING,
    )
    path: RepositoryPath | None = told(
        "the folder of the repository that has the manifests", "deploy", "all of it", None, NOTHING
    )
    owner: OwnerName | None = told(
        "whose everything below that path is; without an owner it is the platform's own",
        "payments",
        "the platform",
        None,
        NOTHING,
    )
    every: Annotated[int, time_within("5s", "1d", "1m")] | None = told(
        "how often it is asked; a folder is watched besides", "1m", "1m", None, NOTHING
    )
    credentials: Name | None = told(
        "a file in /etc/orchestr8/secrets/platform/: a private key for ssh, USER:PASSWORD or a "
        "token for https",
        "git-payments",
        "none",
        None,
        NOTHING,
    )
    webhook: Name | None = told(
        "a file in /etc/orchestr8/secrets/platform/ with a secret of 16 bytes or more: a forge "
        "that knows it tells of a push by POST /v1/hooks/SOURCE, and the source is asked at once",
        "hook-payments",
        "none, it is asked as often as `every` says",
        None,
        NOTHING,
    )
    verify: Annotated[str, word("required", "none")] | None = told(
        "whether every commit that changes something below the path must be signed by a member of "
        "the owner",
        "required",
        "required",
        None,
        NOTHING,
    )
    start: CommitName | None = told(
        "the commit that is trusted as it is; what comes after it is verified",
        _A_COMMIT,
        "none; `verify: required` needs one",
        None,
        NOTHING,
    )
    merge_keys: list[SigningKey] = told(
        "keys of a forge, which may sign merge commits and nothing else",
        "[gpg:5DE3E0509C47EA3CF04A42D34AEE18F83AFDEB23]",
        "none",
        [],
        NOTHING,
    )

    @model_validator(mode="after")
    def _whole(self) -> "SourceBlock":
        if self.git is None and self.folder is None:
            raise WrongError(
                "has neither git nor folder", "write git: ADDRESS, or folder: /srv/deploy/web"
            )
        if self.folder is not None:
            return self._of_a_folder()
        if self.branch is not None and self.tags is not None:
            raise WrongError("has branch and tags", "keep the one that counts")
        if self.verify == "none":
            if self.start or self.merge_keys:
                given = "start" if self.start else "merge_keys"
                raise WrongError(
                    f"has verify: none and {given}", "take one of them out: nothing is verified"
                )
        elif not self.start:
            raise WrongError(
                "has no start, and every change after it must be signed",
                "look at the newest commit and write its whole name, start: COMMIT; or write "
                "verify: none if whoever can push may change what runs",
            )
        return self

    def _of_a_folder(self) -> "SourceBlock":
        given = [name for name in _OF_GIT if getattr(self, name)]
        if given:
            listed = ", ".join(given)
            raise WrongError(
                f"is a folder, and has {listed}",
                "take it out: only a git repository has that" if given != ["git"] else "keep one",
            )
        return self


class PlatformBlock(Block):
    """Who runs the machine, and its rules."""

    mode: Annotated[str, word("solo", "team")] | None = told(
        "solo: one person may approve for itself, and it is shown so", "team", "solo", None
    )
    members: list[Member] = told(
        "who the platform is, beside root", "[group:platform]", "root alone", []
    )
    oncall: Oncall | None = told(
        "where alarms of the machine itself go, which are no owner's",
        "[/usr/local/bin/page, platform]",
        "nowhere",
        None,
        NOTHING,
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
    sources: dict[Name, SourceBlock] = told(
        "git repositories and folders that manifests come from, each a set of its own; `orchestr8 "
        "sync` asks them",
        "{payments: {git: https://git.example/payments.git, path: deploy, owner: payments, "
        f"start: {_A_COMMIT}" + "}}",
        "none",
        {},
        NOTHING,
    )
