"""`upgrade`: a newer STRICT is taken up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import (
    Output,
    OutputAs,
    SetLookedAt,
    Timeout,
    Wait,
    checked_set,
    checked_timeout,
)

if TYPE_CHECKING:
    from orchestr8.controller.upgrade import Upgrade

OnlyPlan = Annotated[bool, typer.Option("--plan", help="Show what it would do; change nothing.")]


def run(
    set_name: SetLookedAt = None,
    only_plan: OnlyPlan = False,
    timeout: Timeout = "10m",
    wait: Wait = False,
    output: OutputAs = Output.TEXT,
) -> int:
    """Take up the newest version of STRICT, of one set or of all that is applied.

    A release of orchestr8 that brings a newer STRICT changes no box by itself: every service
    keeps the version that it was placed with until it is upgraded. Boxes are replaced as in an
    update; a service that does not come up goes back to the version that it had (exit status 5).
    """
    from orchestr8.cli.conclusion import Watch, as_json, conclusion
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.cli.watching import watching
    from orchestr8.controller.upgrade import plan_upgrade, upgrade

    if set_name is not None:
        checked_set(set_name)
    timeout_ms = checked_timeout(timeout)
    with opened_fleet() as session:
        session.patience_ms = timeout_ms if wait else 0
        planned = plan_upgrade(session, set_name or "")
        if output is Output.TEXT:
            _print_plan(planned, set_name, only=only_plan)
        if only_plan or not planned.before:
            if output is Output.JSON:
                _print_json(planned)
            return 0
        with watching(output) as watcher:
            done = upgrade(session, set_name or "", watcher, timeout_ms)
        watch = Watch.of(session)
    if output is Output.JSON:
        facts = {**as_json(done.applied, watcher.board), "exit": int(done.exit)}
        _print_json(planned, **facts, taken_back=done.taken_back)
        return int(done.exit)
    from orchestr8.cli.terminal import say

    again, services = "orchestr8 upgrade", len(planned.before)
    applied, board = done.applied, watcher.board
    for line in conclusion(applied, board, again, services, watch=watch):
        say(line)
    return int(done.exit)


def _print_plan(planned: Upgrade, set_name: str | None, *, only: bool) -> None:
    from orchestr8.cli.plan_table import table_lines
    from orchestr8.cli.terminal import say
    from orchestr8.isolation.strict import newest
    from orchestr8.planning.show import summary

    for name in planned.held:
        say(f"{name} is held, and left alone.")
    if not planned.before:
        say(f"nothing to upgrade: STRICT {newest()} is the newest, and no service has an older.")
        return
    plan = planned.cycle.plan
    for line in (*table_lines(plan), summary(plan)):
        say(line)
    if only:
        say(f"Do this:  orchestr8 upgrade{f' --set {set_name}' if set_name else ''}")


def _print_json(planned: Upgrade, **facts: object) -> None:
    from orchestr8.cli.conclusion import steps_as_json
    from orchestr8.cli.document import print_document
    from orchestr8.isolation.strict import newest

    print_document(
        "upgrade",
        **facts,
        strict=newest(),
        services={str(name): version for name, version in planned.before.items()},
        held=planned.held,
        steps=steps_as_json(planned.cycle.plan.steps),
    )
