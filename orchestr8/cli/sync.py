"""`sync`: sources are asked, and what is new and good in them is applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli import completions
from orchestr8.cli.arguments import Output, OutputAs, Timeout, Wait, checked_timeout

if TYPE_CHECKING:
    from orchestr8.cli.watching import Watcher
    from orchestr8.controller.session import Session
    from orchestr8.controller.sources import Synced
    from orchestr8.errors import Exit
    from orchestr8.store.sources import CommitRecord

SourceNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SOURCE]",
        help="Sources of the platform's manifest; all of them without one.",
        show_default=False,
        autocompletion=completions.sources,
    ),
]


def run(
    sources: SourceNames = None,
    timeout: Timeout = "10m",
    wait: Wait = False,
    output: OutputAs = Output.TEXT,
) -> int:
    """Ask sources for their newest commit, and apply it if it is new and good.

    Where signatures are required, every commit since the last that counted is judged by the keys of
    the owner's members in force. A commit is applied whole or not at all, as the set of the
    source's name; a bad one changes nothing, and `orchestr8 status` says what is wrong with it.
    """
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.cli.watching import watching
    from orchestr8.controller.sources import require_sources, sync

    timeout_ms = checked_timeout(timeout)
    worst = 0
    documents: list[dict[str, object]] = []
    with opened_fleet() as session:
        session.patience_ms = timeout_ms if wait else 0
        for number, source in enumerate(require_sources(session, tuple(sources or ()))):
            if number and output is Output.TEXT:
                _say()
            with watching(output) as watcher:
                synced = sync(session, source, watcher, timeout_ms)
            worst = max(worst, int(_exit(synced)))
            if output is Output.JSON:
                documents.append(_as_json(session, synced, watcher))
            else:
                _print_text(session, synced, watcher)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("sync", sources=documents)
    return worst


def _as_json(session: Session, synced: Synced, watcher: Watcher) -> dict[str, object]:
    from orchestr8.cli.conclusion import as_json
    from orchestr8.cli.source_lines import as_json as sources_as_json
    from orchestr8.controller.source_status import source_status

    found = [one for one in source_status(session) if one.name == synced.record.name]
    applied = as_json(synced.applied, watcher.board) if synced.applied else None
    return {**sources_as_json(found)[0], "applied": applied}


def _say(text: str = "") -> None:
    from orchestr8.cli.terminal import say

    say(text)


def _exit(synced: Synced) -> Exit:
    from orchestr8.controller.sources import CONVERGED, DOWN, INVALID, REFUSED
    from orchestr8.errors import Exit

    if synced.applied:
        return synced.applied.exit
    states = {INVALID: Exit.USAGE, REFUSED: Exit.REFUSED, CONVERGED: Exit.DONE, DOWN: Exit.DONE}
    return states.get(synced.record.state, Exit.FAILED)


def _print_text(session: Session, synced: Synced, watcher: Watcher) -> None:
    from orchestr8.cli.conclusion import Watch, conclusion
    from orchestr8.cli.source_lines import SHORT
    from orchestr8.cli.terminal import escaped_lines
    from orchestr8.controller.source_status import pinned_at
    from orchestr8.controller.sources import DOWN
    from orchestr8.manifest.problems import render_problem

    record = synced.record
    commit = session.store.sources.commit(record.name, record.seen)
    for line in _commit_lines(record.name, record.seen, commit):
        _say(line)
    for problem in record.problems:
        for line in escaped_lines(render_problem(problem)):
            _say(line)
    if synced.applied:
        part = session.stored.fleet.sets[record.name]
        again = f"orchestr8 sync {record.name}"
        watch = Watch.of(session)
        for line in conclusion(
            synced.applied, watcher.board, again, len(part.services), watch=watch
        ):
            _say(line)
        return
    stays = f"{record.good[:SHORT]} stays in force" if record.good else "nothing of it is in force"
    if record.state == DOWN:
        _say(
            f"the set {record.name} is down, and so it stays: "
            f"`orchestr8 apply --set {record.name}` brings it up"
        )
    elif record.problems:
        _say(f"{record.state}; {stays}.")
    elif back := pinned_at(session, record.name):
        _say(
            f"nothing new. The set was taken back to revision {back} by hand, and that holds until "
            "the source moves."
        )
    else:
        _say("nothing new." if not synced.is_new else f"{record.state}; {stays}.")


def _commit_lines(name: str, seen: str, commit: CommitRecord | None) -> list[str]:
    """Which commit it is, and whose."""
    from orchestr8.cli.source_lines import SHORT
    from orchestr8.cli.terminal import escaped

    if not commit:
        return [f"{name}: {seen[:SHORT]}"] if seen else []
    signed = f"signed with {commit.signer}" if commit.signer else "not signed"
    words = f'{name}: {seen[:SHORT]} "{commit.subject}" by {commit.author}, {signed}'
    return [escaped(words)]
