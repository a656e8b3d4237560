"""Boxes of what is gone are asked to end as their manifests said, whoever takes them away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import hosts
from tests.scenarios.crun_fleet import fresh_crun
from tests.scenarios.fleet import Home, fresh, served

PROGRAM = (
    "trap '' TERM; for one in USR1 USR2; do trap \"echo $one >> /data/asked; exit 0\" $one; done; "
    ": > /data/ready; while :; do sleep 0.05; done"
)
"""Deaf to the image's signal; says by which other one it was asked."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("crun", marks=pytest.mark.on_engine("crun")),
        pytest.param("28", marks=pytest.mark.on_engine("docker28")),
    ],
)
def fleet(request: pytest.FixtureRequest) -> Iterator[Home]:
    """An installation of its own on either engine."""
    if request.param == "crun":
        for on_crun in fresh_crun():
            on_crun.take_images("probe:1")
            yield on_crun
        return
    with hosts.engine(request.param) as engine:
        hosts.load_images(engine.socket)
        yield from fresh(engine)


def _manifest(**signals: str) -> str:
    """A service each, with the signal that it wants."""
    services = "".join(
        f"  {name}:\n    image: probe:1\n"
        f"    entrypoint: [/bin/sh, -c, {json.dumps(PROGRAM)}]\n    args: []\n"
        f"    volumes: {{/data: {name}}}\n    stop: {{signal: {signal}, grace: 90s}}\n"
        "    health: {command: [/usr/bin/test, -e, /data/ready], every: 100ms}\n"
        for name, signal in signals.items()
    )
    volumes = "".join(f"  {name}: {{}}\n" for name in signals)
    return f"orchestr8: 1\nowner: me\nservices:\n{services}volumes:\n{volumes}"


def _asked(fleet: Home, name: str) -> str:
    """By which signals the service's boxes were asked to end."""
    listed = fleet.json("volume", "ls")["volumes"]
    (volume,) = (one for one in listed if one["volume"] == f"{name}.me")
    file = Path(volume["path"], "asked")
    return file.read_text() if file.exists() else ""


def test_what_is_pruned_and_what_is_adopted_ends_as_it_was_promised(fleet: Home) -> None:
    fleet.apply_text(_manifest(db="SIGUSR1", web="SIGUSR2"), "--set", "site")
    fleet.apply_text(_manifest(web="SIGUSR2"), "--set", "site")
    assert (_asked(fleet, "db"), _asked(fleet, "web")) == ("USR1\n", "")
    installation = fleet.installation
    for path in (fleet.base / "state").glob("orchestr8.db*"):
        path.unlink()
    fleet.run("adopt", "--installation", installation)
    fleet.run("remove", "--set", "site")
    assert _asked(fleet, "web") == "USR2\n"


def test_a_server_asks_as_was_declared_last(fleet: Home) -> None:
    with served(fleet):
        fleet.apply_text(_manifest(mail="SIGUSR1"), "--set", "site")
        fleet.apply_text(_manifest(mail="SIGUSR2"), "--set", "site")
        assert _asked(fleet, "mail") == "", "how it ends changes in place"
        fleet.run("down", "--set", "site")
        assert _asked(fleet, "mail") == "USR2\n"
