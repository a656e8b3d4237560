"""`hold`: a service is left alone for a while."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestr8.cli.arguments import Output, OutputAs, ServiceName
from orchestr8.cli.moments import until_ms
from orchestr8.errors import UsageError

Until = Annotated[
    str,
    typer.Option(
        "--until",
        metavar="TIME",
        help="2h from now, 2027-02-28 (its end, UTC), or 2027-02-28T18:00Z.",
        show_default=False,
    ),
]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why, for others.", show_default=False)
]
End = Annotated[bool, typer.Option("--end", help="End the hold now.", show_default=False)]
REASON_MOST = 400


def run(
    service: ServiceName,
    until: Until = "",
    reason: Reason = "",
    end: End = False,
    output: OutputAs = Output.TEXT,
) -> int:
    """Leave a service alone until a time: no apply heals, changes or releases its boxes.

    What would happen to it waits and is shown as waiting. Links stay as they are declared. The
    hold ends by itself; `orchestr8 down` is stronger.
    """
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.cli.terminal import say
    from orchestr8.controller import hold
    from orchestr8.controller.meant import require_services
    from orchestr8.planning.holds import end_of
    from orchestr8.store.lock import serving_pid

    end_ms = 0 if end else _checked(until, reason, service)
    if end and (until or reason):
        raise UsageError("--end ends a hold, and takes no other option", "leave the others out")
    with opened_fleet() as session:
        held = session.store.interventions.holds() if end else ()
        (name,) = require_services(session, [service], also=held)
        if end:
            found = hold.end_hold(session, name)
            does = "the server" if serving_pid(session.store.folder) else "`orchestr8 apply`"
        else:
            found = hold.hold(session, name, end_ms, " ".join(reason.split()))
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("hold", service=name, held=not end, hold=found)
    elif end:
        say(f"{name} is held no longer; {does} does what has waited.")
    else:
        say(f"{name} is left alone until {end_of(found)}.")
        say(f"`orchestr8 hold {name} --end` ends it before.")
    return 0


def _checked(until: str, reason: str, service: str) -> int:
    """The end in milliseconds since the epoch; raises UsageError for what lacks or is wrong."""
    example = f'orchestr8 hold {service} --until 2h --reason "the disk is being changed"'
    if not until or not reason.strip():
        raise UsageError("a hold has an end and a reason", f"write  {example}")
    if len(reason) > REASON_MOST:
        raise UsageError(f"--reason has more than {REASON_MOST} characters", "say it shorter")
    return until_ms(until, example)
