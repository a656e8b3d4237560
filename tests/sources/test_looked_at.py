"""What a source has is read and judged beside whoever makes the changes, and believed only while
what it was judged by stands."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from orchestr8.controller import sources as syncing
from orchestr8.controller.found import Found, Outlook, looked_at
from orchestr8.controller.settings import Settings
from orchestr8.controller.sources import Synced
from orchestr8.manifest.model import DeclaredSource
from tests.controller.road import TIMEOUT_MS, manifest
from tests.sources.team import WEB, Team, told


def looked_at_before(team: Team) -> tuple[Settings, DeclaredSource, Outlook]:
    """What whoever looks ahead is given."""
    with team.road.open() as opened:
        (source,) = syncing.require_sources(opened, ("web",))
        return opened.settings, source, syncing.outlook(opened, source)


def taken(team: Team, found: Found) -> Synced:
    """What becomes of what was found."""
    with team.road.open() as opened:
        return syncing.take(opened, found, team.road.watcher, TIMEOUT_MS)


@pytest.mark.parametrize(("who", "state"), [("ann", "converged"), ("bob", "refused")])
def test_whoever_makes_the_changes_reads_and_judges_nothing_itself(
    team: Team, who: str, state: str
) -> None:
    commit = team.push("front", key={"ann": team.ann, "bob": team.bob}[who])
    given = looked_at_before(team)
    with looked_at(*given) as found:
        pass
    shutil.rmtree(given[0].cache)
    synced = taken(team, found)
    assert (synced.record.state, synced.record.seen) == (state, commit)


def test_files_are_read_though_whoever_looked_has_gone(team: Team) -> None:
    team.workshop.commit({WEB: manifest("web", "front"), "web/app.toml": "a"}, team.ann)
    with ExitStack() as stack:
        with ThreadPoolExecutor(1) as pool:
            look = looked_at(*looked_at_before(team))
            found = pool.submit(stack.enter_context, look).result()
        files = found.files(found.tip())
        assert files.read_file("web/app.toml") == b"a"


def test_members_that_are_named_while_a_commit_is_read_count(team: Team) -> None:
    team.push("front", key=team.ann)
    with looked_at(*looked_at_before(team)) as found:
        team.declare(members=team.bob.member)
        synced = taken(team, found)
    assert synced.record.state == "refused"
    assert told(synced)[0].endswith("and that is no key of the owner web")
