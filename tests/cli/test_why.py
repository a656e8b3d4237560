"""`why`: since when a service runs or waits, whose move it is, and when its boxes were proved."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

from orchestr8.boxes.records import Failures
from orchestr8.controller.settings import now_ms
from orchestr8.engines.memory.workload import dies_at_once
from orchestr8.names import ServiceName
from orchestr8.store.store import Store
from tests.cli.shell import Shell

WEB = 'orchestr8: 1\nowner: me\nservices:\n  web: {image: "web:1", health: {tcp: 8080}}\n'
MOMENT = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC \([^)]+\)"


def test_a_box_that_runs(shell: Shell) -> None:
    shell.apply(WEB)
    said = shell.type("why web.me").output
    assert re.search(
        rf"0  healthy, running since {MOMENT}, image web:1, "
        r"proved \d\d:\d\d:\d\d \((\d+) of \1 claims held\)",
        said,
    )
    assert "whose move: nobody's" in said
    document = shell.type("why web.me --output json").document
    assert document["proofs"][0]["verdict"] == "held"
    assert 0 <= now_ms() - document["proved_ms"] < 60_000
    assert document["waiting_since_ms"] == 0


def test_what_is_to_be_applied_is_what_declared_it_last(shell: Shell) -> None:
    shell.apply(WEB)
    shell.write("moved.yaml", WEB + "  more: {image: \"web:1\"}\n")
    shell.type("apply moved.yaml")
    shell.write("other.yaml", WEB.replace("web:", "other:", 1))
    shell.type("apply other.yaml")
    shell.crash("me--web--1")
    assert "what to do: `orchestr8 apply moved.yaml`\n" in shell.type("why web.me").output


def test_a_box_that_ended(shell: Shell) -> None:
    shell.apply(WEB)
    shell.crash("me--web--1")
    said = shell.type("why web.me").output
    assert re.search(rf"0  stopped since {MOMENT}: the box exited with status 137", said)
    assert "proved" not in said


def test_what_waits_after_failures(shell: Shell) -> None:
    shell.apply(WEB.replace("web:", "api:", 1))
    shell.machine.workloads["web.me"] = dies_at_once(3, ("it is broken",))
    shell.apply(WEB, status=1)
    store = Store(shell.folder / "state")
    many = Failures(12, now_ms(), "exited with status 3")
    store.ledger.note_failure(ServiceName("me", "web"), 0, many, ("it is broken",))
    store.close()
    said = shell.type("why web.me").output
    assert re.search(rf"1 box wanted, 0 running, 1 waiting since {MOMENT}", said)
    assert "whose move: owner me" in said
    since_ms = shell.type("why web.me --output json").document["waiting_since_ms"]
    assert 0 < now_ms() - since_ms < 600_000


def test_what_waits_for_a_hold(shell: Shell) -> None:
    shell.apply(WEB)
    shell.type("hold web.me --until 1h --reason x")
    shell.apply(WEB.replace("web:1", "web:2"))
    said = shell.type("why web.me").output
    assert re.search(rf"1 running, 1 waiting since {MOMENT}", said)
    assert ", who holds it" in said


def test_what_waits_for_room_waits_since_its_apply(shell: Shell) -> None:
    limits = "limits: {memory: {guarantee: 7GiB, max: 7GiB}}"
    big = WEB + f'  big: {{image: "big:1", {limits}}}\n  two: {{image: "two:1", {limits}}}\n'
    shell.apply(big, status=1)
    waiting = [
        one for one in shell.type("status --output json").document["services"]
        if one["waiting_since_ms"]
    ]  # fmt: skip
    assert len(waiting) == 1
    assert 0 < now_ms() - waiting[0]["waiting_since_ms"] < 600_000


def test_what_came_by_standard_input_has_no_name_to_type(shell: Shell) -> None:
    shell.write("more.yaml", WEB.replace("web:", "api:", 1).replace("8080", "8081"))
    shell.monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(WEB.encode())))
    shell.type("apply - more.yaml --set shop")
    shell.crash("me--web--1")
    said = shell.type("why web.me").output
    assert "what to do: `orchestr8 apply PATH more.yaml --set shop`" in said


def test_what_waits_for_an_address_of_the_host(shell: Shell) -> None:
    shell.apply(WEB)
    shell.machine.absent = frozenset({"192.0.2.7"})
    published = WEB.replace('"web:1"', '"web:1", publish: {"192.0.2.7:80": 8080}')
    why = "192.0.2.7:80 is at an address that this host does not have"
    assert why in shell.apply(published, status=1).everything
    said = shell.type("why web.me").output
    assert why in said and "what to do: publish at one that `ip address` shows" in said
    assert shell.running == ["me--web--1"]
    shell.machine.absent = frozenset()
    assert "nothing to do" not in shell.apply(published).output
    assert "nothing to do" in shell.apply(published).output


def test_what_waits_after_its_set_was_down_waits_since_it_was_brought_up(shell: Shell) -> None:
    limits = "limits: {memory: {guarantee: 7GiB, max: 7GiB}}"
    shell.apply(WEB.replace('"web:1",', f'"web:1", {limits},'))
    shell.type("down --set default")
    other = WEB.replace("web", "two").replace('"two:1",', f'"two:1", {limits},')
    shell.type(f"apply {shell.write('two.yaml', other)} --set two")
    before_ms = now_ms()
    shell.type("apply --set default", status=1)
    since_ms = shell.type("why web.me --output json").document["waiting_since_ms"]
    assert before_ms <= since_ms <= now_ms()
    assert re.search(r"UTC  up +set default +done", shell.type("events").output)


def test_a_secret_that_cannot_be_read_is_told_with_what_is_wrong_with_it(shell: Shell) -> None:
    path = Path(os.environ["ORCHESTR8_SECRETS"]) / "me" / "pw"
    path.parent.mkdir(mode=0o700, parents=True)
    path.write_text("x")
    path.chmod(0o600)
    text = WEB.replace("health:", "secrets: [pw], health:")
    shell.apply(f"{text}secrets: {{pw: {{file: pw}}}}\n")
    path.chmod(0o644)
    said = shell.type("why web.me").output
    assert f"what to do: {path} can be read or changed by others: chmod 600 {path}\n" in said
    path.unlink()
    said = shell.type("why web.me").output
    assert f"what to do: the secret {path} is missing: write it there" in said
