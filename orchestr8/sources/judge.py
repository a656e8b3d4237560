"""Whether everything that a branch has brought since a commit was signed by whoever may.

The way from the tip back to that commit goes along first parents, as a branch was pushed or merged
into. Each commit on it that changes a file below the source's path must carry a good signature by
a key of the members; they are given from outside, never taken from what is judged. A merge commit
may be signed by a forge's key instead, if whoever runs the machine has named it.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from orchestr8.errors import Place, Problem, RefusedError
from orchestr8.sources.files import entry_at
from orchestr8.sources.objects import Commit
from orchestr8.sources.reading import Objects
from orchestr8.sources.signatures import NotSigned, Signed

COMMITS_MOST = 10_000
SHOWN_MOST = 20
_BUILT_ON = (
    "where others have built on it, as in a repository of several owners, the platform looks at it "
    "and writes it as the source's `start`"
)


class Question(Struct, frozen=True):
    """What is asked: `since` is the commit that is trusted already, `of` whose signature is wanted
    ("the owner payments"), `members` and `merge_keys` the keys by their names in a manifest."""

    since: str
    path: str
    of: str
    members: frozenset[str]
    merge_keys: frozenset[str] = frozenset()


class Judged(Struct, frozen=True):
    """A commit on the way, without its signature, and the key that signed it; none where it
    changes nothing of ours."""

    commit: Commit
    key: str


def judge(
    objects: Objects, tip: str, question: Question, signer: Callable[[Commit], Signed | NotSigned]
) -> tuple[Judged, ...]:
    """Everything since the trusted commit, the oldest first.

    Raises RefusedError with the commits that are not as they must be, or where the tip does not
    come from the trusted commit, whoever signed it.
    """
    judged: list[Judged] = []
    problems: list[Problem] = []
    for name, is_ours in _way(objects, tip, question):
        commit = objects.commit(name)
        key = _key(commit, question, signer(commit)) if is_ours else ""
        if isinstance(key, str):
            judged.append(Judged(replace(commit, signature=b"", signed=b""), key))
            continue
        if len(problems) == SHOWN_MOST:  # each may cost a child, and anybody can write many
            what = "more commits are like these; what follows was not looked at"
            problems.append(Problem(Place(f"commit {name[:12]}"), what))
            break
        problems.append(key)
    if problems:
        raise RefusedError(tuple(problems))
    return tuple(judged)


def _way(objects: Objects, tip: str, question: Question) -> list[tuple[str, bool]]:
    """The commits from the trusted one to the tip, the oldest first, and whether each changes
    something of ours. Nothing of them is kept: whoever pushes says how large they are."""
    way: list[tuple[str, bool]] = []
    commit, strayed = objects.commit(tip), _strayed(tip, question.since)
    while commit.id != question.since:
        if len(way) == COMMITS_MOST:
            raise RefusedError((_too_far(tip, question.since),))
        before = objects.commit(commit.parents[0]) if commit.parents else None
        changes = _at(objects, commit, question.path) != _at(objects, before, question.path)
        way.append((commit.id, changes))
        if question.since in commit.parents[1:]:
            strayed = _merged_away(commit.id, question.since)
        if before is None:
            raise RefusedError((strayed,))
        commit = before
    return way[::-1]


def _at(objects: Objects, commit: Commit | None, path: str) -> tuple[str, str] | None:
    entry = entry_at(objects, commit.tree, path) if commit else None
    return (entry.kind, entry.id) if entry else None


def _key(commit: Commit, question: Question, signature: Signed | NotSigned) -> str | Problem:
    place = Place(f"commit {commit.id[:12]}")
    told = f'"{commit.subject}" by {commit.author}'
    if isinstance(signature, NotSigned):
        remedy = (
            f"somebody of {question.of} signs and pushes it anew: git commit --amend -S, or "
            "git rebase --exec 'git commit --amend --no-edit -S' for several"
        )
        first = f"{signature.remedy}; else " if signature.remedy else ""
        return Problem(place, f"{told} {signature.why}", f"{first}{remedy}; {_BUILT_ON}")
    if signature.key in question.members:
        return signature.key
    if signature.key in question.merge_keys:
        if len(commit.parents) > 1:
            return signature.key
        what = f"{told} is signed with {signature.key}, which may sign merges alone"
        return Problem(place, what, f"somebody of {question.of} signs it, or merges it")
    what = f"{told} is signed with {signature.key}, and that is no key of {question.of}"
    remedy = (
        f"somebody of {question.of} signs it; or the platform adds the key to its `members` first"
    )
    return Problem(place, what, f"{remedy}; {_BUILT_ON}")


def _strayed(tip: str, since: str) -> Problem:
    return Problem(
        Place(f"commit {tip[:12]}"),
        f"it does not come from {since[:12]}, which was the last that counted: the branch was "
        "rewritten, or goes back",
        "push what follows that commit; or the platform looks at the new history and writes the "
        "commit that it trusts as the source's `start`",
    )


def _merged_away(merge: str, since: str) -> Problem:
    return Problem(
        Place(f"commit {merge[:12]}"),
        f"it merges {since[:12]}, which was the last that counted, into another line of commits, "
        "as `git pull` does; what counts is the line that others are merged into",
        f"push those commits on top of it instead: git rebase -S {since[:12]}",
    )


def _too_far(tip: str, since: str) -> Problem:
    return Problem(
        Place(f"commit {tip[:12]}"),
        f"there are more than {COMMITS_MOST} commits between it and {since[:12]}",
        "the platform looks at the history and writes a later commit as the source's `start`",
    )
