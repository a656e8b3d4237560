"""What a branch of a source would do if it became the newest commit: for whoever reviews it."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.controller.apply import Prospect, plan_request
from orchestr8.controller.request import load_request
from orchestr8.controller.session import Session
from orchestr8.controller.sources import (
    belief,
    fetched,
    question,
    recorded,
    request_of_files,
    require_own,
)
from orchestr8.errors import ManifestError, Place, Problem, RefusedError
from orchestr8.manifest.model import DeclaredSource
from orchestr8.manifest.problems import with_sources
from orchestr8.sources.files import files_below
from orchestr8.sources.git import Objects
from orchestr8.sources.judge import judge
from orchestr8.sources.objects import MalformedError
from orchestr8.sources.signatures import Signatures, Signed
from orchestr8.store.sources import CommitRecord


class Proposal(Struct, frozen=True):
    """A branch's newest commit, what an apply of it would do, and why it would be refused today.

    Signatures are asked for all the same: who merges often signs anew, so what lacks is said and
    is no refusal of the plan.
    """

    source: DeclaredSource
    commit: CommitRecord
    prospect: Prospect
    unsigned: tuple[Problem, ...]


def propose(session: Session, source: DeclaredSource, branch: str) -> Proposal:
    """The plan of a branch, or without one of what the source follows; nothing is changed.

    Raises EngineError where it cannot be fetched, ManifestError and RefusedError as a plan does.
    """
    asked = replace(source, branch=branch, tags="") if branch else source
    with fetched(session.settings, asked, "proposed") as found:
        try:
            commit = found.objects.commit(found.objects.tip(found.tip))
            signatures = Signatures(found.clone.child, session.settings.keys)
            signer = signatures.of(commit)
            record = recorded(commit, signer.key if isinstance(signer, Signed) else "")
            files = files_below(found.objects, commit.tree, source.path)
            request = request_of_files(source, files, record)
            unsigned = _unsigned(session, source, found.objects, signatures, commit.id)
        except MalformedError as error:
            raise RefusedError((Problem(Place(f"source {source.name}"), str(error)),)) from error
        try:
            require_own(session, source, load_request(session, request))
            prospect = plan_request(session, request)
        except (ManifestError, RefusedError) as error:
            raise type(error)(with_sources(error.problems, files.texts)) from error
    return Proposal(asked, record, prospect, unsigned)


def _unsigned(
    session: Session,
    source: DeclaredSource,
    objects: Objects,
    signatures: Signatures,
    tip: str,
) -> tuple[Problem, ...]:
    if not source.verified:
        return ()
    record = session.store.sources.record(source.name)
    since = record.good if record.start == belief(source) else source.start
    try:
        judge(objects, tip, question(session, source, since), signatures.of)
    except RefusedError as error:
        return error.problems
    return ()
