"""A command through the server says what it says here, on both streams, with the same status."""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from orchestr8 import client
from orchestr8.__main__ import run
from orchestr8.engines.select import SIMULATED
from orchestr8.server.routes import ROUTES
from tests.server.machine import serving

WEB = """\
orchestr8: 1
owner: web
services:
  front: {image: "front:1", files: {/etc/front.toml: ./front.toml}, health: {tcp: 80, every: 100ms}}
"""
SHOP = """\
orchestr8: 1
owner: shop
services:
  api: {image: "api:1", replicas: 2, health: {tcp: 80, every: 100ms}, accepts: [front.web:80]}
"""
BAD = "orchestr8: 1\nowner: web\nservices:\n  front: {image: 3, colour: red}\n"
PIPED = """\
orchestr8: 1
owner: pipe
services: {api: {image: "api:1", volumes: {/data: data}, health: {tcp: 80, every: 100ms}}}
volumes: {data: {}}
"""

LINES = """\
history
status
status web.front
status --output json
plan web
plan web --output json
plan web --exit-code
plan nix.yaml
plan web --set web --out first.json
apply first.json
apply first.json web
apply web --set web
apply web
apply web --set web --output json
apply web --set web --expect 9
apply web --set web --expect 9 --output json
apply web --set web --expect 1
apply --set web --expect 1
apply --expect 1
apply --set web --expect nix
down --set web --expect 9
remove --set web --expect 9
rollback --set web --expect 9
plan web --set web --out /no/such/folder/p.json
plan web --set web --out web/web.yaml
plan bad.yaml
plan bad.yaml --output json
plan gone.yaml
apply bad.yaml
apply odd
apply odd/\udcff.yaml --set odd
apply link
apply shop.yaml
apply - < piped
apply shop.yaml shop.yaml
apply
apply --set web
apply --set nix
apply --pull
apply --timeout never
apply web --set web --engin
status
status front.web
status front.web --output json
status nix.web
status front
top
top --once
top front.web --output json
top nix.web
why front.web
why front.web --output json
why nix.web
why
logs front.web
logs front.web --lines 5 --output json
logs 7.front.web
logs nix.web
logs front.web --follow --output json
logs nix.web --follow
logs 7.front.web -f
exec front.web -- ls -l
exec front.web ls --help
exec front.web
exec 0.front.web --
exec nix.web ls
exec 7.front.web ls
volume ls
volume ls --output json
volume copy data.pipe before
volume copy data.pipe before
volume copy data.pipe second --output json
volume copy nix.web
volume ls
volume restore data.pipe before
volume restore data.pipe nix
volume delete data.pipe
volume delete data.pipe --name data.pipe
volume delete data.pipe@second --name data.pipe@second --output json
volume delete data.pipe@second --name data.pipe@second
volume delete nix.web --name nix.web
volume
history
history --set web
history --set nix
history --set web --show 1
history --set web --show 9
history --output json
history --journal --last 3
history --journal --head nix
history --journal --set web
events
events front.web --last 3
events --after 4 --output json
events nix.web
events --last -1
trace front.web
trace 0.front.web --output json
trace nix.web
trace web--front--99
prove
prove front.web
prove front.web --output json
prove nix.web
set front.web limits.memory=64MiB
set front.web limits.memory=64MiB --output json
set front.web replicas=2 limits.pids=64
set front.web limits.memory=1KiB
set front.web colour=red
set front.web
set nix.web replicas=1
plan web --set web
set front.web --end
hold front.web
hold front.web --until 2h --reason "the disk is changed"
hold front.web --until never --reason x
restart front.web
hold front.web --end
hold front.web --end --output json
restart front.web
restart front.web --slot 0 --output json
restart front.web --slot 9
restart api.pipe
restart nix.web
apply web2 --set web
rollback --set web --plan
rollback --set web --plan --output json
rollback 1 --set web
rollback 99 --set web
rollback --set nix
rollback 0
sync
sync nix --output json
token ls
token create ci --owner web --until 1h
token create ci --owner platform --until 1h
token create
token ls --output json
token revoke ci
token revoke ci
upgrade --plan
upgrade
upgrade --set nix
down --set web
down --set nix
status --output json
why front.web
apply --set web --output json
down --output json
remove --set web
remove --set nix --output json
remove
volume restore data.pipe before --output json
volume restore data.pipe before
volume delete data.pipe --name data.pipe
volume delete data.pipe --name data.pipe
volume ls
status
history
"""

_TIMES = (
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?", "TIME"),
    (r"\d\d:\d\d:\d\d", "TIME"),
    (r" *[\d.]+ (ms|s|min)\b", " SPAN"),
    (r"((?:create|start|stop|remove|healthy|limits|net|image) ) *[\d.]+", r"\1SPAN"),
    (r'("\w*(?:milliseconds|_ms)": )[\d.]+', r"\1SPAN"),
    (r'("(?:milliseconds|phases)": )\{[^}]*\}', r"\1SPANS"),
    (r"\b[0-9a-f]{16,64}\b", "HASH"),
    (r"\bo8_[A-Za-z0-9_-]{43}", "TOKEN"),
    (r"(the server|`orchestr8 apply`) does what has waited", "WHO does what has waited"),
)
ABOUT_WATCHING = ("simulated: these boxes exist", "The server of this machine keeps")


def same(text: str) -> list[str]:
    """What was said, without what no two runs have in common."""
    for pattern, instead in _TIMES:
        text = re.sub(pattern, instead, text)
    lines = [line.rstrip() for line in text.splitlines()]
    return [line for line in lines if not line.startswith(ABOUT_WATCHING)]


def prepare(folder: Path) -> None:
    """The files that the lines name."""
    for name in ("web", "web2"):
        (folder / name).mkdir()
        (folder / name / "front.toml").write_text(name)
        (folder / name / "web.yaml").write_text(WEB)
        (folder / name / "other.yaml").write_text("- of another program\n")
    (folder / "shop.yaml").write_text(SHOP)
    (folder / "bad.yaml").write_text(BAD)
    (folder / "gone.yaml").write_text(WEB)  # its file is not beside it
    (folder / "piped").write_text(PIPED)
    (folder / "link").symlink_to("shop.yaml")
    (folder / "odd").mkdir()
    (folder / "odd" / os.fsdecode(b"\xff.yaml")).write_text(WEB)


@contextmanager
def standard_input(monkeypatch: pytest.MonkeyPatch, file: str) -> Iterator[None]:
    """A file as standard input."""
    with monkeypatch.context() as patch, Path(file or "/dev/null").open("rb") as opened:
        patch.setattr(sys, "stdin", io.TextIOWrapper(opened))
        yield


def typed(
    folder: Path, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> list[list[str]]:
    """What each line says, and its status."""
    said = []
    for line in LINES.splitlines():
        words, _, file = line.partition(" < ")
        capture.readouterr()
        with standard_input(monkeypatch, file):
            status = run(shlex.split(words))
        caught = capture.readouterr()
        text = (caught.out + "\n--\n" + caught.err).replace(str(folder), "FOLDER")
        said.append([f"$ {line}", *same(text), f"-> {status}"])
    return said


def test_every_verb_and_form_is_the_same_both_ways(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = []
    asked: list[str] = []
    connected = client._connected

    def counted() -> object:
        peer = connected()
        asked.append("served" if peer else "here")
        return peer

    monkeypatch.setattr(client, "_connected", counted)
    for server in (False, True):
        place = folder / ("served" if server else "alone")
        place.mkdir()
        for name in ("state", "run", "secrets"):
            monkeypatch.setenv(f"ORCHESTR8_{name.upper()}", str(place / name))
        monkeypatch.chdir(place)
        prepare(place)
        SIMULATED.clear()
        with serving() if server else nullcontext():
            both.append(typed(place, capfd, monkeypatch))
        assert set(asked) == {"served" if server else "here"}
        asked.clear()
    differing = [
        f"{alone} / {served}" for alone, served in zip(*both, strict=True) if alone != served
    ]
    assert differing == []


def test_every_verb_of_a_route_is_asked_for_and_compared() -> None:
    verbs = {route.verb for route in ROUTES if route.verb}
    assert verbs == client.VERBS
    assert verbs == {line.split()[0] for line in LINES.splitlines()}
