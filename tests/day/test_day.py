"""A scripted day on a real machine: what teams push runs, what is wrong changes nothing, what
breaks is mended, and each team sees what is its own. The transcript is .cache/day.md."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.day.machine import Machine, Team, kill, written
from tests.scenarios.crun_fleet import fresh_crun
from tests.scenarios.fleet import ROOT
from tests.server.test_matrix import Peers
from tests.sources.server import serving
from tests.sources.workshop import open_ground, ssh_key

pytestmark = pytest.mark.on_engine("crun")

TRANSCRIPT = ROOT / ".cache" / "day.md"
CACHE_PIDS = 64
ENDS = (datetime.now(UTC) + timedelta(days=1)).date()


def web(greeting: str) -> dict[str, str | None]:
    """Two boxes of a page; another greeting is another spec, so boxes are replaced."""
    text = f"""\
orchestr8: 1
owner: web
services:
  front:
    image: "hello:1"
    replicas: 2
    env: {{GREETING: {greeting}}}
    health: {{http: ":8080/", every: 200ms}}
    connects: [cache.data:6379]
"""
    return {"front.yaml": text}


DATA: dict[str, str | None] = {
    "cache.yaml": """\
orchestr8: 1
owner: data
services:
  cache:
    image: "redis:debian"
    scratch: {/data: 16MiB}
    accepts: [front.web:6379]
    limits: {pids: 64}
"""
}
BI: dict[str, str | None] = {
    "report.yaml": f"""\
orchestr8: 1
owner: bi
services:
  report:
    image: "hello:1"
    relax:
      - net.egress: {{to: 198.51.100.0/24, ports: [443]}}
        why: the bank's exchange rates
        until: {ENDS}
"""
}


@dataclass
class Day:
    """The machine, who runs it, and the three teams."""

    machine: Machine
    platform: Team
    web: Team
    data: Team
    bi: Team

    def rules(self) -> dict[str, str | None]:
        """The platform's part."""
        address = self.machine.served.address
        teams = {"web": "user:daemon", "data": "group:mail", "bi": "user:games"}
        owners = "\n".join(
            f'    {one.name}: {{members: ["{one.key.member}", "{teams[one.name]}"]'
            + (", may: [net.egress]}" if one is self.bi else "}")
            for one in (self.web, self.data, self.bi)
        )
        sources = "\n".join(
            f"    {one.name}: {{git: {address}/{one.name}.git, every: 5s, start: {one.start}"
            + ("}" if one is self.platform else f", owner: {one.name}}}")
            for one in (self.platform, self.web, self.data, self.bi)
        )
        text = (
            "orchestr8: 1\nplatform:\n  mode: team\n"
            f'  members: ["{self.platform.key.member}"]\n'
            "  policy: {on_expiry: tighten}\n"
            f"  owners:\n{owners}\n  sources:\n{sources}\n"
        )
        return {"platform.yaml": text}


@pytest.fixture
def day() -> Iterator[Day]:
    """An empty host, a git server, four repositories with nothing in them yet."""
    for fleet in fresh_crun():
        with open_ground() as ground:
            (ground / "git").mkdir(mode=0o755)
            (ground / "home").mkdir(mode=0o755)
            people = {"platform": "Pat", "web": "Ann", "data": "Dora", "bi": "Bob"}
            teams = [
                Team.begun(ground, team, who, ssh_key(ground, who)) for team, who in people.items()
            ]
            plain = {
                str(fleet.base / "state"): "/var/lib/orchestr8",
                str(fleet.run_folder): "/run/orchestr8",
                str(ground): "/srv",
            }
            with serving(ground / "git") as served, written(TRANSCRIPT, plain) as transcript:
                machine = Machine(fleet, served, ground, transcript)
                try:
                    yield Day(machine, *teams)
                finally:
                    if machine.server:
                        machine.end_server()


def test_the_day(day: Day) -> None:
    _an_empty_host_comes_under_git(day)
    _three_owners_push(day)
    _what_is_wrong_changes_nothing(day)
    _what_breaks_is_mended(day)
    _the_server_is_killed_in_the_middle(day)
    _the_store_is_lost(day)
    _a_permission_ends(day)
    _each_team_sees_its_own(day)


def _an_empty_host_comes_under_git(day: Day) -> None:
    machine, story = day.machine, day.machine.transcript
    story.chapter("An empty host comes under git")
    machine.fleet.take_images("hello:1", "redis:debian")
    commit = day.platform.push(day.rules(), "Owners, their keys and their repositories")
    story.tell(f"Pat, who runs the machine, has signed commit {commit[:12]} of the platform.")
    source = ("--source", f"{machine.served.address}/platform.git")
    trust = ("--trust", day.platform.key.member)
    said = machine.type("enable", *source, *trust, exit_status=None)
    assert f"platform: {commit[:12]}" in said
    machine.start_server()
    machine.wait(lambda: machine.in_force("platform", commit))


def _three_owners_push(day: Day) -> None:
    machine, story = day.machine, day.machine.transcript
    story.chapter("Three owners push")
    pushed = {
        "web": day.web.push(web("good-morning"), "The page, twice"),
        "data": day.data.push(DATA, "A cache"),
        "bi": day.bi.push(BI, "The report asks the bank"),
    }
    story.tell(
        "Ann pushes a page of web, Dora a cache of data that web may use, Bob a report of bi that "
        f"may reach the bank until {ENDS}. Each signs with a key of their own."
    )
    for name, commit in pushed.items():
        machine.wait(lambda name=name, commit=commit: machine.in_force(name, commit))
    machine.wait(lambda: len(machine.boxes()) == 4)
    machine.type("status")
    said = machine.type("trace", "0.front.web")
    assert pushed["web"][:12] in said and day.web.key.member in said


def _what_is_wrong_changes_nothing(day: Day) -> None:
    machine, story = day.machine, day.machine.transcript
    before = machine.boxes()
    story.chapter("Something bad, something of another's, and a forged signature")
    good = {team.name: team.tip for team in (day.web, day.data, day.bi)}
    text = str(DATA["cache.yaml"]).replace("pids: 64", "pidz: 64")
    bad = day.data.push({"cache.yaml": text}, "Fewer processes for the cache")
    machine.wait(lambda: machine.refused("data", bad))
    story.tell("Dora of data mistypes a key.")
    reach = day.bi.push({"more.yaml": str(DATA["cache.yaml"])}, "Our own cache, for now")
    machine.wait(lambda: machine.refused("bi", reach))
    story.tell("Bob of bi declares a service of data.")
    eve = ssh_key(machine.ground, "eve")
    forged = day.web.push(web("pwned"), "A small fix", key=eve)
    machine.wait(lambda: machine.refused("web", forged))
    story.tell("Eve pushes to web's repository in Ann's name; the signature is by a key of hers.")
    said = machine.type("status")
    story.tell("Nothing of it runs.")
    for words in ("pidz", "cache.data is of another owner", "no key of the owner web"):
        assert words in said
    assert machine.boxes() == before
    story.tell("The three take their commits back.")
    for team in (day.web, day.data, day.bi):
        team.take_back(good[team.name])
        team.push({}, "As before")
    for team in (day.web, day.data, day.bi):
        machine.wait(lambda team=team: machine.in_force(team.name, team.tip))
    assert machine.boxes() == before


def _what_breaks_is_mended(day: Day) -> None:
    machine, story = day.machine, day.machine.transcript
    story.chapter("A box is killed, and a limit drifts")
    before = machine.boxes()
    cache = before["0.cache.data"]
    kill(machine.of_kernel(cache, "cgroup.procs"))

    def is_replaced() -> bool:
        now = machine.boxes().get("0.cache.data", cache)
        return now["id"] != cache["id"] and now["started_ms"] > 0

    machine.wait(is_replaced)
    story.tell("The cache was killed with SIGKILL, and another box has its place.")
    machine.type("why", "cache.data")
    limit = machine.of_kernel(machine.boxes()["0.cache.data"], "pids.max")
    assert int(limit.read_text()) == CACHE_PIDS
    limit.write_text(str(CACHE_PIDS * 8))
    machine.wait(lambda: int(limit.read_text()) == CACHE_PIDS)
    story.tell(
        "Somebody let it have 512 processes behind the server's back, and that was taken back."
    )
    kept = {slot: box for slot, box in before.items() if slot != "0.cache.data"}
    assert {slot: machine.boxes()[slot] for slot in kept} == kept


def _the_server_is_killed_in_the_middle(day: Day) -> None:
    machine, story = day.machine, day.machine.transcript
    story.chapter("The server is killed in the middle of an update")
    before = {box["id"] for box in machine.boxes().values()}
    commit = day.web.push(web("good-evening"), "Another greeting")
    machine.wait(lambda: set(running_folders(machine)) - before)
    machine.end_server(signal.SIGKILL)
    story.tell(
        "Ann pushes another greeting. When the first new box is there the server gets SIGKILL. "
        "Boxes run on; the server is started again, and goes on with what it finds."
    )
    machine.start_server()
    machine.wait(lambda: machine.in_force("web", commit))
    machine.wait(lambda: len(machine.boxes()) == 4)
    machine.type("status")
    after = machine.boxes()
    for slot in ("0.front.web", "1.front.web"):
        assert after[slot]["id"] not in before
    assert len(running_folders(machine)) == 4, "nothing is doubled"


def running_folders(machine: Machine) -> list[str]:
    """What the engine itself keeps of boxes."""
    return [one.name for one in machine.fleet.run_folder.glob("*/crun/boxes/*")]


def _the_store_is_lost(day: Day) -> None:
    machine, story = day.machine, day.machine.transcript
    story.chapter("The store is lost and restored")
    before = machine.boxes()
    machine.type("backup", "create", str(machine.ground / "evening.backup"))
    machine.end_server()
    for path in (machine.fleet.base / "state").glob("orchestr8.db*"):
        path.unlink()
    story.tell("The server was stopped, and the store's file deleted.")
    machine.type("status", exit_status=None)
    machine.type("backup", "restore", str(machine.ground / "evening.backup"))
    machine.start_server()
    machine.wait(lambda: machine.in_force("web", day.web.tip))
    assert machine.boxes() == before, "boxes live through it"
    said = machine.type("history", "--journal", "--last", "12")
    assert "broken" not in said


def _a_permission_ends(day: Day) -> None:
    machine, story = day.machine, day.machine.transcript
    story.chapter("A relaxation ends")
    before = machine.boxes()
    assert machine.lets_out("198.51.100.0")
    story.tell(f"Three days later. The way to the bank was open until {ENDS}.")
    machine.end_server()
    machine.start_server(days=3)
    machine.wait(lambda: not machine.lets_out("198.51.100.0"))
    said = machine.type("why", "report.bi")
    assert "ended" in said
    assert machine.boxes() == before, "a wall is put up in place"


def _each_team_sees_its_own(day: Day) -> None:
    machine, story = day.machine, day.machine.transcript
    story.chapter("What each team sees")
    peers = Peers(machine.fleet.run_folder, ("member", "other member", "stranger"))
    try:
        ann = machine.type_as(peers, "member", "a member of web", "status").text
        assert "front.web" in ann and "cache.data" not in ann and "report.bi" not in ann
        dora = machine.type_as(peers, "other member", "a member of data", "status").text
        assert "cache.data" in dora and "front.web" not in dora
        reach = machine.type_as(peers, "other member", "a member of data", "logs front.web")
        nothing = machine.type_as(peers, "other member", "a member of data", "logs nothing.web")
        assert reach.exit == nothing.exit == 2
        assert reach.text.replace("front", "nothing") == nothing.text
        assert peers.ask("stranger", "GET", "/v1/me").status == 403
    finally:
        peers.close()
    machine.type("status")
    machine.type("prove")
    machine.end_server()
