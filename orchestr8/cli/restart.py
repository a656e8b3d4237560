"""`restart`: fresh boxes for a service, without a change of its manifest."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestr8.cli.arguments import Output, OutputAs, ServiceName, Timeout, Wait, checked_timeout

Slot = Annotated[
    int | None,
    typer.Option("--slot", metavar="N", help="Only the box of this slot.", show_default=False),
]


def run(
    service: ServiceName,
    slot: Slot = None,
    timeout: Timeout = "10m",
    wait: Wait = False,
    output: OutputAs = Output.TEXT,
) -> int:
    """Replace the boxes of a service by fresh ones, as an update does.

    The new box is there and good before the old one goes, unless they may not run at once (an
    exclusive volume); then the old one stops first. A job (`run: once`) runs again.
    """
    from orchestr8.cli.applying import Setting, carried_out
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.controller.meant import require_services
    from orchestr8.controller.restart import restart

    setting = Setting("", output, checked_timeout(timeout), waits=wait)
    with opened_fleet() as session:
        session.patience_ms = setting.timeout_ms if wait else 0
        (name,) = require_services(session, [service])
        return carried_out(
            session,
            lambda opened, progress: restart(opened, name, slot, progress, setting.timeout_ms),
            setting,
            "",
        )
