"""`apply`: the manifests become true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import (
    EngineName,
    Expect,
    Output,
    OutputAs,
    PathsOrNone,
    Pull,
    SetOrNone,
    Timeout,
    Wait,
    checked_set,
    checked_timeout,
)
from orchestr8.errors import UsageError

if TYPE_CHECKING:
    from orchestr8.controller.planfile import PlanFile

NewEngine = Annotated[
    bool,
    typer.Option(
        "--new-engine",
        help="The engine that answers now takes the place of the one that is gone for good.",
    ),
]


def run(
    paths: PathsOrNone = None,
    set_name: SetOrNone = None,
    timeout: Timeout = "10m",
    wait: Wait = False,
    pull: Pull = False,
    expect: Expect = None,
    new_engine: NewEngine = False,
    engine: EngineName = "",
    output: OutputAs = Output.TEXT,
) -> int:
    """Make the manifests true: provision, change in place, replace, release; then prove.

    Everything is checked before anything is touched, and a set is applied whole or not at all.
    A second apply of the same manifests does nothing. An update that fails takes its service
    back to what worked (exit status 5).

    PATH may be one plan file of `orchestr8 plan --out`: exactly that is applied, or it is refused
    (exit status 3) since what it touches has moved. Without a PATH what was applied before is
    made true again: of every set that is not down, or of the one that --set names.

    With --expect REVISION it is refused, too, where the set is at another revision by now, with
    who moved it and when; `orchestr8 plan --output json` and `history` say which it is at.
    """
    from orchestr8.cli import applying

    timeout_ms = checked_timeout(timeout)
    setting = applying.Setting(engine, output, timeout_ms, wait, new_engine, expect)
    if set_name is not None:
        checked_set(set_name)
    if not paths:
        if pull:
            raise UsageError("--pull needs manifests", "write orchestr8 apply PATH --pull")
        if expect is not None and set_name is None:
            raise UsageError("--expect is of one set", "name it:  --set NAME")
        return applying.again(set_name or "", setting)
    plan = _plan_file(paths)
    if plan:
        _refuse_beside(plan, set_name, pull=pull)
        return applying.planned(paths[0], plan, setting)
    return applying.manifests(paths, set_name, setting, pull=pull)


def _plan_file(paths: Sequence[str]) -> PlanFile | None:
    """The plan file that was typed instead of manifests, or None; raises UsageError."""
    from orchestr8.cli.reach import reach

    found = reach().plan_file(paths)
    if found is None:
        return None
    if len(paths) > 1:
        raise UsageError(f"{found[0]} is a plan file", "a plan file is applied by itself")
    from orchestr8.controller.planfile import read_plan_file

    return read_plan_file(*found)


def _refuse_beside(plan: PlanFile, set_name: str | None, *, pull: bool) -> None:
    """What a plan file says is not said again beside it."""
    if set_name not in (None, plan.set_name):
        raise UsageError(
            f"the plan file is of the set {plan.set_name}, not of {set_name}", "leave --set out"
        )
    if pull:
        raise UsageError("a plan file says what its images mean", "leave --pull out")
