"""What asking a source has found, whatever it lies in: its newest name, who made it, its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from msgspec import Struct

from orchestr8.controller.settings import Settings
from orchestr8.errors import Orchestr8Error, Place, Problem, RefusedError
from orchestr8.host.secret_files import read_secret
from orchestr8.manifest.model import DeclaredSource
from orchestr8.names import PLATFORM
from orchestr8.sources.child import SECONDS_MOST, Bounds
from orchestr8.sources.files import Files, files_below
from orchestr8.sources.folder import Content, content_of
from orchestr8.sources.git import Clone, Remote
from orchestr8.sources.judge import Judged, Question, judge
from orchestr8.sources.objects import Commit, DamagedError, MalformedError
from orchestr8.sources.reading import Objects
from orchestr8.sources.signatures import NotSigned, Signatures, Signed
from orchestr8.store.sources import CommitRecord


class Found(Protocol):
    """What a source had when it was asked, as it was declared then. All of it may raise
    DamagedError where that cannot be read any more, and `tip` and `commits` MalformedError."""

    @property
    def source(self) -> DeclaredSource:
        """As it was declared."""

    def tip(self) -> str:
        """The name of what is newest; raises RefusedError where nothing of it may be believed."""

    def commits(self, tip: str, question: Question | None) -> tuple[CommitRecord, ...]:
        """Those that count, the newest last; without a question the newest alone.

        Raises RefusedError where one of them is signed by nobody whom the question names.
        """

    def files(self, tip: str) -> Files:
        """What lies below the source's path; raises ManifestError."""

    def rest(self) -> None:
        """Ends what was begun to read, since a child ends with the thread that began it; whoever
        reads more begins anew."""

    def forget(self) -> None:
        """What was found is damaged: the next one who asks begins anew."""


@contextmanager
def fetched(
    settings: Settings, source: DeclaredSource, use: str = "followed", seconds: int = SECONDS_MOST
) -> Iterator[Found]:
    """What a source has now, ready to be read while this lasts; raises EngineError.

    Each use has a clone of its own. No part of it takes longer than these seconds.
    """
    if source.folder:
        yield InFolder(source, content_of(source.folder))
        return
    with fetched_by_git(settings, source, use, seconds) as found:
        yield found


@contextmanager
def fetched_by_git(
    settings: Settings, source: DeclaredSource, use: str = "followed", seconds: int = SECONDS_MOST
) -> Iterator[InGit]:
    """The same of a git repository."""
    bounds = Bounds(seconds=min(seconds, SECONDS_MOST))
    clone = Clone(settings.cache / "sources" / source.name / use, bounds)
    with clone.held():
        credentials = b""
        if source.credentials:
            credentials = read_secret(settings.secrets, PLATFORM, source.credentials)
        remote = Remote(source.git, source.branch, source.tags, credentials, whole=source.verified)
        clone.fetch(remote)
        with clone.reading() as objects:
            signatures = Signatures(clone.child, settings.keys)
            yield InGit(source, clone, objects, signatures)


class Outlook(Struct, frozen=True):
    """What a source is asked with: the name that is in force, if it needs no other look, and the
    question that what is newer is judged by."""

    in_force: str = ""
    question: Question | None = None


@contextmanager
def looked_at(
    settings: Settings,
    source: DeclaredSource,
    outlook: Outlook,
    use: str = "followed",
    seconds: int = SECONDS_MOST,
) -> Iterator[Found]:
    """What a source has now, read and judged already where it is new: that may take long, too.

    Raises EngineError, and DamagedError where it must be fetched anew.
    """
    with fetched(settings, source, use, seconds) as found:
        looked = LookedAt(found)
        try:
            looked.look(outlook)
        except DamagedError:
            found.forget()
            raise
        finally:
            found.rest()
        yield looked


class LookedAt:
    """What a source had, which remembers what it answered: nothing is read or judged twice."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._answers: dict[tuple[Any, ...], tuple[Any, Exception | None]] = {}

    def look(self, outlook: Outlook) -> None:
        """Asks ahead what will be asked; what is wrong with it is told then."""
        try:
            tip = self.tip()
            if tip != outlook.in_force:
                self.commits(tip, outlook.question)
                self.files(tip)
        except (Orchestr8Error, MalformedError):
            return

    @property
    def source(self) -> DeclaredSource:
        """As it was declared."""
        return self._found.source

    def tip(self) -> str:
        """As it was found."""
        name: str = self._answer(self._found.tip)
        return name

    def commits(self, tip: str, question: Question | None) -> tuple[CommitRecord, ...]:
        """As they were found."""
        found: tuple[CommitRecord, ...] = self._answer(self._found.commits, tip, question)
        return found

    def files(self, tip: str) -> Files:
        """As they were found."""
        found: Files = self._answer(self._found.files, tip)
        return found

    def rest(self) -> None:
        """Ends what was begun to read."""
        self._found.rest()

    def forget(self) -> None:
        """What was found is damaged."""
        self._found.forget()

    def _answer(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        asked = (ask.__name__, *arguments)
        if asked not in self._answers:
            try:
                self._answers[asked] = ask(*arguments), None
            except (Orchestr8Error, MalformedError) as error:
                self._answers[asked] = None, error
        answer, wrong = self._answers[asked]
        if wrong:
            raise wrong
        return answer


class InGit(Struct, frozen=True):
    """What git fetched."""

    source: DeclaredSource
    clone: Clone
    objects: Objects
    signatures: Signatures

    def tip(self) -> str:
        """The newest commit."""
        return self.objects.tip()

    def signer(self, tip: str) -> Signed | NotSigned:
        """Who signed a commit."""
        return self.signatures.of(self.objects.commit(tip))

    def commits(self, tip: str, question: Question | None) -> tuple[CommitRecord, ...]:
        """Those that are signed as the question asks, and the newest."""
        commit = self.objects.commit(tip)
        judged = self._judged(tip, question) if question else ()
        signer = self.signatures.of(commit)
        key = signer.key if isinstance(signer, Signed) else ""
        return (
            *(_recorded(one.commit, one.key) for one in judged if one.key),
            _recorded(commit, key),
        )

    def _judged(self, tip: str, question: Question) -> tuple[Judged, ...]:
        try:
            return judge(self.objects, tip, question, self.signatures.of)
        except DamagedError as error:
            if not self.clone.lacks_history:
                raise
            what = f"{self.source.git} has a part of its history alone, without {question.since}"
            remedy = "bring the rest there: git fetch --unshallow; or write a later `start`"
            problem = Problem(Place(f"source {self.source.name}"), what, remedy)
            raise RefusedError((problem,)) from error

    def files(self, tip: str) -> Files:
        """What lies below the path of the commit."""
        return files_below(self.objects, self.objects.commit(tip).tree, self.source.path)

    def rest(self) -> None:
        """Ends the child that reads."""
        self.objects.rest()

    def forget(self) -> None:
        """Deletes the clone."""
        self.clone.forget()


class InFolder(Struct, frozen=True):
    """What a folder of this machine had: nobody signs it, whoever may write there is believed."""

    source: DeclaredSource
    content: Content

    def tip(self) -> str:
        """The hash of its names and contents."""
        if self.content.problems:
            raise RefusedError(tuple(self.content.problems))
        return self.content.name

    def commits(self, tip: str, question: Question | None) -> tuple[CommitRecord, ...]:
        """The content, since when it is so."""
        made_ms = self.content.changed_ns // 1_000_000
        return (CommitRecord(tip, "", made_ms, "", self.source.folder),)

    def files(self, tip: str) -> Files:
        """All that it has."""
        return files_below(self.content, tip, "")

    def rest(self) -> None:
        """All of it is read."""

    def forget(self) -> None:
        """Nothing is kept of it."""


def _recorded(commit: Commit, key: str) -> CommitRecord:
    """A commit as it is remembered, with the key that signed it."""
    made_ms = commit.author.at_s * 1000
    author, committer = str(commit.author), str(commit.committer)
    return CommitRecord(commit.id, author, made_ms, committer, commit.subject, key)
