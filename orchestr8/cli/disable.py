"""`disable`: nothing comes back by itself any more."""

from __future__ import annotations

from orchestr8.cli.arguments import Output, OutputAs


def run(output: OutputAs = Output.TEXT) -> int:
    """Take the unit away that `enable` wrote. Boxes that run are left as they are."""
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.cli.terminal import say
    from orchestr8.controller.boot import disable
    from orchestr8.host.systemd import Units

    with opened_fleet() as session:
        gone = disable(session, Units())
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("disabled", unit=gone or None)
    elif gone:
        say(f"disabled: {gone} is gone. After a reboot `orchestr8 apply` brings the boxes back.")
    else:
        say("nothing was enabled.")
    return 0
