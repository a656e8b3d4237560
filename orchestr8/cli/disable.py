"""`disable`: nothing comes back by itself any more."""

from __future__ import annotations


def run() -> int:
    """Take the unit away that `enable` wrote. Boxes that run are left as they are."""
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.cli.terminal import say
    from orchestr8.controller.boot import disable
    from orchestr8.host.systemd import Units

    with opened_fleet() as session:
        gone = disable(session, Units())
    if gone:
        say(f"disabled: {gone} is gone. After a reboot `orchestr8 apply` brings the boxes back.")
    else:
        say("nothing was enabled.")
    return 0
