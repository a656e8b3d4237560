"""`sync`: sources are asked, and what is new and good in them is applied."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestr8.cli import completions
from orchestr8.cli.arguments import Output, OutputAs, Timeout, Wait, checked_timeout

SourceNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE",
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
    from orchestr8.cli.synced import as_json, exit_of, print_synced
    from orchestr8.cli.terminal import say
    from orchestr8.cli.watching import watching
    from orchestr8.controller.sources import require_sources, sync

    timeout_ms = checked_timeout(timeout)
    worst = 0
    documents: list[dict[str, object]] = []
    with opened_fleet() as session:
        session.patience_ms = timeout_ms if wait else 0
        for number, source in enumerate(require_sources(session, tuple(sources or ()))):
            if number and output is Output.TEXT:
                say()
            with watching(output) as watcher:
                synced = sync(session, source, watcher, timeout_ms)
            worst = max(worst, int(exit_of(synced)))
            if output is Output.JSON:
                documents.append(as_json(session, synced, watcher))
            else:
                print_synced(session, synced, watcher)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("sync", sources=documents)
    return worst
