"""What `down` and `remove` share: a set is stopped, and what stays is said."""

from __future__ import annotations

from collections.abc import Sequence

from orchestr8.cli.arguments import Output
from orchestr8.cli.board import Board
from orchestr8.cli.conclusion import failure_lines, waiting_lines
from orchestr8.cli.opening import opened_fleet
from orchestr8.cli.terminal import count, milliseconds, say
from orchestr8.cli.watching import watching
from orchestr8.controller.applied import Applied
from orchestr8.controller.apply import down
from orchestr8.controller.session import Session


def stop(set_name: str, timeout_ms: int, output: Output, *, forget: bool) -> int:
    """Stops a set, and with `forget` forgets it; returns the exit status."""
    with opened_fleet() as session:
        volumes = _volumes(session, set_name)
        with watching(output) as watcher:
            applied = down(session, set_name, watcher, timeout_ms, forget=forget)
    if output is Output.JSON:
        _print_json(applied, watcher.board, volumes, forget)
    else:
        _print_text(applied, watcher.board, volumes, forget)
    return int(applied.exit)


def _volumes(session: Session, set_name: str) -> list[str]:
    """The volumes that the set declares: what they hold is kept."""
    part = session.stored.fleet.sets.get(set_name)
    return sorted(f"{volume.name}.{volume.owner}" for volume in part.volumes) if part else []


def _print_text(applied: Applied, board: Board, volumes: Sequence[str], forget: bool) -> None:
    for line in (*failure_lines(applied), *waiting_lines(applied)):
        say(line)
    if applied.timed_out:
        say("the time is over; the same command goes on from here")
        return
    if applied.failures:
        return
    stopped = f"{count(board.released, 'box', 'boxes')} stopped and removed"
    say(f"{stopped} in {milliseconds(applied.settled_ms)}." if board.released else "no box ran.")
    if volumes:
        say(f"kept, with their data: {count(len(volumes), 'volume')} ({', '.join(volumes)}).")
    if forget:
        say(f'the manifests of the set "{applied.set_name}" are forgotten; secrets stay on the host.')
    else:
        say("kept, too: the manifests and secrets; the next `orchestr8 apply` brings the boxes back.")


def _print_json(applied: Applied, board: Board, volumes: Sequence[str], forget: bool) -> None:
    from orchestr8.cli.document import print_document

    print_document(
        "removed" if forget else "down",
        set=applied.set_name,
        exit=applied.exit,
        released=board.released,
        milliseconds=round(applied.settled_ms, 1),
        failures=applied.failures,
        kept_volumes=list(volumes),
        timed_out=applied.timed_out,
    )
