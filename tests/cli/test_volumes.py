"""What `volume` says, as text and as facts."""

from __future__ import annotations

from tests.cli.shell import Shell

FLEET = """\
orchestr8: 1
owner: shop
services:
  db: {image: "db:1", volumes: {/data: rows}, health: {tcp: 80, every: 100ms}}
volumes: {rows: {}}
"""


def test_a_restore_says_which_set_has_the_volume(shell: Shell) -> None:
    shell.apply(FLEET, "--set shop")
    shell.type("volume copy rows.shop before")
    shell.type("down --set shop")
    said = shell.type("volume restore rows.shop before").output
    assert said == (
        "rows.shop is as rows.shop@before has it.\n"
        "`orchestr8 apply --set shop` starts its boxes again.\n"
    )
    document = shell.type("volume restore rows.shop before --output json").document
    assert (document["kind"], document["copy"], document["set"]) == (
        "volume restored", "rows.shop@before", "shop",
    )  # fmt: skip
    shell.type("remove --set shop")
    assert "1 volume is an orphan: no set declares it, and" in shell.type("volume ls").output
    assert shell.type("volume restore rows.shop before --output json").document["set"] is None
