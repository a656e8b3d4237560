"""What came of asking a source, as a person reads it."""

from __future__ import annotations

from orchestr8.cli.conclusion import Watch, conclusion
from orchestr8.cli.conclusion import as_json as applied_as_json
from orchestr8.cli.source_lines import SHORT, titled
from orchestr8.cli.source_lines import as_json as sources_as_json
from orchestr8.cli.terminal import escaped, escaped_lines, say
from orchestr8.cli.watching import Watcher
from orchestr8.controller.session import Session
from orchestr8.controller.source_status import in_force, pinned_at, source_status
from orchestr8.controller.sources import CONVERGED, DOWN, INVALID, REFUSED, Synced
from orchestr8.errors import Exit
from orchestr8.manifest.problems import render_problem
from orchestr8.store.sources import CommitRecord


def exit_of(synced: Synced) -> Exit:
    """The exit status of whoever asked."""
    if synced.applied:
        return synced.applied.exit
    states = {INVALID: Exit.USAGE, REFUSED: Exit.REFUSED, CONVERGED: Exit.DONE, DOWN: Exit.DONE}
    return states.get(synced.record.state, Exit.FAILED)


def print_synced(session: Session, synced: Synced, watcher: Watcher) -> None:
    """Which commit it is, what became of it, and what stays."""
    record = synced.record
    commit = session.store.sources.commit(record.name, record.seen)
    for line in _commit_lines(record.name, record.seen, commit):
        say(line)
    for problem in record.problems:
        for line in escaped_lines(render_problem(problem)):
            say(line)
    if synced.applied:
        part = session.stored.fleet.sets[record.name]
        again = f"orchestr8 sync {record.name}"
        watch = Watch.of(session)
        for line in conclusion(
            synced.applied, watcher.board, again, len(part.services), watch=watch
        ):
            say(line)
        return
    commit_id, _ = in_force(session, record)
    stays = f"{commit_id[:SHORT]} stays in force" if commit_id else "nothing of it is in force"
    if record.state == DOWN:
        say(
            f"the set {record.name} is down, and so it stays: "
            f"`orchestr8 apply --set {record.name}` brings it up"
        )
    elif record.problems:
        say(f"{record.state}; {stays}.")
    elif back := pinned_at(session, record.name):
        say(
            f"nothing new. The set was taken back to revision {back} by hand, and that holds until "
            "the source moves."
        )
    else:
        say("nothing new." if not synced.is_new else f"{record.state}; {stays}.")


def as_json(session: Session, synced: Synced, watcher: Watcher) -> dict[str, object]:
    """The same, as a program reads it: the source as `status` has it, and what an apply did."""
    found = [one for one in source_status(session) if one.name == synced.record.name]
    applied = applied_as_json(synced.applied, watcher.board) if synced.applied else None
    return {**sources_as_json(found)[0], "applied": applied}


def _commit_lines(name: str, seen: str, commit: CommitRecord | None) -> list[str]:
    """Which commit it is, and whose."""
    if not commit:
        return [f"{name}: {seen[:SHORT]}"] if seen else []
    if commit.is_content:
        return [escaped(f"{name}: {titled(commit)}")]
    signed = f"signed with {commit.signer}" if commit.signer else "not signed"
    return [escaped(f"{name}: {titled(commit)}, {signed}")]
