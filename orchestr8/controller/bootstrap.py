"""The first trust of an empty machine: a repository, and the key that signs for the platform.

Who may change a machine stands in the platform's part, and the first one has nobody to vouch for
it but whoever types the key. The branch's newest commit must carry that key's signature; it is
where the history that counts begins. From then on the part in force says who signs.
"""

from __future__ import annotations

import json

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.controller.apply import apply_request
from orchestr8.controller.found import fetched_by_git
from orchestr8.controller.progress import Progress
from orchestr8.controller.request import Request
from orchestr8.controller.session import Session
from orchestr8.controller.settings import Settings
from orchestr8.controller.sources import Synced, require_sources, sync
from orchestr8.errors import Place, Problem, RefusedError, UnavailableError, UsageError
from orchestr8.manifest.model import DeclaredSource, Source
from orchestr8.names import PLATFORM
from orchestr8.sources.objects import DamagedError, MalformedError
from orchestr8.sources.signatures import Signed

_NOT_KNOWN_YET = "0" * 40


class FirstTrust(Struct, frozen=True):
    """Where the platform's own manifests lie, and the key that is trusted to sign them."""

    git: str
    key: str
    branch: str = "main"
    path: str = ""
    credentials: str = ""


def trusted_source(settings: Settings, trust: FirstTrust) -> DeclaredSource:
    """The platform's source, beginning at the newest commit, which the key has signed.

    Needs no store. Raises RefusedError where the signature is another's or none, EngineError where
    nothing can be fetched.
    """
    source = DeclaredSource(
        PLATFORM, trust.git, branch=trust.branch, path=trust.path,
        credentials=trust.credentials, start=_NOT_KNOWN_YET,
    )  # fmt: skip
    try:
        return replace(source, start=_signed_tip(settings, source, trust.key))
    except (DamagedError, MalformedError) as error:
        what = f"what was fetched cannot be read: {error}"
        raise UnavailableError(what, "type the command again; it is fetched anew") from error


def bootstrap(
    session: Session, source: DeclaredSource, key: str, progress: Progress, timeout_ms: int
) -> Synced:
    """Declares the platform's source on a machine that has none, and applies what it has.

    Raises UsageError where somebody is the platform already.
    """
    with session.changing():
        _require_nobody(session)
        text = Source("first-trust.yaml", _text(source, key))
        apply_request(session, Request((text,), _no_file, PLATFORM), progress, timeout_ms)
        (declared,) = require_sources(session, (PLATFORM,))
        return sync(session, declared, progress, timeout_ms)


def _require_nobody(session: Session) -> None:
    """A key that is typed later must not take a machine from whoever runs it."""
    for name, part in session.stored.fleet.sets.items():
        if part.platform:
            raise UsageError(
                f"this machine has its platform's part already, in the set {name}",
                "declare the repository there, under platform.sources, and apply it; if it is "
                "declared already: orchestr8 sync",
            )


def _signed_tip(settings: Settings, source: DeclaredSource, key: str) -> str:
    """The branch's newest commit, which this key has signed."""
    with fetched_by_git(settings, source) as found:
        tip = found.tip()
        signer = found.signer(tip)
    if signer == Signed(key.rstrip("=")):
        return tip
    what, first = (
        (f"is signed with {signer.key}", "")
        if isinstance(signer, Signed)
        else (signer.why, signer.remedy)
    )
    again = "have that key's owner sign and push it: git commit --amend -S; or trust another key"
    remedy = f"{first}; else {again}" if first else again
    what = f"the newest commit {what}; trusted is {key}"
    raise RefusedError((Problem(Place(f"commit {tip[:12]}"), what, remedy),))


def _text(source: DeclaredSource, key: str) -> str:
    """The platform's part until the repository's own takes its place. JSON's scalars are YAML's."""
    facts = {
        "git": source.git,
        "branch": source.branch,
        "path": source.path,
        "credentials": source.credentials,
        "start": source.start,
    }
    written = ", ".join(f"{name}: {json.dumps(value)}" for name, value in facts.items() if value)
    return (
        "orchestr8: 1\n"
        "platform:\n"
        f"  members: [{json.dumps(key)}]\n"
        "  sources:\n"
        f"    {PLATFORM}: {{{written}}}\n"
    )


def _no_file(path: str) -> bytes:
    raise FileNotFoundError(path)
