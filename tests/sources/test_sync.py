"""From a push to what runs, on a simulated machine: a bad commit changes nothing, and says why."""

from __future__ import annotations

import os

import pytest

from orchestr8.cli.source_lines import source_lines, state_of
from orchestr8.controller import sources as syncing
from orchestr8.controller.found import fetched
from orchestr8.controller.making import down
from orchestr8.controller.proposal import propose
from orchestr8.controller.rollback import roll_back
from orchestr8.controller.source_status import source_status
from orchestr8.controller.trace import trace
from orchestr8.engines.memory.workload import dies_at_once
from orchestr8.errors import Exit, RefusedError, UsageError
from orchestr8.planning.plan import Mark
from tests.controller.road import TIMEOUT_MS, manifest
from tests.sources.team import WEB, Team, told


def test_a_signed_push_runs_and_the_next_look_finds_nothing_new(team: Team) -> None:
    commit = team.push("front")
    synced = team.sync()
    assert told(synced) == []
    assert synced.applied
    assert (synced.applied.set_name, synced.applied.revision, synced.is_new) == ("web", 1, True)
    assert team.road.boxes() == {"web--front--1": "a"}
    assert (synced.record.state, synced.record.good) == ("converged", commit)
    again = team.sync()
    assert (again.applied, again.is_new, again.record.state) == (None, False, "converged")
    with team.road.open() as opened:
        (revision,) = opened.store.documents.history("web")
        commits = opened.store.sources.commit("web", commit)
    assert (revision.deed.actor, revision.deed.verb) == ("source web", "sync")
    assert revision.deed.commit == commit
    assert revision.deed.note == f"commit {commit[:12]} by Ann <ann@example.org>, signed"
    assert commits
    assert (commits.signer, commits.committer) == (team.ann.member, "Cleo <cleo@example.org>")


def test_a_push_that_nobody_of_the_owner_signed_changes_nothing(team: Team) -> None:
    good = team.push("front")
    team.sync()
    bad = team.push("front front:2", key=team.bob)
    synced = team.sync()
    assert synced.record.state == "refused"
    (said,) = told(synced)
    assert said.startswith(f"commit {bad[:12]}: ")
    assert said.endswith("and that is no key of the owner web")
    assert "writes it as the source's `start`" in synced.record.problems[0].remedy
    assert (synced.record.good, synced.record.seen) == (good, bad)
    assert team.road.boxes() == {"web--front--1": "a"}
    assert team.record() == synced.record
    team.push("front front:2", "worker work:1")
    assert team.sync().record.state == "refused"  # the bad one is still on the way


def test_a_bad_manifest_is_told_with_its_line_and_the_last_good_one_stays(team: Team) -> None:
    team.push("front")
    team.sync()
    team.workshop.commit({WEB: manifest("web", "front").replace("image", "imgae")}, team.ann)
    synced = team.sync()
    assert (synced.record.state, synced.applied) == ("invalid", None)
    assert any(one.startswith("web/web.yaml:4:11: ") for one in told(synced))
    assert "imgae" in synced.record.problems[0].source
    assert team.road.boxes() == {"web--front--1": "a"}
    team.push("front front:2")
    assert team.sync().record.state == "converged"
    assert team.road.boxes() == {"web--front--2": "b"}


def test_names_in_bytes_that_are_no_text_are_shown_and_kept(team: Team) -> None:
    folder = team.workshop.folder / "web"
    folder.mkdir()
    (folder / os.fsdecode(b"\xff.yaml")).write_text(manifest("web", "front"))
    team.workshop.commit(key=team.ann)
    assert team.sync().record.state == "converged"
    with team.road.open() as opened:
        (revision,) = opened.store.documents.in_force("web")
    assert [one.name for one in revision.sources] == ["web/\\xff.yaml"]


def test_a_commit_of_a_size_that_nobody_writes_is_refused(team: Team) -> None:
    good = team.push("front")
    team.sync()
    head = team.workshop.git("cat-file", "commit", "HEAD")
    words = f"{head}\n{'x' * (2 << 20)}\n".encode()
    huge = team.workshop.git("hash-object", "-t", "commit", "-w", "--stdin", text=words)
    after = team.workshop.git("commit-tree", "HEAD^{tree}", "-p", huge, "-m", "small again")
    for commit, why in (
        (huge, "it is larger than anybody writes a commit"),
        (after, f"its commit {huge[:12]} has more than 1 MiB"),
    ):
        team.workshop.git("update-ref", "refs/heads/main", commit)
        synced = team.sync()
        assert (synced.record.state, synced.record.good) == ("refused", good)
        assert told(synced) == [f"source web: its newest commit: {why}"]


def test_what_a_push_no_longer_names_goes_and_nothing_else(team: Team) -> None:
    team.road.apply({"data.yaml": manifest("data", "worker work:1")})
    team.push("front", "worker work:1")
    team.sync()
    team.push("front")
    team.sync()
    assert sorted(team.road.boxes()) == ["data--worker--1", "web--front--1"]


def test_a_source_brings_nothing_of_another_owner_or_of_the_platform(team: Team) -> None:
    team.push("front", owner="data")
    synced = team.sync()
    assert synced.record.state == "refused"
    assert told(synced) == [
        "web/web.yaml:4:3: front.data is of another owner, and the source web is of web alone"
    ]
    platform = "orchestr8: 1\nplatform: {owners: {web: {members: [user:eve]}}}\n"
    team.workshop.commit({WEB: manifest("web", "front"), "web/p.yaml": platform}, team.ann)
    (said,) = told(team.sync())
    assert "`platform` stands in it" in said
    team.push('front front:1, connects: ["nix.data:80"]')
    (said,) = told(team.sync())
    assert "nix.data does not accept front.web on port 80, or is not there" in said
    assert team.road.boxes() == {}


def test_members_are_those_in_force_when_a_commit_comes(team: Team) -> None:
    team.push("front")
    team.sync()
    team.declare(members=team.bob.member)
    team.push("front front:2", key=team.ann)
    assert team.sync().record.state == "refused"
    # what counted before goes on counting, and a member of today may follow
    team.workshop.git("reset", "-q", "--hard", "HEAD~1")
    team.push("front front:2", key=team.bob)
    synced = team.sync()
    assert (told(synced), synced.record.state) == ([], "converged")
    assert team.road.boxes() == {"web--front--2": "b"}


def test_going_back_to_an_older_signed_commit_is_refused(team: Team) -> None:
    team.push("front")
    team.sync()
    team.push("front front:2")
    team.sync()
    team.workshop.git("reset", "-q", "--hard", "HEAD~1")
    synced = team.sync()
    assert synced.record.state == "refused"
    assert "the branch was rewritten, or goes back" in told(synced)[0]
    assert team.road.boxes() == {"web--front--2": "b"}
    trusted = team.workshop.git("rev-parse", "HEAD")
    team.declare(web=f"path: web, owner: web, start: {trusted}")
    assert team.sync().record.state == "converged"
    assert team.road.boxes() == {"web--front--3": "a"}


def test_another_path_is_judged_from_the_start(team: Team) -> None:
    """What lay in another folder, unsigned, when that did not count."""
    start = team.workshop.git("rev-parse", "HEAD")
    team.workshop.commit({"other/web.yaml": manifest("web", "front front:2")})
    team.push("front")
    assert team.sync().record.state == "converged"
    team.declare(web=f"path: other, owner: web, start: {start}")
    synced = team.sync()
    assert synced.record.state == "refused"
    assert told(synced)[0].endswith("is not signed")


def test_a_rollback_holds_until_the_source_moves(team: Team) -> None:
    first = team.push("front")
    team.sync()
    team.push("front front:2")
    team.sync()
    with team.road.open() as opened:
        roll_back(opened, "web", 1, team.road.watcher, TIMEOUT_MS)
    assert team.sync().applied is None
    assert team.road.boxes() == {"web--front--3": "a"}
    with team.road.open() as opened:
        (status,) = source_status(opened)
        live = opened.store.documents.in_force("web")[-1]
    assert status.pinned_at == 1
    assert state_of(status) == "converged, taken back to revision 1 until it moves"
    assert (live.deed.commit, status.in_force) == (first, first)
    assert f" {first[:12]} " in source_lines([status])[2]
    bad = team.push("front front:2", "worker work:1", key=team.bob)
    team.sync()
    with team.road.open() as opened:
        (status,) = source_status(opened)
    assert status.in_force == first
    assert state_of(status) == f"refused: {bad[:12]}, taken back to revision 1 until it moves"
    team.workshop.git("reset", "-q", "--hard", "HEAD~1")
    team.push("front front:2", "worker work:1")
    assert team.sync().record.state == "converged"
    assert sorted(team.road.boxes().values()) == ["b", "c"]


def test_what_others_push_beside_its_path_undoes_nobodys_hand(team: Team) -> None:
    team.push("front")
    team.sync()
    text = manifest("web", "front front:2, files: {/etc/a: ./a}")
    team.workshop.commit({WEB: text, "web/a": "1"}, team.ann)
    team.sync()
    with team.road.open() as opened:
        roll_back(opened, "web", 1, team.road.watcher, TIMEOUT_MS)
    beside = team.workshop.commit({"data/data.yaml": "x"})
    synced = team.sync()
    assert (synced.applied, synced.is_new, synced.record.good) == (None, False, beside)
    team.road.apply({"w.yaml": manifest("web", "front work:1")}, "web")
    team.workshop.commit({"data/data.yaml": "y"})
    assert team.sync().applied is None
    assert set(team.road.boxes().values()) == {"c"}
    team.workshop.commit({"web/a": "2"}, team.ann)
    assert team.sync().applied
    assert set(team.road.boxes().values()) == {"b"}


def test_what_is_applied_beside_a_source_is_shown_and_holds_until_it_moves(team: Team) -> None:
    commit = team.push("front")
    team.sync()
    team.road.apply({"w.yaml": manifest("web", "front front:2")}, "web")
    assert team.sync().applied is None
    with team.road.open() as opened:
        (status,) = source_status(opened)
    assert (status.by_hand, status.pinned_at, status.record.good) == (2, 0, commit)
    assert (status.in_force, source_lines([status])[2].split()[2:4]) == ("", ["revision", "2"])
    assert state_of(status) == (
        "converged, revision 2 was applied by hand and holds until it moves"
    )
    team.push("front", "worker work:1")
    team.sync()
    assert team.road.boxes() == {"web--front--3": "a", "web--worker--1": "c"}
    with team.road.open() as opened:
        (status,) = source_status(opened)
    assert state_of(status) == "converged"


def test_a_set_that_is_down_stays_down(team: Team) -> None:
    team.push("front")
    team.sync()
    with team.road.open() as opened:
        down(opened, "web", team.road.watcher, TIMEOUT_MS, forget=False)
    team.push("front front:2")
    assert team.sync().record.state == "down"
    assert team.road.boxes() == {}


def test_what_was_applied_by_hand_is_taken_over_and_not_pruned(team: Team) -> None:
    team.road.apply({"w.yaml": manifest("web", "front", "worker work:1")}, "web")
    team.push("front")
    synced = team.sync()
    assert told(synced) == [
        "source web: worker.web was applied by hand in the set web, and is not in the source"
    ]
    team.push("front", "worker work:1")
    assert team.sync().record.state == "converged"
    assert sorted(team.road.boxes()) == ["web--front--1", "web--worker--1"]


def test_two_sources_do_not_take_a_service_from_one_another(team: Team) -> None:
    team.push("front")
    team.sync()
    team.workshop.commit({"more/web.yaml": manifest("web", "front")}, team.ann)
    team.declare(more="path: more, owner: web, verify: none")
    assert told(team.sync("more")) == [
        "more/web.yaml:4:3: front.web comes from the source web already"
    ]


def test_a_source_without_signatures_follows_whoever_can_push(team: Team) -> None:
    team.declare(web="path: web, owner: web, verify: none")
    first = team.workshop.commit({WEB: manifest("web", "front")})
    assert team.sync().record.state == "converged"
    team.workshop.commit({WEB: manifest("web", "front front:2")})
    assert team.sync().record.state == "converged"
    team.workshop.git("reset", "-q", "--hard", first)
    assert team.sync().record.good == first
    assert team.road.boxes() == {"web--front--3": "a"}


def test_a_source_that_cannot_be_reached_keeps_what_is_in_force(team: Team) -> None:
    good = team.push("front")
    team.sync()
    team.workshop.folder.rename(team.workshop.folder.with_name("away"))
    synced = team.sync()
    assert (synced.record.state, synced.record.good) == ("unreachable", good)
    assert "cannot be fetched from" in told(synced)[0]
    team.workshop.folder.with_name("away").rename(team.workshop.folder)
    assert team.sync().record.state == "converged"


def test_a_repository_that_has_a_part_of_its_history_is_told(team: Team) -> None:
    team.push("front")
    newest = team.workshop.commit({"README": "y"}, team.ann)
    team.address = f"{team.workshop.folder.with_name('part')}"
    whole = f"file://{team.workshop.folder}"
    team.workshop.git("clone", "-q", "--bare", "--depth=1", whole, team.address)
    team.declare()
    synced = team.sync()
    assert synced.record.state == "refused"
    assert "has a part of its history alone, without" in told(synced)[0]
    team.declare(web=f"path: web, owner: web, start: {newest}")
    assert team.sync().record.state == "converged"


def test_credentials_lie_with_the_platforms_secrets(team: Team) -> None:
    team.declare(web="path: web, owner: web, verify: none, credentials: git-web")
    (said,) = told(team.sync())
    assert "secrets/platform/git-web is missing" in said


def test_an_unknown_source_is_told_with_those_that_there_are(team: Team) -> None:
    with pytest.raises(UsageError) as caught:
        team.sync("wbe")
    assert caught.value.remedy == "the sources are: web"


def test_an_update_that_fails_goes_back_and_is_not_tried_at_every_look(team: Team) -> None:
    team.push("front")
    team.sync()
    team.road.machine.workloads["front:2"] = dies_at_once()
    commit = team.push("front front:2")
    synced = team.sync()
    assert synced.applied
    assert synced.applied.exit is Exit.ROLLED_BACK
    assert (synced.record.state, synced.record.good) == ("partly applied", commit)
    with team.road.open() as opened:
        (source,) = syncing.require_sources(opened, ("web",))
        with fetched(opened.settings, source) as found:
            look = syncing.take(opened, found, team.road.watcher, TIMEOUT_MS)
    assert (look.applied, look.record.state) == (None, "partly applied")
    del team.road.machine.workloads["front:2"]
    assert team.sync().record.state == "converged"  # a person asked
    assert set(team.road.boxes().values()) == {"b"}


def test_a_box_leads_back_to_its_commit_and_to_who_signed_it(team: Team) -> None:
    commit = team.push("front")
    team.sync()
    with team.road.open() as opened:
        found = trace(opened, "0.front.web")
        assert trace(opened, "web--front--1") == trace(opened, "front.web") == found
        with pytest.raises(UsageError, match="there is no box web--front--9"):
            trace(opened, "web--front--9")
    assert found.commit
    assert (found.commit.id, found.commit.signer) == (commit, team.ann.member)
    assert (str(found.place), found.revision.number) == ("web/web.yaml:4:3", 1)
    assert found.signer_is == "a key of the owner web"
    assert not found.is_older
    # another push that changes nothing of it: what brought it stays what it was
    team.push("front", "worker work:1")
    team.sync()
    team.declare(members=team.bob.member)
    with team.road.open() as opened:
        found = trace(opened, "0.front.web")
        assert found.commit
        assert (found.revision.number, found.signer_is) == (2, "")
        assert found.commit.signer == team.ann.member
    line = f'{team.lines["web"]}, merge_keys: ["{team.ann.member}="]'
    team.declare(members=team.bob.member, web=line)
    with team.road.open() as opened:
        assert trace(opened, "0.front.web").signer_is == "a key of the forge of the source web"


def test_a_box_that_was_applied_by_hand_has_no_commit(team: Team) -> None:
    team.road.apply({"w.yaml": manifest("web", "front")})
    with team.road.open() as opened:
        assert trace(opened, "front.web").commit is None


def test_a_branch_is_planned_and_nothing_is_changed(team: Team) -> None:
    team.push("front")
    team.sync()
    before = team.record()
    team.workshop.git("checkout", "-q", "-b", "feature")
    commit = team.push("front front:2", "worker work:1", key=team.bob)
    with team.road.open() as opened:
        (source,) = syncing.require_sources(opened, ("web",))
        found = propose(opened, source, "feature")
        unmoved = propose(opened, source, "")
    assert found.commit.id == commit
    assert {(step.mark, str(step.service)) for step in found.prospect.cycle.plan.steps} == {
        (Mark.REPLACE, "front.web"), (Mark.PROVISION, "worker.web"),
    }  # fmt: skip
    (said,) = found.unsigned
    assert said.what.endswith("and that is no key of the owner web")
    assert not unmoved.prospect.changes
    assert team.record() == before
    assert team.road.boxes() == {"web--front--1": "a"}


def test_a_branch_with_a_bad_manifest_is_refused_with_its_line(team: Team) -> None:
    team.workshop.git("checkout", "-q", "-b", "feature")
    team.push("front", owner="data")
    with team.road.open() as opened, pytest.raises(RefusedError) as caught:
        (source,) = syncing.require_sources(opened, ("web",))
        propose(opened, source, "feature")
    assert str(caught.value.problems[0].place) == "web/web.yaml:4:3"
