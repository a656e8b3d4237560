"""Who may do what: every route of the API's own description, for everybody who may come.

Accounts are real ones, namespaces too. Members are given in the platform part in force.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestr8.__main__ import run
from tests.house import ROOT
from tests.server.machine import Reply, parsed, request, serving

PAY_UID, DATA_UID, DATA_GID, PLATFORM_GID, STRANGER_UID = 1, 4711, 8, 60, 4712
"""daemon; somebody in the group mail; games; and somebody else."""
PLATFORM = """\
orchestr8: 1
platform:
  mode: team
  members: [group:games]
  owners:
    pay: {members: [user:daemon], quota: {memory: 4GiB}}
    data: {members: [group:mail]}
"""
HEALTH = "health: {tcp: 80, every: 100ms}"
PAY = f"""\
orchestr8: 1
owner: pay
services: {{api: {{image: "api:1", volumes: {{/ledger: ledger}}, {HEALTH}}}}}
volumes: {{ledger: {{}}}}
"""
DATA = f'orchestr8: 1\nowner: data\nservices:\n  db: {{image: "db:1", {HEALTH}}}\n'

PEERS: dict[str, tuple[list[str], list[str]]] = {
    "root": ([], ["", "", "", ""]),
    "platform": ([], [str(STRANGER_UID), "4712", str(PLATFORM_GID), ""]),
    "member": ([], [str(PAY_UID), "1", "", ""]),
    "other member": ([], [str(DATA_UID), "4711", f"100,{DATA_GID}", ""]),
    "stranger": ([], [str(STRANGER_UID), "4712", "", ""]),
    "nobody": ([], ["65534", "65534", f"{DATA_GID}", ""]),
    "nobody's root": (["unshare", "--user", "--map-root-user"], ["", "", "", ""]),
    "box": (["unshare", "--pid", "--fork", "--mount", "--"], ["", "", "", "/usr"]),
    "box of the member's number": (["unshare", "--pid", "--fork", "--"], ["1", "1", "", ""]),
    "another root folder": ([], ["", "", "", "/usr"]),
    "foreign user namespace": (["unshare", "--user"], ["", "", "", ""]),
}
"""How each peer comes about: what it is started by, and what it becomes."""
HOOK = "/v1/hooks/{source}"
INSIDE = {"root", "platform", "member", "other member"}


class Peers:
    """One process for each of those who come."""

    def __init__(self, folder: Path, who: Iterable[str] = PEERS) -> None:
        self._running: dict[str, subprocess.Popen[str]] = {}
        for name in who:
            before, becomes = PEERS[name]
            words = [*before, sys.executable, "-m", "tests.server.peer", str(folder), *becomes]
            self._running[name] = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
            )
        for name, one in self._running.items():
            assert one.stdout and one.stdout.readline() == "\n", name

    def ask(self, who: str, method: str, place: str, document: Any = None) -> Reply:
        """What comes back when they ask."""
        body = b"" if document is None else json.dumps(document).encode()
        head = f"{method} {place} HTTP/1.0\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        peer = self._running[who]
        assert peer.stdin and peer.stdout
        peer.stdin.write(base64.b64encode(head.encode() + body).decode() + "\n")
        peer.stdin.flush()
        return parsed(base64.b64decode(peer.stdout.readline()))

    def close(self) -> None:
        """They go home."""
        for one in self._running.values():
            assert one.stdin
            one.stdin.close()
            one.wait(60)
            assert one.stdout
            one.stdout.close()


def typed(line: str, **texts: str) -> dict[str, Any]:
    """A command's document, with manifests by the names of their files."""
    document: dict[str, Any] = {"arguments": line.split()}
    if texts:
        document["reading"] = {
            "paths": list(texts),
            "texts": [
                {"name": name, "content": base64.b64encode(text.encode()).decode()}
                for name, text in texts.items()
            ],
        }
    return document


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Peers]]:
    """A team's machine, and everybody who comes to it; none of them changes what others see."""
    folder = tmp_path_factory.mktemp("matrix")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("state", "run", "secrets"):
            patch.setenv(f"ORCHESTR8_{name.upper()}", str(folder / name))
        patch.setenv("ORCHESTR8_ENGINE", "memory")
        with serving() as path:
            for set_name, text in (("platform", PLATFORM), ("pay", PAY), ("data", DATA)):
                file = folder / f"{set_name}.yaml"
                file.write_text(text)
                assert run(["apply", str(file), "--set", set_name]) == 0
            peers = Peers(path.parent)
            try:
                yield path, peers
            finally:
                peers.close()


Theirs = tuple[dict[str, Any], dict[str, int]]
MEMBER_ONLY = {"root": 0, "platform": 0, "member": 0, "other member": 2}
EVERYBODY = dict.fromkeys(INSIDE, 0)
COMMANDS: dict[str, list[Theirs]] = {
    "plan": [(typed("pay --set pay", pay=PAY), {**MEMBER_ONLY, "other member": 3})],
    "apply": [
        (typed("pay --set pay", pay=PAY), {**MEMBER_ONLY, "other member": 3}),
        (typed("p --set platform", p=PLATFORM), {**EVERYBODY, "member": 3, "other member": 3}),
        (typed("--set pay"), MEMBER_ONLY),
    ],
    "status": [(typed(""), EVERYBODY), (typed("api.pay"), MEMBER_ONLY)],
    "why": [(typed("api.pay"), MEMBER_ONLY)],
    "logs": [
        (typed("api.pay"), MEMBER_ONLY),
        (typed("api.pay --follow --output json"), dict.fromkeys(INSIDE, 2)),
    ],
    "exec": [(typed("api.pay -- ls"), MEMBER_ONLY)],
    "volume": [
        (typed("ls"), EVERYBODY),
        (typed("delete ledger.pay@nix --name ledger.pay@nix"), dict.fromkeys(INSIDE, 2)),
        (
            typed("delete ledger.pay --name ledger.pay"),
            {**dict.fromkeys(INSIDE, 1), "other member": 2},
        ),
    ],
    "history": [
        (typed("--set pay"), MEMBER_ONLY),
        (typed("--journal"), {**EVERYBODY, "member": 3, "other member": 3}),
    ],
    "top": [(typed(""), EVERYBODY), (typed("api.pay"), MEMBER_ONLY)],
    "events": [(typed(""), EVERYBODY), (typed("api.pay"), MEMBER_ONLY)],
    "trace": [(typed("api.pay"), MEMBER_ONLY), (typed("pay--api--1"), MEMBER_ONLY)],
    "prove": [(typed("api.pay"), MEMBER_ONLY)],
    "restart": [(typed("api.pay"), MEMBER_ONLY)],
    "set": [(typed("api.pay limits.pids=99"), MEMBER_ONLY)],
    "hold": [(typed("api.pay --until 1h --reason x"), MEMBER_ONLY)],
    "rollback": [(typed("1 --set pay --plan"), MEMBER_ONLY)],
    "down": [(typed("--set pay"), MEMBER_ONLY)],
    "remove": [(typed("--set pay --timeout never"), dict.fromkeys(INSIDE, 2))],
    "sync": [(typed("nix"), dict.fromkeys(INSIDE, 2))],
    "token": [(typed("ls"), {"root": 0, "platform": 0})],
    "upgrade": [(typed("--plan"), {"root": 0, "platform": 0})],
}
"""For each command the documents that are tried, and the exit status for each who may come in; who
is left out is not let in. What would take the set away from the others is not tried to its end."""


def routes(path: Path) -> list[tuple[str, str, str]]:
    """Method, path and operation of everything that the API says it has."""
    document = request(path, "GET", "/v1/openapi.json").document
    return [
        (method.upper(), place, operation["operationId"])
        for place, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_route_for_everybody(machine: tuple[Path, Peers]) -> None:
    path, peers = machine
    listed = [one for one in routes(path) if one[1] != HOOK]
    assert {name for method, _, name in listed if method == "POST"} == set(COMMANDS)
    told = []
    for method, place, name in listed:
        tried: list[tuple[Any, dict[str, int]]] = [(None, EVERYBODY)]
        if method == "POST":
            tried = list(COMMANDS[name])
        for document, allowed in tried:
            for who in PEERS:
                reply = peers.ask(who, method, place, document)
                expected = 200 if who in allowed else 403
                came = (reply.status, reply.exit if document and reply.status == 200 else 0)
                if came != (expected, allowed.get(who, 0)):
                    told.append(f"{who}: {place} {document}: {came} {reply.body[-300:]!r}")
            if name == "hold":
                peers.ask("root", method, place, typed("api.pay --end"))
            if name == "down":
                peers.ask("root", "POST", "/v1/commands/apply", typed("--set pay"))
    assert told == []


def test_who_is_not_let_in_learns_nothing(machine: tuple[Path, Peers]) -> None:
    path, peers = machine
    outside = [who for who in PEERS if who not in INSIDE]
    places = [(method, place) for method, place, _ in routes(path) if place != HOOK]
    places += [("GET", "/v1/no-such"), ("DELETE", "/v1/me"), ("POST", "/")]
    answers = {
        (reply.status, reply.body)
        for who in outside
        for method, place in places
        for reply in [peers.ask(who, method, place, {"arguments": []})]
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 403


def test_a_forges_word_is_nobodys_and_without_its_secret_it_is_nothing(
    machine: tuple[Path, Peers],
) -> None:
    path, peers = machine
    assert ("POST", HOOK, "source") in routes(path)
    replies = [peers.ask(who, "POST", HOOK, {"ref": "refs/heads/main"}) for who in PEERS]
    assert {(one.status, one.body) for one in replies} == {(404, replies[0].body)}


def test_everybody_is_told_who_they_are(machine: tuple[Path, Peers]) -> None:
    _, peers = machine
    me = {who: peers.ask(who, "GET", "/v1/me").document for who in INSIDE}
    assert me["member"] == {
        "name": "daemon (uid 1)", "uid": 1, "platform": False, "owners": ["pay"]
    }  # fmt: skip
    assert me["other member"]["owners"] == ["data"]
    assert me["other member"]["name"] == f"uid {DATA_UID}"
    assert me["platform"]["platform"] and me["root"]["platform"]


def test_not_theirs_and_not_there_sound_alike(machine: tuple[Path, Peers]) -> None:
    _, peers = machine
    lines = [f"{verb} SERVICE" for verb in ("why", "logs", "prove", "status", "top", "restart")]
    lines += ["logs SERVICE --follow", "exec SERVICE -- ls", "exec 0.SERVICE ls"]
    lines += ["volume copy VOLUME", "volume delete VOLUME --name VOLUME"]
    lines += ["volume restore VOLUME before", "volume delete VOLUME@before --name VOLUME@before"]
    for line in lines:
        said = set()
        for service, volume in (("api.pay", "ledger.pay"), ("nix.pay", "nix.pay")):
            verb, *words = line.replace("SERVICE", service).replace("VOLUME", volume).split()
            place = f"/v1/commands/{verb}"
            reply = peers.ask("other member", "POST", place, typed(" ".join(words)))
            assert reply.exit, line
            said.add((reply.exit, reply.text.replace(service, "NAME").replace(volume, "NAME")))
        assert len(said) == 1, said


def test_a_revision_of_anothers_set_sounds_like_that_of_none(machine: tuple[Path, Peers]) -> None:
    _, peers = machine
    for verb in ("apply", "down", "remove", "rollback"):
        for expected in (0, 1, 2):
            said = set()
            for name in ("pay", "nix"):
                line = f"--set {name} --expect {expected}"
                reply = peers.ask("other member", "POST", f"/v1/commands/{verb}", typed(line))
                said.add((reply.exit, reply.text.replace(name, "NAME")))
            assert len(said) == 1, said


def test_nobody_sees_what_is_anothers(machine: tuple[Path, Peers]) -> None:
    _, peers = machine
    looks = ("status", "status --output json", "top", "history", "events --last 0", "plan")
    for line in (*looks, "volume ls", "volume ls --output json"):
        verb, *words = line.split()
        texts = {"d": DATA} if verb == "plan" else {}
        document = typed(" ".join([*words, *texts, "--set data" if texts else ""]), **texts)
        reply = peers.ask("other member", "POST", f"/v1/commands/{verb}", document)
        assert reply.exit == 0, reply.text
        assert "pay" not in reply.text, line
        assert verb in ("plan", "history", "events", "volume") or "db.data" in reply.text


def test_whoever_has_nothing_is_told_that_of_their_own(folder: Path) -> None:
    with serving() as path:
        peers, said = Peers(path.parent, ["member"]), []
        for text in (PLATFORM, DATA):
            (folder / "x.yaml").write_text(text)
            assert run(["apply", str(folder / "x.yaml")]) == 0
            told = [
                peers.ask("member", "POST", f"/v1/commands/{verb}", typed("")).text
                for verb in ("status", "history", "top", "prove")
            ]
            said.append(told)
        peers.close()
    assert said[0] == said[1], "of others nothing is told"
    assert said[0] == [
        "nothing of yours is applied on this machine; begin with `orchestr8 apply PATH`.\n",
        "nothing of yours was ever applied here; begin with `orchestr8 apply PATH`.\n",
        "no box of yours runs.\n",
        "no box of yours runs, so there is nothing to prove.\n",
    ]


def test_the_journal_says_who_it_was(machine: tuple[Path, Peers]) -> None:
    _, peers = machine
    peers.ask("member", "POST", "/v1/commands/restart", typed("api.pay"))
    reply = peers.ask("root", "POST", "/v1/commands/history", typed("--journal --output json"))
    rows = json.loads(reply.text)["rows"]
    assert any(row["actor"] == "daemon (uid 1)" and "pay" in row["subject"] for row in rows)


def test_peers_are_real(machine: tuple[Path, Peers]) -> None:
    assert os.geteuid() == 0
    assert machine[0].stat().st_mode & 0o777 == 0o666
