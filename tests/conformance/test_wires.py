"""The promise about the wires of boxes: who is cut off behind our back is seen and put back."""

from __future__ import annotations

import subprocess

import pytest

from orchestr8.host import wires
from tests.conformance.benches import Bench
from tests.conformance.promises import promise


@promise("network.observe.wires")
@pytest.mark.parametrize("harm", ["nomaster", "down"])
def test_a_box_that_was_cut_off_is_told_and_put_back(bench: Bench, harm: str) -> None:
    if bench.name == "memory":
        pytest.skip("its boxes have no wires")
    network = bench.borders.network
    tasks = [bench.run(bench.box(networked=True)).pid or 0 for _ in range(2)]
    (wire,), _ = wires.leading_to(tasks).values()
    assert network.observe().lacks == ""

    subprocess.run(["ip", "link", "set", wire, harm], check=True)
    state = network.observe()
    assert not state.prepared and "the wire of a box is off the bridge" in state.lacks

    network.prepare()
    assert network.observe().prepared
    assert wires.leading_to(tasks[:1]) == {tasks[0]: (wire,)}
