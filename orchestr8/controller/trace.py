"""From a box back to whoever wanted it: revision, commit, author, signer, approvers."""

from __future__ import annotations

from msgspec import Struct

from orchestr8.boxes.world import ObservedBox
from orchestr8.contract.model import Grant
from orchestr8.controller.cycle import walk
from orchestr8.controller.meant import find_box
from orchestr8.controller.request import aim_in_force
from orchestr8.controller.session import Session
from orchestr8.errors import Place, UsageError
from orchestr8.manifest.model import Platform
from orchestr8.names import BoxId
from orchestr8.planning.plan import Mark
from orchestr8.store.documents import Revision
from orchestr8.store.sources import CommitRecord


class Trace(Struct, frozen=True):
    """A box, what declares it, and on whose word.

    `place` is where its service stands in the revision; `commit` is known for revisions that came
    from a source. `signer_is` says what its signer's key is by the part in force: "a key of web",
    or empty where it is nobody's any more. `is_older` says that the box was made from an earlier
    revision and is to be replaced, `grants` on whose word walls are lowered.
    """

    box: ObservedBox
    revision: Revision
    place: Place
    commit: CommitRecord | None
    signer_is: str
    grants: tuple[Grant, ...]
    is_older: bool


def trace(session: Session, text: str) -> Trace:
    """What led to the box that `api.payments`, `0.api.payments` or a box id means.

    Raises UsageError where there is no such box, or it is adopted and nothing declares it yet.
    """
    box = _found(session, text)
    name = box.id.service_name
    rests_on = session.stored.revisions.get(name)
    if rests_on is None:
        raise UsageError(
            f"{name} was adopted, and nothing in the store declares it",
            "apply its manifest again: orchestr8 apply PATH",
        )
    revision = session.store.documents.revision(*rests_on)
    cycle = walk(session, aim_in_force(session))
    contract = cycle.contracts.services[name]
    replaced = (Mark.REPLACE, Mark.RELEASE)
    older = any(step.service == name and step.mark in replaced for step in cycle.plan.steps)
    commit = None
    if revision.deed.commit:
        commit = session.store.sources.commit(revision.set_name, revision.deed.commit)
        commit = commit or CommitRecord(revision.deed.commit, "", 0, "", "")
    signer = commit.signer if commit else ""
    return Trace(
        box,
        revision,
        contract.service.place(""),
        commit,
        _whose(session.stored.fleet.platform, signer) if signer else "",
        tuple(grant for grant in contract.grants if not grant.implied),
        older,
    )


def _found(session: Session, text: str) -> ObservedBox:
    try:
        box_id = BoxId.parse(text)
    except ValueError:
        return find_box(session, text, running=False)
    seen = session.borders.boxes.observe((box_id,)).boxes if session.may(box_id.owner) else ()
    for box in seen:
        if box.id == box_id:
            return box
    raise UsageError(f"there is no box {text}", "`orchestr8 status --output json` lists all ids")


def _whose(platform: Platform, key: str) -> str:
    """Whose a key is by the part in force."""
    named = [
        f"the owner {owner.name}"
        for owner in platform.owners
        if key in (one.rstrip("=") for one in owner.members)
    ]
    if key in (one.rstrip("=") for one in platform.members):
        named.insert(0, "the platform")
    merging = [
        one.name
        for one in platform.sources
        if key in (merge_key.rstrip("=") for merge_key in one.merge_keys)
    ]
    named += [f"the forge of the source {name}" for name in merging]
    return f"a key of {' and of '.join(named)}" if named else ""
