"""`enable`: boxes come back after a reboot, or are kept from boot on."""

from __future__ import annotations

from typing import Annotated

import typer

Serve = Annotated[
    bool,
    typer.Option(
        "--serve",
        help="The server: boxes come back at boot, and are healed and proved from then on.",
        show_default=False,
    ),
]


def run(serve: Serve = False) -> int:
    """Have systemd bring back what was applied: at boot, and whenever the engine starts.

    A unit runs `orchestr8 apply` without a path: the stored revision of every set that is not
    down. A box runs once, so each slot gets a fresh one. With --serve it runs `orchestr8 serve`
    instead, which does the same and goes on. Nothing is started now. Where there is no systemd,
    nothing is written, and what to do instead is printed (exit status 1).
    """
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.cli.terminal import say
    from orchestr8.controller.boot import enable
    from orchestr8.host.systemd import Units

    with opened_fleet() as session:
        engine = session.choice.engine
        enabled = enable(session, Units(), serve=serve)
    when = "at boot, and whenever Docker starts" if engine == "docker" else "at boot"
    if serve:
        say(f"enabled: systemd runs the server from the next boot on ({enabled.path}).")
        say(f"it runs:     {enabled.command}")
        say(f"start it:    systemctl start {enabled.unit}; journalctl -fu {enabled.unit}")
        return 0
    say(f"enabled: systemd brings the boxes back {when} ({enabled.path}).")
    say(f"it runs:     {enabled.command}")
    say(f"try it now:  systemctl start {enabled.unit}; journalctl -u {enabled.unit}")
    return 0
