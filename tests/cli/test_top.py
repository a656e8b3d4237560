"""`top`: one moment in columns, the same as facts, and a live picture on a terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.descriptors import readable
from orchestr8.isolation.limits import MIB
from orchestr8.names import BoxId
from tests.cli.console import SECONDS_MOST, Console
from tests.cli.shell import Shell

SHOP = """\
orchestr8: 1
owner: shop
services:
  front:
    image: front:1
    replicas: 2
    health: {tcp: 80, every: 100ms}
    limits: {cpu: 0.5, memory: 64MiB, pids: 20}
"""


def test_owners_and_their_boxes_are_shown_with_what_they_use(shell: Shell) -> None:
    shell.apply(SHOP)
    box = BoxId("shop", "front", 1)
    seen = shell.machine.boxes[box]
    workload = replace(seen.workload, memory_bytes=24 * MIB)
    shell.machine.boxes[box] = replace(seen, workload=workload)
    lines = shell.type("top").output.splitlines()
    assert lines[0].split() == [
        "BOX", "OWNER", "CPU", "MEMORY", "PRESSURE", "PIDS", "NETWORK", "IN", "OUT", "RESTARTS",
    ]  # fmt: skip
    assert lines[1].split()[:4] == ["(2", "boxes)", "shop", "0.00"]
    assert lines[2].split() == [
        "0.front.shop", "shop", "0.00/0.5", "24MiB/64MiB", "-", "1/20", "0B/s", "0B/s", "0",
    ]  # fmt: skip
    document = shell.type("top front.shop --output json").document
    (owner,) = document["owners"]
    assert owner["owner"] == "shop" and owner["use"]["memory_bytes"] == 24 * MIB
    assert [one["id"] for one in owner["boxes"]] == ["shop--front--1", "shop--front--2"]
    assert owner["boxes"][0]["limits"]["memory_max_bytes"] == 64 * MIB


def test_where_nothing_runs_that_is_said(shell: Shell) -> None:
    shell.apply(SHOP)
    shell.type("down")
    assert shell.type("top").output == "no box runs.\n"


@pytest.mark.parametrize("applied", [True, False])
def test_on_a_terminal_it_goes_on_until_somebody_has_seen_enough(
    tmp_path: Path, *, applied: bool
) -> None:
    """What fails ends it at once, with the words that it has elsewhere."""
    console = Console(tmp_path)
    if applied:
        console.write("shop.yaml", SHOP)
        assert console.run("apply", "shop.yaml", "--engine", "memory").status == 0
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestr8", "top"],
        cwd=tmp_path, env=console.environment(TERM="xterm"), stdin=theirs, stdout=theirs,
        stderr=theirs, start_new_session=True,
        # Whoever started the tests in the background made them, and so this, deaf to it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    os.close(theirs)
    _read_until(ours, b"no box runs" if applied else b"nothing is applied")
    if applied:
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS_MOST) == (0 if applied else 2)
    os.close(ours)


def _read_until(terminal: int, words: bytes) -> None:
    """Reads what a terminal shows until it has shown these words."""
    shown, deadline = b"", time.monotonic() + SECONDS_MOST
    while words not in shown:
        assert readable([terminal], max(deadline - time.monotonic(), 0)), shown
        shown += os.read(terminal, 65_536)
