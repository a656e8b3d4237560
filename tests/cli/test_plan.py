"""A plan on the console: its lines, its exit statuses, its JSON, and that it changes nothing."""

from __future__ import annotations

import re

from tests.cli.console import HELLO, Console

RELAXED = """\
orchestr8: 1
owner: web
services:
  front:
    image: "web:1"
    replicas: 2
    connects: [back:8080]
    relax:
      - net.egress: {to: 198.51.100.0/24, ports: [443]}
        why: card payments
        until: 2999-02-28
  back: {image: "web:1", limits: {memory: {guarantee: 64MiB, max: 128MiB}}}
"""


def test_the_lines_of_a_plan(console: Console) -> None:
    console.write("web.yaml", RELAXED)
    answer = console.run("plan", "web.yaml", "--set", "shop", ORCHESTR8_ENGINE="memory")
    assert answer.status == 0
    lines = answer.output.splitlines()
    assert lines[0].split() == ["SERVICE", "BOXES", "WHAT"]
    assert lines[1].startswith("+ back.web   0 -> 1  provision")
    assert any(line.startswith("+ front.web  0 -> 2  provision") for line in lines)
    assert "3 to provision." in lines
    assert any(
        re.fullmatch(r"1 relaxation in force; next end in \d+ days \(front.web net.egress\).", line)
        for line in lines
    )
    assert any(line.startswith("Self-approved, ") for line in lines)
    assert any(re.match(r"\d+ gaps on this engine \(", line) for line in lines)
    assert lines[-1] == "Apply this:  orchestr8 apply web.yaml --set shop"
    assert "\x1b" not in answer.output, "no colour where no terminal is"


def test_a_port_that_is_open_beyond_this_machine_is_flagged(console: Console) -> None:
    flag = "Open beyond this machine, without an edge: front.web 0.0.0.0:8443."
    for address, is_flagged in (("0.0.0.0", True), ("127.0.0.1", False)):
        text = RELAXED.replace("replicas: 2", f"publish: {{{address}:8443: 8080}}")
        answer = console.run("plan", "-", stdin=text, ORCHESTR8_ENGINE="memory")
        assert (flag in answer.output.splitlines()) is is_flagged, answer.everything


def test_exit_code_says_whether_there_is_anything_to_do(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    assert console.run("plan", "hello.yaml", ORCHESTR8_ENGINE="memory").status == 0
    answer = console.run("plan", "hello.yaml", "--exit-code", ORCHESTR8_ENGINE="memory")
    assert answer.status == 10
    none = HELLO.replace('"hello:1",', '"hello:1", replicas: 0,')
    answer = console.run("plan", "-", "--exit-code", stdin=none, ORCHESTR8_ENGINE="memory")
    assert answer.status == 0
    assert "Nothing to do." in answer.output
    assert "Apply this" not in answer.output


def test_a_plan_as_json(console: Console) -> None:
    console.write("web.yaml", RELAXED)
    answer = console.run("plan", "web.yaml", "--output", "json", ORCHESTR8_ENGINE="memory")
    document = answer.document
    assert (document["schema"], document["kind"], document["set"]) == (1, "plan", "default")
    assert (document["engine"], document["changes"]) == ("memory", True)
    steps = {step["service"]: step for step in document["steps"]}
    assert steps["front.web"]["mark"] == "+"
    assert (steps["front.web"]["boxes_before"], steps["front.web"]["boxes_after"]) == (0, 2)
    assert steps["front.web"]["owner"] == "web"
    calls = {action["call"] for action in document["actions"]}
    assert {"CreateBox", "StartBox", "AwaitBox"} <= calls
    for action in document["actions"]:
        assert all(needed < action["number"] for needed in action["needs"])
    egress = [one for one in document["relaxations"] if one["id"] == "net.egress"]
    assert egress[0]["by"].startswith("self-approved")
    assert egress[0]["until"] == "2999-02-28"
    assert document["gaps"][0].keys() == {"feature", "asked", "why"}
    assert document["apply"] == "orchestr8 apply web.yaml"


def test_the_same_text_gives_the_same_plan(console: Console) -> None:
    console.write("web.yaml", RELAXED)
    words = ("plan", "web.yaml", "--output", "json")
    first, second = (console.run(*words, ORCHESTR8_ENGINE="memory") for _ in range(2))
    assert first.output == second.output


def test_a_plan_stores_nothing(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    console.run("plan", "hello.yaml", ORCHESTR8_ENGINE="memory")
    assert "nothing is applied on this machine" in console.run("status").output


def test_no_engine_is_a_sentence(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    for verb in ("plan", "apply"):
        answer = console.run(verb, "hello.yaml")
        assert answer.status == 1
        assert answer.output == ""
        assert answer.errors.startswith("orchestr8: no Docker Engine answers at unix://")
        assert len(answer.errors.splitlines()) == 2, "what happened, and what to type"


def test_a_remote_engine_is_refused(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    answer = console.run("plan", "hello.yaml", DOCKER_HOST="tcp://192.0.2.1:2375")
    assert answer.status == 1
    assert "a Docker Engine on another machine" in answer.errors


def test_a_state_folder_that_cannot_be_used_is_a_sentence(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    console.write("file", "")
    state = str(console.folder / "file" / "state")
    answer = console.run("apply", "hello.yaml", ORCHESTR8_ENGINE="memory", ORCHESTR8_STATE=state)
    assert answer.status == 1
    assert "state folder" in answer.errors


def test_a_simulated_apply_comes_to_its_end(console: Console) -> None:
    console.write("web.yaml", RELAXED)
    answer = console.run("apply", "web.yaml", ORCHESTR8_ENGINE="memory")
    assert answer.status == 0, answer.everything
    lines = answer.output.splitlines()
    assert sum(line.startswith(("0.", "1.")) for line in lines) == 3, "one line a box"
    assert all("create" in line and "start" in line for line in lines[:3])
    assert any(re.match(r"3 boxes started in .*, settled after .*; nothing left", x) for x in lines)
    assert lines[-1].startswith("simulated: ")
    assert "Nobody watches" not in answer.output, "nothing is left that could be watched"


def test_a_simulated_apply_as_json(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    answer = console.run("apply", "hello.yaml", "--output", "json", ORCHESTR8_ENGINE="memory")
    document = answer.document
    assert (document["kind"], document["exit"], document["changed"]) == ("applied", 0, True)
    assert document["started"] == ["me--hello--1"]
    assert {"create", "start", "settled"} <= document["boxes"][0]["phases"].keys()
