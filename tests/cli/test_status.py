"""What `status` says of boxes that are yet to come."""

from __future__ import annotations

from tests.cli.shell import Shell

TEXT = """\
orchestr8: 1
owner: me
services: {web: {image: "web:1", standby: 1, health: {tcp: 80}}}
"""


def test_a_standby_that_lacks_is_told_apart_from_a_box(shell: Shell) -> None:
    shell.apply(TEXT)
    shell.machine.boxes.clear()
    assert "1 to provision, 1 to stand by" in shell.type("status").output
