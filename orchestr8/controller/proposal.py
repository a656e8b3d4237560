"""What a branch of a source would do if it became the newest commit: for whoever reviews it."""

from __future__ import annotations

from contextlib import ExitStack

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.controller.apply import Prospect, plan_request
from orchestr8.controller.found import Found, Outlook, looked_at
from orchestr8.controller.request import load_request
from orchestr8.controller.session import Session
from orchestr8.controller.sources import outlook, question, request_of_files, require_own
from orchestr8.errors import (
    ManifestError,
    Place,
    Problem,
    RefusedError,
    UnavailableError,
    UsageError,
)
from orchestr8.manifest.model import DeclaredSource
from orchestr8.manifest.problems import with_sources
from orchestr8.sources.objects import DamagedError, MalformedError
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

    Raises EngineError where it cannot be fetched, ManifestError and RefusedError as a plan does,
    UsageError for a branch of what has none.
    """
    if branch and source.folder:
        what = f"the source {source.name} is a folder, and a folder has no branches"
        raise UsageError(what, "leave --revision out; of a copy: orchestr8 plan PATH --set NAME")
    asked = replace(source, branch=branch, tags="") if branch else source
    asking = Outlook(question=outlook(session, source).question)
    try:
        with ExitStack() as stack:
            look = looked_at(session.settings, asked, asking, "proposed")
            found = session.beside(stack.enter_context, look)
            return _proposed(session, source, found)
    except MalformedError as error:
        raise RefusedError((Problem(Place(f"source {source.name}"), str(error)),)) from error
    except DamagedError as error:
        what = f"what was fetched cannot be read: {error}"
        raise UnavailableError(what, "plan it again: it is fetched anew") from error


def _proposed(session: Session, source: DeclaredSource, found: Found) -> Proposal:
    tip = found.tip()
    (commit,) = found.commits(tip, None)
    files = found.files(tip)
    request = request_of_files(source, files, commit)
    unsigned = _unsigned(session, source, found, tip)
    try:
        require_own(session, source, load_request(session, request))
        prospect = plan_request(session, request)
    except (ManifestError, RefusedError) as error:
        raise type(error)(with_sources(error.problems, files.texts)) from error
    return Proposal(found.source, commit, prospect, unsigned)


def _unsigned(
    session: Session, source: DeclaredSource, found: Found, tip: str
) -> tuple[Problem, ...]:
    record = session.store.sources.record(source.name)
    try:
        found.commits(tip, question(session, source, record))
    except RefusedError as error:
        return error.problems
    return ()
