"""What `prove` says of boxes beside others, and while somebody brings more of them up."""

from __future__ import annotations

from orchestr8.boxes.network import Pass
from orchestr8.boxes.records import BoxRecord
from orchestr8.names import BoxId
from orchestr8.planning.plan import Allocations
from orchestr8.store.store import Store
from tests.cli.shell import Shell

TWO = """\
orchestr8: 1
owner: me
services:
  web: {image: "web:1", connects: [db:5432]}
  db: {image: "db:1", health: {tcp: 5432}}
"""
FRESH = BoxId("me", "db", 2)


def test_a_way_to_a_box_that_is_yet_to_come_is_declared(shell: Shell) -> None:
    shell.apply(TWO)
    (web,) = (box.box.address for name, box in shell.machine.boxes.items() if name.service == "web")
    address = web.rpartition(".")[0] + ".99"
    shell.machine.elements.add(Pass(web, address, 5432))
    assert "no link that nobody declared" in shell.type("prove", 6).output
    store = Store(shell.folder / "state")
    store.ledger.allocate(Allocations(boxes=(BoxRecord(FRESH, 0, address),)))
    store.close()
    assert " 0 broken, 0 unproven" in shell.type("prove").output
    shell.machine.elements.add(Pass(web, address, 22))
    assert "no link that nobody declared" in shell.type("prove", 6).output


def test_a_volume_with_a_size_is_nobody_else_s_on_a_simulated_machine(shell: Shell) -> None:
    mount = TWO.replace('"db:1"', '"db:1", volumes: {/d: rows}')
    shell.apply(f"{mount}volumes: {{rows: {{size: 64MiB}}}}\n")
    assert " 0 broken, 0 unproven" in shell.type("prove").output
