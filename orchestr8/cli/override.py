"""`set`: a field acts live, and its manifest is told to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import Output, OutputAs, ServiceName, Timeout, Wait, checked_timeout
from orchestr8.errors import Exit, UsageError

if TYPE_CHECKING:
    from orchestr8.cli.board import Board
    from orchestr8.controller.hand import HandSet
    from orchestr8.manifest.model import Service

Fields = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FIELD=VALUE",
        help="Limits and replicas, as in limits.memory=256MiB replicas=2.",
        show_default=False,
    ),
]
End = Annotated[
    bool,
    typer.Option("--end", help="Give every field back to the manifest.", show_default=False),
]


def run(
    service: ServiceName,
    fields: Fields = None,
    end: End = False,
    timeout: Timeout = "10m",
    wait: Wait = False,
    output: OutputAs = Output.TEXT,
) -> int:
    """Set limits or replicas of a service live, without a restart: all that is typed, or nothing.

    The values are judged as if the manifest said so. They count until the manifest's own line is
    edited, which has the last word; `status`, `why` and `plan` show the difference until then.
    """
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.cli.watching import watching
    from orchestr8.controller.hand import Wish, set_by_hand
    from orchestr8.controller.meant import require_services
    from orchestr8.manifest.overrides import read_values

    if bool(fields) == end:
        what = "--end takes no fields" if end else "nothing is set"
        raise UsageError(what, f"write orchestr8 set {service} limits.memory=256MiB, or --end")
    timeout_ms = checked_timeout(timeout)
    with opened_fleet() as session:
        session.patience_ms = timeout_ms if wait else 0
        (name,) = require_services(session, [service])
        wish = Wish(name, read_values(name, fields or ()))
        with watching(output) as watcher:
            done = set_by_hand(session, wish, watcher, timeout_ms)
        declared = session.stored.fleet.services()[name]
    if output is Output.JSON:
        _print_json(done, watcher.board)
    else:
        _print_text(done, declared, watcher.board)
    return int(_exit(done))


def _exit(done: HandSet) -> Exit:
    """What fails or waits in other services meanwhile is told, and is no failure of this."""
    return Exit.FAILED if done.taken_back else Exit.DONE


def _print_text(done: HandSet, declared: Service, board: Board) -> None:
    from orchestr8.cli.conclusion import failure_lines, waiting_lines
    from orchestr8.cli.terminal import count, escaped, say
    from orchestr8.controller.overrides import told, value_said

    for line in (*failure_lines(done.applied), *waiting_lines(done.applied)):
        say(line)
    if done.taken_back:
        say(f"all of it was taken back; {declared.name} is as it was. exit status 1")
        return
    if board.adjusted:
        say(f"{count(board.adjusted, 'box', 'boxes')} changed in place, without a restart.")
    if not done.overrides:
        say(f"{declared.name} is as its manifest says.")
        return
    for one in done.overrides:
        say(f"set by hand: {declared.name} {told(one)}.")
    say("To keep it, write it into the manifest; it counts until that line is edited:")
    for one in done.overrides:
        say(f"  {escaped(str(declared.place(one.path)))}: {one.path}: {value_said(one)}")


def _print_json(done: HandSet, board: Board) -> None:
    from orchestr8.cli.conclusion import as_json
    from orchestr8.cli.document import print_document
    from orchestr8.cli.status import overrides_as_json

    facts = {**as_json(done.applied, board), "exit": int(_exit(done))}
    overrides = overrides_as_json(done.overrides)
    print_document("set", **facts, overrides=overrides, taken_back=done.taken_back)
