"""What every way to apply shares: a session, somebody who watches, and the last sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from orchestr8.cli.arguments import DEFAULT_SET, Output
from orchestr8.cli.opening import (
    check_before_the_first,
    lines_shown,
    make_up_secrets,
    opened,
    opened_fleet,
    request_of,
)
from orchestr8.cli.terminal import escaped, say
from orchestr8.cli.texts import Texts, typed
from orchestr8.cli.watching import watching
from orchestr8.controller.apply import apply_request
from orchestr8.controller.authority import is_theirs, require_platform
from orchestr8.controller.expected import expecting

if TYPE_CHECKING:
    from orchestr8.controller.applied import Applied
    from orchestr8.controller.planfile import PlanFile
    from orchestr8.controller.progress import Progress
    from orchestr8.controller.session import Session

Change = Callable[["Session", "Progress"], "Applied"]


class Setting(Struct, frozen=True):
    """On which engine, how it is told, how long it may take, whether it waits for its turn,
    whether another engine takes the place of the one that was written down, and the set's revision
    that it was made against."""

    engine: str
    output: Output
    timeout_ms: int
    waits: bool = False
    new_engine: bool = False
    expect: int | None = None


def manifests(paths: Sequence[str], set_name: str | None, setting: Setting, *, pull: bool) -> int:
    """Applies manifests; returns the exit status."""
    request, texts = request_of(paths, set_name, pull=pull)
    check_before_the_first(request, texts, setting.engine)

    def change(session: Session, progress: Progress) -> Applied:
        with lines_shown(texts):
            make_up_secrets(session, request)
            return apply_request(session, request, progress, setting.timeout_ms)

    with _session(setting) as session, expecting(session, request.set_name, setting.expect):
        return carried_out(session, change, setting, typed(paths, set_name), texts)


def planned(path: str, plan: PlanFile, setting: Setting) -> int:
    """Applies a plan file, if what it rests on still stands; returns the exit status."""
    texts = Texts()
    texts.sources = list(plan.sources)

    def change(session: Session, progress: Progress) -> Applied:
        request = plan.request(session)
        with lines_shown(texts):
            make_up_secrets(session, request)
            return apply_request(session, request, progress, setting.timeout_ms)

    with _session(setting) as session, expecting(session, plan.set_name, setting.expect):
        if setting.output is Output.TEXT:
            from orchestr8.planning.holds import moment

            by = f", made by {plan.actor}" if plan.actor else ""
            say(f"the plan of {moment(plan.at_ms)}{by}, of the set {plan.set_name}:")
            for line in plan.printed.split("\n"):
                say(f"  {escaped(line)}".rstrip())
        return carried_out(session, change, setting, typed([path]))


def again(set_name: str, setting: Setting) -> int:
    """Makes true what was applied before; returns the exit status."""

    def change(session: Session, progress: Progress) -> Applied:
        from orchestr8.controller.making import apply_stored

        return apply_stored(session, set_name, progress, setting.timeout_ms)

    with opened_fleet(setting.engine) as session:
        _set(session, setting)
        words = f"--set {set_name}" if set_name and set_name != DEFAULT_SET else ""
        with expecting(session, set_name, setting.expect):
            return carried_out(session, change, setting, words)


def carried_out(
    session: Session, change: Change, setting: Setting, words: str, texts: Texts | None = None
) -> int:
    """Makes a change while somebody watches, and says what came of it.

    `words` are what one would type after `apply` to go on.
    """
    with watching(setting.output) as watcher:
        applied = change(session, watcher)
    from orchestr8.cli import conclusion  # no box is asked later because of it

    sets = session.stored.fleet.sets
    down = {n for n in session.stored.down if is_theirs(session.authority, sets[n])}
    own = [p for n, p in sets.items() if applied.set_name in ("", n) and n not in down]
    services = sum(session.may(one.name.owner) for part in own for one in part.services)
    watch = conclusion.Watch.of(session)
    passed_over = texts.passed_over if texts else []
    board = watcher.board
    if setting.output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("applied", **conclusion.as_json(applied, board), passed_over=passed_over)
        return int(applied.exit)
    for name in sorted(down) if not applied.set_name else ():
        say(f"left down: the set {name}; `orchestr8 apply --set {name}` brings it up")
    for name in passed_over:
        say(f"passed over: {escaped(name)} (it has none of a manifest's keys)")
    command = f"orchestr8 apply {words}".rstrip()
    for line in conclusion.conclusion(applied, board, command, services, watch=watch):
        say(line)
    return int(applied.exit)


@contextmanager
def _session(setting: Setting) -> Iterator[Session]:
    with opened(setting.engine) as session:
        _set(session, setting)
        yield session


def _set(session: Session, setting: Setting) -> None:
    session.patience_ms = setting.timeout_ms if setting.waits else 0
    if setting.new_engine:
        remedy = "ask whoever runs this machine"
        require_platform(session.authority, "--new-engine", remedy)
    session.new_engine = setting.new_engine
