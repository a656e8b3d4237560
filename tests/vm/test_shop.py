"""The whole shop of the examples on crun, and what becomes of boxes that take too much memory.

The tests are stages of one road and run in their order; the next file goes on where it ends.
"""

from __future__ import annotations

from tests.vm.installation import Installation
from tests.vm.shop import FOLDER, SERVICES, order, orders

GREEDY = """\
orchestr8: 1
owner: payments
services:
  alone:
    image: faults:1
    args: [memory]
    limits: {memory: 32MiB}
    health: {command: [/bin/sh, -c, "false"], within: 15m}
  family:
    image: probe:1
    entrypoint: [/usr/bin/python3]
    args: [-c, "import os, time; os.fork() or b'x' * (1 << 30); time.sleep(9999)"]
    limits: {memory: 32MiB}
    health: {command: [/bin/sh, -c, "false"], within: 15m}
"""
"""One process that takes all it can get, and a child that does while its parent sleeps. They are
waited for, however long they take."""


def test_the_whole_shop_comes_up_at_once(shop: Installation) -> None:
    print(shop.typed(f"apply {FOLDER} --set shop --timeout 20m", timeout=1200))
    assert sorted(shop.running()) == SERVICES


def test_every_claim_holds_without_a_gap(shop: Installation) -> None:
    print(len(shop.proved()), "claims held")


def test_an_order_goes_through_all_of_it(shop: Installation) -> None:
    assert order(shop, "first")
    assert orders(shop) == ["first"]


def test_applied_again_it_is_left_alone(shop: Installation) -> None:
    before = shop.running()
    assert "nothing to do" in shop.typed(f"apply {FOLDER} --set shop")
    assert shop.running() == before


def test_who_takes_more_memory_than_its_limit_is_told_so(shop: Installation) -> None:
    """The kernel ends the whole box, and not the one process in it that is largest."""
    shop.take_images("faults", "probe")
    shop.machine.check("cat >/root/greedy.yaml", text=GREEDY)
    applied = shop.tried("apply /root/greedy.yaml --set greedy")
    print(applied.output)
    assert applied.status
    for name in ("alone", "family"):
        why = shop.tried(f"why {name}.payments").output
        print(why)
        assert "out of memory" in why
        assert "memory: 64MiB" in why, "what would mend it"
    kernel = shop.machine.check("journalctl --no-pager -k -g 'memory.oom.group set'")
    for name in ("alone", "family"):
        assert f"/payments--{name}" in kernel
    shop.typed("remove --set greedy")
    assert sorted(shop.running()) == SERVICES, "and nobody else"
