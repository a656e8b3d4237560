"""What asking a source has found, whatever it lies in: its newest name, who made it, its files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from msgspec import Struct

from orchestr8.controller.settings import Settings
from orchestr8.errors import RefusedError
from orchestr8.host.secret_files import read_secret
from orchestr8.manifest.model import DeclaredSource
from orchestr8.names import PLATFORM
from orchestr8.sources.files import Files, files_below
from orchestr8.sources.folder import Content, content_of
from orchestr8.sources.git import Clone, Objects, Remote
from orchestr8.sources.judge import Question, judge
from orchestr8.sources.objects import Commit
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

    def forget(self) -> None:
        """What was found is damaged: the next one who asks begins anew."""


@contextmanager
def fetched(settings: Settings, source: DeclaredSource, use: str = "followed") -> Iterator[Found]:
    """What a source has now, ready to be read while this lasts; raises EngineError.

    Each use has a clone of its own.
    """
    if source.folder:
        yield InFolder(source, content_of(source.folder))
        return
    with fetched_by_git(settings, source, use) as found:
        yield found


@contextmanager
def fetched_by_git(
    settings: Settings, source: DeclaredSource, use: str = "followed"
) -> Iterator[InGit]:
    """The same of a git repository."""
    clone = Clone(settings.cache / "sources" / source.name / use)
    with clone.held():
        credentials = b""
        if source.credentials:
            credentials = read_secret(settings.secrets, PLATFORM, source.credentials)
        remote = Remote(source.git, source.branch, source.tags, credentials, whole=source.verified)
        fetched_tip = clone.fetch(remote)
        with clone.reading() as objects:
            signatures = Signatures(clone.child, settings.keys)
            yield InGit(source, fetched_tip, clone, objects, signatures)


class InGit(Struct, frozen=True):
    """What git fetched; `fetched_tip` is a commit or a tag."""

    source: DeclaredSource
    fetched_tip: str
    clone: Clone
    objects: Objects
    signatures: Signatures

    def tip(self) -> str:
        """The newest commit."""
        return self.objects.tip(self.fetched_tip)

    def signer(self, tip: str) -> Signed | NotSigned:
        """Who signed a commit."""
        return self.signatures.of(self.objects.commit(tip))

    def commits(self, tip: str, question: Question | None) -> tuple[CommitRecord, ...]:
        """Those that are signed as the question asks, and the newest."""
        commit = self.objects.commit(tip)
        judged = judge(self.objects, tip, question, self.signatures.of) if question else ()
        signer = self.signatures.of(commit)
        key = signer.key if isinstance(signer, Signed) else ""
        return (
            *(_recorded(one.commit, one.key) for one in judged if one.key),
            _recorded(commit, key),
        )

    def files(self, tip: str) -> Files:
        """What lies below the path of the commit."""
        return files_below(self.objects, self.objects.commit(tip).tree, self.source.path)

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

    def forget(self) -> None:
        """Nothing is kept of it."""


def _recorded(commit: Commit, key: str) -> CommitRecord:
    """A commit as it is remembered, with the key that signed it."""
    made_ms = commit.author.at_s * 1000
    author, committer = str(commit.author), str(commit.committer)
    return CommitRecord(commit.id, author, made_ms, committer, commit.subject, key)
