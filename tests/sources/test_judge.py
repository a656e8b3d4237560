"""Which branches are believed: the ways around a required signature, each really tried."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.errors import RefusedError
from orchestr8.sources import judge as judging
from orchestr8.sources.git import Clone, Remote
from orchestr8.sources.judge import Judged, Question, judge
from orchestr8.sources.objects import Commit
from orchestr8.sources.signatures import NotSigned, Signatures
from tests.sources.workshop import HELLO, Key, Workshop, ssh_key


@dataclass(frozen=True)
class Bench:
    """A repository with a trusted first commit, its clone, and the keys of three persons."""

    workshop: Workshop
    clone: Clone
    ann: Key
    bob: Key
    forge: Key
    start: str

    def judged(self, question: Question | None = None) -> tuple[Judged, ...]:
        """What is found of main."""
        with self.clone.held():
            self.clone.fetch(Remote(str(self.workshop.folder), whole=True))
            with self.clone.reading() as objects:
                signer = Signatures(self.clone.child, Path("/none")).of
                return judge(objects, objects.tip(), question or self.question(), signer)

    def refused(self, question: Question | None = None) -> list[str]:
        """Why main is not believed."""
        with pytest.raises(RefusedError) as caught:
            self.judged(question)
        return [f"{one.place}: {one.what}" for one in caught.value.problems]

    def question(self, *, of: str = "the owner web", path: str = "web") -> Question:
        """Ann is the one member; the forge may sign merges."""
        return Question(
            self.start, path, of, frozenset({self.ann.member}), frozenset({self.forge.member})
        )


@pytest.fixture
def bench(workshop: Workshop, clone: Clone, ground: Path) -> Bench:
    """A bench with nothing after the start."""
    start = workshop.commit({"web/web.yaml": HELLO, "data/data.yaml": HELLO})
    keys = [ssh_key(ground, name) for name in ("ann", "bob", "forge")]
    return Bench(workshop, clone, *keys, start)


def change(text: str, folder: str = "web") -> dict[str, str | None]:
    """A change of the folder's manifest."""
    return {f"{folder}/{folder}.yaml": f"{HELLO}# {text}\n"}


def test_every_signed_commit_since_the_start_is_good_and_its_key_known(bench: Bench) -> None:
    assert bench.judged() == ()
    first = bench.workshop.commit(change("1"), bench.ann)
    other = bench.workshop.commit(change("1", "data"))
    last = bench.workshop.commit(change("2"), bench.ann)
    found = [(one.commit.id, one.key) for one in bench.judged()]
    assert found == [(first, bench.ann.member), (other, ""), (last, bench.ann.member)]


def test_an_unsigned_commit_under_a_signed_head_is_named(bench: Bench) -> None:
    bad = bench.workshop.commit(change("1"), message="quick fix")
    bench.workshop.commit(change("2"), bench.ann)
    (said,) = bench.refused()
    assert said == f'commit {bad[:12]}: "quick fix" by Ann <ann@example.org> is not signed'


def test_a_change_that_is_taken_back_again_was_still_one(bench: Bench) -> None:
    bench.workshop.commit(change("evil"))
    bench.workshop.commit({"web/web.yaml": HELLO}, bench.ann)
    assert len(bench.refused()) == 1


def test_the_key_of_another_folder_is_none_of_this_one(bench: Bench) -> None:
    bench.workshop.commit(change("1", "data"), bench.bob)
    assert [one.key for one in bench.judged()] == [""]
    bench.workshop.commit(change("1"), bench.bob)
    (said,) = bench.refused()
    assert said.endswith(f"is signed with {bench.bob.member}, and that is no key of the owner web")


def test_who_is_no_member_any_more_signs_nothing_new(bench: Bench) -> None:
    bench.workshop.commit(change("1"), bench.ann)
    question = replace(bench.question(), members=frozenset({bench.bob.member}))
    assert len(bench.refused(question)) == 1
    # what was judged while she was a member stays good: it is where the next question begins
    since = bench.judged()[-1].commit.id
    bench.workshop.commit(change("2"), bench.bob)
    assert [one.key for one in bench.judged(replace(question, since=since))] == [bench.bob.member]


def test_a_merge_is_judged_by_what_it_brings_in(bench: Bench) -> None:
    work = bench.workshop
    work.git("checkout", "-q", "-b", "side")
    work.commit(change("1"), bench.bob)
    work.git("checkout", "-q", "main")
    work.commit({"README": "x"})
    work.git("merge", "-q", "--no-ff", "--no-edit", "side")
    assert len(bench.refused()) == 1
    sign = [
        "-c",
        f"user.signingKey={bench.forge.path}",
        "commit",
        "-q",
        "--amend",
        "--no-edit",
        "-S",
    ]
    work.git(*sign)
    assert [one.key for one in bench.judged()] == ["", bench.forge.member]
    assert len(bench.refused(replace(bench.question(), merge_keys=frozenset()))) == 1
    work.commit(change("2"), bench.forge)
    (said,) = bench.refused()
    assert said.endswith("which may sign merges alone")


def test_a_merge_cannot_exchange_its_first_parent(bench: Bench) -> None:
    """An unsigned history as the first parent, the good one as the second."""
    work = bench.workshop
    work.commit(change("good"), bench.ann)
    work.git("checkout", "-q", "--orphan", "evil")
    work.commit(change("evil"))
    work.git("merge", "-q", "--no-ff", "--no-edit", "--allow-unrelated-histories", "-s", "ours",
             "main")  # fmt: skip
    work.git("branch", "-f", "main", "evil")
    (said,) = bench.refused()
    assert "it does not come from" in said


def test_what_git_pull_merges_the_wrong_way_round_is_told_as_that(bench: Bench) -> None:
    work = bench.workshop
    work.git("checkout", "-q", "-b", "mine")
    work.commit(change("mine"), bench.ann)
    work.git("checkout", "-q", "main")
    last = work.commit({"README": "theirs"}, bench.ann)
    work.git("checkout", "-q", "mine")
    work.git("merge", "-q", "--no-edit", "main")
    merge = work.git("rev-parse", "HEAD")
    work.commit({"README": "more"}, bench.ann)
    work.git("branch", "-f", "main", "mine")
    question = replace(bench.question(), since=last)
    (said,) = bench.refused(question)
    assert said.startswith(f"commit {merge[:12]}: it merges {last[:12]}, which was the last that")
    work.git("-c", f"user.signingKey={bench.ann.path}", "rebase", "-q", "-S", last[:12])
    work.git("branch", "-f", "main", "mine")
    assert [one.key for one in bench.judged(question)] == [bench.ann.member, ""]


def test_a_branch_that_goes_back_to_an_older_signed_head_is_refused(bench: Bench) -> None:
    old = bench.workshop.commit(change("1"), bench.ann)
    new = bench.workshop.commit(change("2"), bench.ann)
    bench.workshop.git("reset", "-q", "--hard", old)
    (said,) = bench.refused(replace(bench.question(), since=new))
    assert said.startswith(f"commit {old[:12]}: it does not come from {new[:12]}")


def test_a_rewritten_branch_is_refused_though_all_of_it_is_signed(bench: Bench) -> None:
    bench.workshop.git("checkout", "-q", "--orphan", "new")
    bench.workshop.commit(change("1"), bench.ann)
    bench.workshop.git("branch", "-f", "main", "new")
    assert "it does not come from" in bench.refused()[0]


def test_a_path_of_the_whole_repository_takes_every_change(bench: Bench) -> None:
    bench.workshop.commit(change("1", "data"))
    assert len(bench.refused(bench.question(path=""))) == 1


def test_many_bad_commits_are_not_all_listed(bench: Bench) -> None:
    for number in range(23):
        bench.workshop.commit(change(str(number)))
    said = bench.refused()
    assert len(said) == 21
    assert said[-1].endswith("more commits are like these; what follows was not looked at")


def test_of_a_branch_that_is_not_believed_no_signature_is_asked_for(bench: Bench) -> None:
    bench.workshop.git("checkout", "-q", "--orphan", "new")
    bench.workshop.commit(change("1"), bench.ann)
    bench.workshop.commit(change("2"), bench.ann)
    bench.workshop.git("branch", "-f", "main", "new")
    asked: list[str] = []

    def signer(commit: Commit) -> NotSigned:
        asked.append(commit.id)
        return NotSigned("is not signed")

    with bench.clone.held():
        bench.clone.fetch(Remote(str(bench.workshop.folder), whole=True))
        with bench.clone.reading() as objects, pytest.raises(RefusedError):
            judge(objects, objects.tip(), bench.question(), signer)
    assert asked == []


def test_a_history_too_long_to_be_judged_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "COMMITS_MOST", 2)
    for number in range(3):
        bench.workshop.commit(change(str(number)), bench.ann)
    (said,) = bench.refused()
    assert said.endswith(f"there are more than 2 commits between it and {bench.start[:12]}")


def test_a_key_that_is_not_on_this_machine_is_no_reason_to_sign_anew(bench: Bench) -> None:
    bench.workshop.commit(change("1"))
    missing = NotSigned("is signed with a gpg key", "put its public part there")
    with bench.clone.held():
        bench.clone.fetch(Remote(str(bench.workshop.folder), whole=True))
        with bench.clone.reading() as objects, pytest.raises(RefusedError) as caught:
            judge(objects, objects.tip(), bench.question(), lambda _: missing)
    (problem,) = caught.value.problems
    assert problem.remedy.startswith("put its public part there; else somebody of the owner web")
