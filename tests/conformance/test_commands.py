"""The promises about commands in boxes, on every engine."""

from __future__ import annotations

import pytest

from orchestr8.engines.protocol import Exec
from orchestr8.errors import RejectedError, TimedOutError
from tests.conformance.benches import Bench
from tests.conformance.programs import SAYS
from tests.conformance.promises import detail, promise

BEGINS = "sleep 1001 & (sleep 1002; true) &"
"""What a shell begins beside itself."""


@promise("exec.execute.running")
def test_commands_run_in_running_boxes_only(bench: Bench) -> None:
    assert isinstance(bench.boxes, Exec)
    made = bench.box()
    bench.boxes.create(made)
    with pytest.raises(RejectedError, match="does not run"):
        bench.boxes.execute(made.id, ["/bin/true"])
    bench.boxes.start(made.id)
    assert bench.boxes.execute(made.id, ["/bin/true"]).exit_status == 0
    with pytest.raises(RejectedError, match="no command"):
        bench.boxes.execute(made.id, [])


@promise("exec.execute.overruns")
def test_a_command_that_overruns_ends(bench: Bench) -> None:
    made = bench.box("silent")
    found = bench.run(made)
    with pytest.raises(TimedOutError, match="did not end within 300 ms"):
        bench.boxes.execute(made.id, ["/usr/bin/fault", "silent"], 300)
    assert bench.see(made).pid == found.pid


@detail("exec.execute.overruns")
def test_what_a_command_that_overruns_began_ends_with_it(bench: Bench) -> None:
    made = bench.box("lasting")
    bench.run(made)
    with pytest.raises(TimedOutError):
        bench.boxes.execute(made.id, ["/bin/sh", "-c", f"{BEGINS} sleep 1003"], 1_000)
    assert b"sleep 100" not in bench.boxes.execute(made.id, ["/bin/sh", "-c", "ps"]).stdout


@promise("exec.execute_attached.status")
def test_a_joined_command_gives_its_status_and_writes_to_our_output(bench: Bench) -> None:
    made = bench.box()
    bench.run(made)
    assert bench.attached(made, "/bin/echo", "hello") == (0, b"hello\n")


@promise("exec.execute_attached.left")
def test_a_joined_command_ends_when_nobody_is_there_any_more(bench: Bench) -> None:
    made = bench.box("silent")
    bench.run(made)
    _, said = bench.attached(made, "/usr/bin/fault", "silent", left=bool)
    assert said.decode().strip() == SAYS
    assert bench.see(made).state.runs


@detail("exec.execute_attached.left")
def test_what_a_joined_command_began_ends_with_it(bench: Bench) -> None:
    assert isinstance(bench.boxes, Exec)
    made = bench.box()
    bench.run(made)
    script = f"{BEGINS} echo hello; sleep 1003"
    _, said = bench.attached(made, "/bin/sh", "-c", script, left=bool)
    assert said == b"hello\n"
    assert b"sleep 100" not in bench.boxes.execute(made.id, ["/bin/sh", "-c", "ps"]).stdout
