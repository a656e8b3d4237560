"""`rollback`: a set as it was at an earlier revision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import (
    DEFAULT_SET,
    Expect,
    Output,
    OutputAs,
    SetGoingBack,
    Timeout,
    Wait,
    checked_set,
    checked_timeout,
)
from orchestr8.errors import UsageError

if TYPE_CHECKING:
    from orchestr8.controller.rollback import Return

Revision = Annotated[
    int | None,
    typer.Argument(
        metavar="REVISION", show_default=False,
        help="A number of `orchestr8 history`; without one, the last before that worked.",
    ),
]  # fmt: skip
OnlyPlan = Annotated[bool, typer.Option("--plan", help="Show what it would do; change nothing.")]


def run(
    revision: Revision = None,
    set_name: SetGoingBack = DEFAULT_SET,
    only_plan: OnlyPlan = False,
    timeout: Timeout = "10m",
    wait: Wait = False,
    expect: Expect = None,
    output: OutputAs = Output.TEXT,
) -> int:
    """Take a whole set back to an earlier revision, as one unit.

    Its manifests, its files and what its image tags meant come back, as a new revision that says
    which one it repeats; data stays as it is. The set `default`, which never loses, takes back
    what later revisions changed, and keeps what they brought. It is judged like an apply: today's
    policy, quotas and ends of relaxations hold.
    """
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.controller.expected import expecting

    checked_set(set_name)
    timeout_ms = checked_timeout(timeout)
    if revision is not None and revision < 1:
        raise UsageError(f"revisions count from 1; {revision} is none", "orchestr8 history")
    with opened_fleet() as session:
        session.patience_ms = timeout_ms if wait else 0
        with expecting(session, set_name, expect):
            if only_plan:
                from orchestr8.controller.rollback import plan_rollback

                outlook = plan_rollback(session, set_name, revision or 0)
                return _print_plan(outlook, output)
            from orchestr8.cli.conclusion import Watch, as_json, conclusion
            from orchestr8.cli.watching import watching
            from orchestr8.controller.rollback import roll_back

            with watching(output) as watcher:
                way, applied = roll_back(session, set_name, revision or 0, watcher, timeout_ms)
            part = session.stored.fleet.sets[set_name]
            watch = Watch.of(session)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        facts = as_json(applied, watcher.board)
        print_document("rollback", **facts, repeats=way.revision.number, kept=way.kept)
        return int(applied.exit)
    from orchestr8.cli.terminal import say

    again = f"orchestr8 apply --set {set_name}" if set_name != DEFAULT_SET else "orchestr8 apply"
    services = len(part.services)
    for line in conclusion(applied, watcher.board, again, services, watch=watch):
        say(line)
    for line in _kept_lines(way):
        say(line)
    if not applied.exit:
        new = f"; that is its revision {applied.revision} now"
        say(
            f"the set {set_name} is as it was at revision {way.revision.number}"
            f"{new if applied.revision > way.newest else ' already'}."
        )
    return int(applied.exit)


def _print_plan(outlook: object, output: Output) -> int:
    from orchestr8.controller.rollback import Outlook

    assert isinstance(outlook, Outlook)
    way, plan = outlook.way, outlook.cycle.plan
    if output is Output.JSON:
        from orchestr8.cli.conclusion import steps_as_json
        from orchestr8.cli.document import print_document

        print_document(
            "rollback plan", set=way.set_name, repeats=way.revision.number, kept=way.kept,
            changes=not plan.empty, steps=steps_as_json(plan.steps),
        )  # fmt: skip
        return 0
    from orchestr8.cli.plan_table import table_lines
    from orchestr8.cli.terminal import escaped, say
    from orchestr8.planning.holds import moment
    from orchestr8.planning.show import summary

    deed = way.revision.deed
    say(
        f"the set {way.set_name} as it was at revision {way.revision.number} "
        f"({moment(deed.at_ms)}, {escaped(deed.actor)}):"
    )
    for line in (*table_lines(plan), summary(plan), *_kept_lines(way)):
        if line:
            say(line)
    if not plan.empty:
        say(f"Do this:  orchestr8 rollback {way.revision.number} --set {way.set_name}")
    return 0


def _kept_lines(way: Return) -> list[str]:
    """What stays though the revision did not have it."""
    from orchestr8.planning.wording import listed

    if not way.kept:
        return []
    came = "it came" if len(way.kept) == 1 else "they came"
    return [
        f"kept: {listed(map(str, way.kept))}, since the set {DEFAULT_SET} never loses; "
        f"{came} after revision {way.revision.number}"
    ]
