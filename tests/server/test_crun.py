"""On real boxes: what a server says of them is what is said here, and a member's boxes are a
member's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.crun_fleet import CrunFleet, fresh_crun
from tests.server.machine import serving
from tests.server.test_alike import same
from tests.server.test_matrix import Peers, typed

pytestmark = pytest.mark.on_engine("crun")

PLATFORM = """\
orchestr8: 1
platform: {mode: team, owners: {pay: {members: [user:daemon]}, data: {members: [group:mail]}}}
"""
WEB = 'orchestr8: 1\nowner: pay\nservices: {web: {image: "hello:1", replicas: 2}}\n'
LOOKS = ("status", "why web.pay --output json", "logs 1.web.pay", "prove", "plan {web} --set pay")


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Iterator[CrunFleet]:
    for made in fresh_crun():
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        made.take_images("hello:1")
        yield made


def test_boxes_are_told_of_and_changed_through_the_server(fleet: CrunFleet, tmp_path: Path) -> None:
    platform, web = tmp_path / "platform.yaml", tmp_path / "web.yaml"
    platform.write_text(PLATFORM)
    web.write_text(WEB)
    with serving() as path:
        fleet.run("apply", str(platform), "--set", "platform")
        peers = Peers(path.parent, ("member", "other member"))
        try:
            applied = peers.ask("member", "POST", "/v1/commands/apply", typed("w --set pay", w=WEB))
            assert applied.exit == 0 and "2 boxes started" in applied.text, applied.text
            for verb in ("logs", "why", "restart"):
                place, words = f"/v1/commands/{verb}", typed("web.pay")
                assert peers.ask("other member", "POST", place, words).exit == 2
            assert peers.ask("member", "POST", "/v1/commands/logs", typed("web.pay")).exit == 0
        finally:
            peers.close()
        served = looks(fleet, web)
        path.rename(path.with_suffix(".away"))
        assert looks(fleet, web) == served


def looks(fleet: CrunFleet, web: Path) -> list[list[str]]:
    """What each look says."""
    lines = [line.format(web=web).split() for line in LOOKS]
    return [[*words, *same(fleet.run(*words, exit_status=None))] for words in lines]
