"""What `down` and `remove` share: a set is stopped, and what stays is said."""

from __future__ import annotations

from msgspec import Struct

from orchestr8.cli.arguments import Output
from orchestr8.cli.board import Board
from orchestr8.cli.conclusion import failure_lines, losses_as_json, waiting_lines, why_over
from orchestr8.cli.opening import opened_fleet
from orchestr8.cli.terminal import count, escaped, milliseconds, say
from orchestr8.cli.watching import watching
from orchestr8.contract.losses import Loss
from orchestr8.controller.applied import Applied
from orchestr8.controller.expected import expecting
from orchestr8.controller.making import down
from orchestr8.errors import Exit
from orchestr8.manifest.model import ManifestSet
from orchestr8.names import ServiceName


class Stopping(Struct, frozen=True):
    """Which set, how long it may take, how it is told, and the revision that is expected."""

    set_name: str
    timeout_ms: int
    output: Output
    expect: int | None = None


def stop(asked: Stopping, *, forget: bool) -> int:
    """Stops a set, and with `forget` forgets it; returns the exit status.

    What fails or waits in other sets meanwhile is told and is no failure of this command.
    """
    set_name = asked.set_name
    with opened_fleet() as session, expecting(session, set_name, asked.expect):
        part = session.stored.fleet.sets.get(set_name, ManifestSet())
        with watching(asked.output) as watcher:
            applied = down(session, set_name, watcher, asked.timeout_ms, forget=forget)
        is_forgotten = set_name not in session.store.documents.sets()
    status = _status(applied, {service.name for service in part.services})
    if asked.output is Output.JSON:
        _print_json(applied, watcher.board, part, status, forget=forget)
    else:
        _print_text(applied, watcher.board, part, status, is_forgotten=is_forgotten)
    return int(status)


def _status(applied: Applied, own: set[ServiceName]) -> Exit:
    if applied.timed_out:
        return Exit.TIMED_OUT
    return Exit.DONE if applied.succeeded_for(own) else Exit.FAILED


def _print_text(
    applied: Applied, board: Board, part: ManifestSet, status: Exit, *, is_forgotten: bool
) -> None:
    for line in (*failure_lines(applied), *waiting_lines(applied)):
        say(line)
    if status is Exit.TIMED_OUT:
        say(why_over(applied))
    if status:
        # What is forgotten has no name any more by which this command could be typed again.
        again = "`orchestr8 apply`" if is_forgotten else "the same command"
        say(f"what was done stays done; {again} goes on from here")
        say(f"exit status {int(status)}")
        return
    for loss in applied.losses:
        say(f"! {escaped(loss.said if is_forgotten else _missed(loss))}")
    stopped = f"{count(board.released, 'box', 'boxes')} stopped and removed"
    say(f"{stopped} in {milliseconds(applied.settled_ms)}." if board.released else "no box ran.")
    named = f": {', '.join(_volumes(part))}" if part.volumes else ""
    say(f"kept: the secrets on this host, and every volume with its data{named}.")
    if is_forgotten:
        say(f'the manifests of the set "{applied.set_name}" are forgotten.')
        if part.platform:
            say("the platform's part was one of them: apply another first, as the file")
            say("  {orchestr8: 1, platform: {mode: solo}}   where one person runs this machine")
    else:
        again = f"orchestr8 apply --set {applied.set_name}"
        say(f"kept, too: the manifests; `{again}` brings the boxes back.")


def _print_json(
    applied: Applied, board: Board, part: ManifestSet, status: Exit, *, forget: bool
) -> None:
    from orchestr8.cli.document import print_document

    print_document(
        "removed" if forget else "down",
        set=applied.set_name,
        exit=int(status),
        released=board.released,
        milliseconds=round(applied.settled_ms, 1),
        failures=applied.failures,
        kept_volumes=_volumes(part),
        timed_out=applied.timed_out,
        losses=losses_as_json(applied.losses),
    )


def _missed(loss: Loss) -> str:
    """What a service misses while a set is down."""
    return f"{loss.place}: {loss.service} {loss.what}, which has no box now"


def _volumes(part: ManifestSet) -> list[str]:
    return sorted(f"{volume.name}.{volume.owner}" for volume in part.volumes)
