"""`serve`: the loop, in the foreground."""

from __future__ import annotations

from orchestr8.cli.arguments import EngineName, Output, OutputAs


def run(engine: EngineName = "", output: OutputAs = Output.TEXT) -> int:
    """Keep this machine as it was applied, until told to stop: in the foreground, a line an event.

    It takes over what runs; heals boxes that end, fall ill, or whose walls or limits are not what
    was declared; backs off from what fails again and again; and proves boxes in turn. SIGTERM
    and SIGINT end it, and boxes run on; SIGHUP reads the store again. Meanwhile no other command
    changes this machine. `orchestr8 enable --serve` has systemd run it.
    """
    from orchestr8.cli.opening import opened, require_not_lost
    from orchestr8.cli.serving import serve

    require_not_lost(engine)
    with opened(engine) as session:
        return serve(session, output)
