"""From a folder to what runs: a content is taken whole, pinned, pruned and shown as a commit is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestr8.cli.source_lines import source_lines
from orchestr8.controller import sources as syncing
from orchestr8.controller.proposal import propose
from orchestr8.controller.rollback import roll_back
from orchestr8.controller.source_status import source_status
from orchestr8.controller.sources import Synced
from orchestr8.controller.trace import trace
from orchestr8.errors import UsageError
from tests.controller.looping import looping, until
from tests.controller.road import TIMEOUT_MS, Road, manifest
from tests.sources.team import told as wrong
from tests.sources.test_polling import polling, told


@dataclass
class Deploy:
    """A machine with one source, a folder of web."""

    road: Road
    folder: Path

    def put(self, text: str, name: str = "web.yaml") -> None:
        """Puts a manifest there as a careful writer does, in one go."""
        path = self.folder / name
        path.parent.mkdir(mode=0o755, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text)
        fresh.rename(path)

    def sync(self) -> Synced:
        """`sync web`."""
        with self.road.open() as opened:
            (source,) = syncing.require_sources(opened, ("web",))
            return syncing.sync(opened, source, self.road.watcher, TIMEOUT_MS)


@pytest.fixture
def deploy(ground: Path) -> Deploy:
    """Nothing lies in the folder yet; its interval is too long for a test."""
    made = Deploy(Road(ground / "machine"), ground / "deploy")
    for reference, mark in (("front:1", "a"), ("front:2", "b"), ("work:1", "c")):
        made.road.image(reference, mark)
    made.road.folder.mkdir(mode=0o755)
    made.folder.mkdir(mode=0o755)
    text = (
        "orchestr8: 1\nplatform:\n  owners: {web: {}, data: {}}\n"
        f"  sources: {{web: {{folder: {made.folder}, owner: web, every: 1d}}}}\n"
    )
    made.road.apply({"platform.yaml": text}, "rules")
    return made


def test_a_content_runs_and_is_shown_by_its_name(deploy: Deploy) -> None:
    deploy.put(manifest("web", "front"))
    synced = deploy.sync()
    assert (wrong(synced), synced.record.state, synced.is_new) == ([], "converged", True)
    assert deploy.road.boxes() == {"web--front--1": "a"}
    again = deploy.sync()
    assert (again.applied, again.is_new) == (None, False)
    shown = f"content {synced.record.good[:12]} of {deploy.folder}"
    with deploy.road.open() as opened:
        (revision,) = opened.store.documents.history("web")
        found = trace(opened, "0.front.web")
        lines = source_lines(source_status(opened))
    assert (revision.deed.note, revision.deed.commit) == (shown, synced.record.good)
    assert found.commit
    assert found.commit.is_content
    assert (found.commit.subject, str(found.place)) == (str(deploy.folder), "web.yaml:4:3")
    assert shown in lines[2]


def test_a_bad_content_changes_nothing_and_is_told_at_its_line(deploy: Deploy) -> None:
    deploy.put(manifest("web", "front"))
    good = deploy.sync().record.good
    deploy.put(manifest("web", "front front:2").replace("image", "imgae"))
    synced = deploy.sync()
    assert (synced.record.state, synced.record.good) == ("invalid", good)
    assert any(one.startswith("web.yaml:4:11: ") for one in wrong(synced))
    deploy.put(manifest("data", "front front:2"))
    assert deploy.sync().record.state == "refused"
    deploy.folder.chmod(0o777)
    deploy.put(manifest("web", "front front:2"))
    assert wrong(deploy.sync()) == [f"{deploy.folder}: everybody may write to it"]
    assert deploy.road.boxes() == {"web--front--1": "a"}
    deploy.folder.chmod(0o755)
    assert deploy.sync().record.state == "converged"
    assert deploy.road.boxes() == {"web--front--2": "b"}


def test_a_folder_that_is_gone_takes_nothing_away(deploy: Deploy) -> None:
    deploy.put(manifest("web", "front"))
    good = deploy.sync().record.good
    deploy.folder.rename(deploy.folder.with_name("away"))
    synced = deploy.sync()
    assert (synced.record.state, synced.record.good) == ("unreachable", good)
    assert deploy.road.boxes() == {"web--front--1": "a"}


def test_what_a_content_no_longer_names_goes_and_nothing_else(deploy: Deploy) -> None:
    deploy.road.apply({"data.yaml": manifest("data", "worker work:1")})
    deploy.put(manifest("web", "front"))
    deploy.put(manifest("web", "worker work:1"), "sub/more.yaml")
    deploy.sync()
    assert len(deploy.road.boxes()) == 3
    (deploy.folder / "sub" / "more.yaml").unlink()
    deploy.sync()
    assert sorted(deploy.road.boxes()) == ["data--worker--1", "web--front--1"]


def test_a_rollback_holds_until_the_content_changes(deploy: Deploy) -> None:
    deploy.put(manifest("web", "front"))
    first = deploy.sync().record.good
    deploy.put(manifest("web", "front front:2"))
    deploy.sync()
    with deploy.road.open() as opened:
        roll_back(opened, "web", 1, deploy.road.watcher, TIMEOUT_MS)
    assert deploy.sync().applied is None
    assert deploy.road.boxes() == {"web--front--3": "a"}
    deploy.put(manifest("web", "front"))  # what it had before is as new as anything else
    synced = deploy.sync()
    assert (synced.record.good, synced.is_new) == (first, True)


def test_a_folder_is_planned_and_has_no_branches(deploy: Deploy) -> None:
    deploy.put(manifest("web", "front"))
    with deploy.road.open() as opened:
        (source,) = syncing.require_sources(opened, ("web",))
        found = propose(opened, source, "")
        with pytest.raises(UsageError, match="a folder has no branches"):
            propose(opened, source, "feature")
    assert (found.commit.subject, found.unsigned) == (str(deploy.folder), ())
    assert found.prospect.changes
    assert deploy.road.boxes() == {}


def test_what_is_written_while_a_server_runs_is_heard_of(deploy: Deploy) -> None:
    """In a sub-folder that was not there when the watch began, too."""
    deploy.put(manifest("web", "front"))
    with looping(deploy.road) as running, polling(deploy.road, running):
        until(lambda: len(told(running)) == 1)
        deploy.put(manifest("web", "worker work:1"), "sub/more.yaml")
        until(lambda: sorted(deploy.road.boxes().values()) == ["a", "c"])
        deploy.put(manifest("web", "worker front:2"), "sub/more.yaml")
        until(lambda: sorted(deploy.road.boxes().values()) == ["a", "b"])
        (deploy.folder / "sub" / "more.yaml").unlink()
        until(lambda: list(deploy.road.boxes().values()) == ["a"])
