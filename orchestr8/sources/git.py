"""A source's clone: the git command carries, and everything that it brought is looked at again.

A clone has no work tree, so no filter, hook, link or submodule of a repository ever acts. It is a
cache: whatever is wrong with it, it is made anew.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote, urlsplit

from orchestr8.errors import RejectedError, UnavailableError
from orchestr8.sources.child import Answer, Bounds, Child
from orchestr8.sources.objects import DamagedError
from orchestr8.sources.reading import Objects

_TIP = "refs/source/tip"
_PASSED_ON = ("GIT_SSL_CAINFO", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY")
"""What a house says about its own network."""
_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
"""The authorities of this machine in one file, which libraries read by themselves. Beside it they
would read its folder, which has the same again in hundreds of files: half the time of a fetch."""
_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts"
_SETTINGS = """\
[safe]
	directory = *
[core]
	fsync = none
	bigFileThreshold = 16m
	hooksPath = /dev/null
	fsmonitor = false
	alternateRefsCommand = true
[protocol]
	allow = never
[protocol "file"]
	allow = always
[protocol "ssh"]
	allow = always
[protocol "https"]
	allow = always
[http]
	followRedirects = false
	lowSpeedLimit = 1000
	lowSpeedTime = 30
[fetch]
	recurseSubmodules = false
	unpackLimit = 1
	writeCommitGraph = false
[gc]
	auto = 0
[maintenance]
	auto = false
[pack]
	threads = 1
[transfer]
	bundleURI = false
"""
# A clone whose own content is wrong says one of these.
_DAMAGED = re.compile(
    r"not a git repository|bad object|corrupt|unable to read|missing|loose object|is empty|"
    r"bad config|unresolved deltas|does not point to|too short|not a valid|bad signature|"
    r"did not send all|garbage|shallow file|cannot lock ref|unable to (?:create|resolve|open)"
)
_KEPT_FROM_IT = r"No space left|[Qq]uota exceeded|Permission denied"
"""What is wrong with the disk or its rights, and not with what lies there."""
_OTHER_HASH = re.compile(r"mismatched algorithms: client \w+; server (sha1|sha256)")
PACKS_MOST = 64
"""Each fetch brings one, and each is opened and walked by the next: more are made one."""
BRANCHES_SHOWN = 5
_TRIES = 3
"""As it is; anew; and anew once more, where the remote turns out to hash its objects otherwise."""

_SAYS_WHAT_FAILED = re.compile(
    r"fatal|error|ERROR|ssh:|Host key|No \S+ host key|.*Permission denied|Connection |Bad packet|"
    r"kex_|banner "
)


@dataclass(frozen=True)
class Remote:
    """Where a source lies: a branch, or a pattern of tags of which the highest counts.

    `credentials` are a private key for ssh, or USER:PASSWORD for https; `whole` asks for the whole
    history, which a judge of signatures needs.
    """

    url: str
    branch: str = "main"
    tags: str = ""
    credentials: bytes = field(default=b"", repr=False)
    whole: bool = False

    @property
    def address(self) -> str:
        """What git is given: a local path is fetched from as from any other place."""
        return f"file://{quote(self.url)}" if self.url.startswith("/") else self.url

    @property
    def named(self) -> str:
        """What is followed, in words."""
        return f"a tag {self.tags}" if self.tags else f"the branch {self.branch}"


class _OtherHashError(DamagedError):
    """The remote has its objects by another hash than the clone, which can be made anew."""

    def __init__(self, what: str, hashed: str) -> None:
        super().__init__(what)
        self.hashed = hashed


class _NoBranchError(RejectedError):
    """The remote answers, and has no branch of this name."""


class Clone:
    """The clone of one source below a folder of ours."""

    def __init__(self, folder: Path, bounds: Bounds | None = None) -> None:
        self._folder = folder
        self._git = folder / "git"
        self.child = Child(folder / "home", bounds or Bounds())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the clone for one reader, so that nobody fetches into it meanwhile.

        Raises UnavailableError where the folder cannot be used, or goes away meanwhile.
        """
        try:
            self.child.prepare()
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            descriptor = os.open(self._folder / "lock", flags, 0o600)
        except OSError as error:
            raise UnavailableError(
                f"{self._folder} cannot be used: {error.strerror}",
                "run as root, or set ORCHESTR8_CACHE to a folder of yours",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        except FileNotFoundError as error:
            if not Path(str(error.filename)).is_relative_to(self._folder):
                raise
            raise UnavailableError(
                f"{self._folder} went away while it was used", "the next fetch makes it anew"
            ) from error
        finally:
            os.close(descriptor)

    def fetch(self, remote: Remote) -> None:
        """Brings what the remote has.

        Raises UnavailableError where that may work later, RejectedError where something must
        change first. Whatever happens, a later fetch goes on from there.
        """
        self.child.give("gitconfig", _SETTINGS.encode())
        hashed, wrong = "sha1", ""
        try:
            more = self._environment(remote)
            for _ in range(_TRIES):
                try:
                    return self._fetch(remote, more, hashed)
                except DamagedError as error:
                    self.forget()
                    hashed, wrong = getattr(error, "hashed", "sha1"), str(error)
            raise UnavailableError(
                f"what {remote.url} sends cannot be used: {wrong}", "look at the repository there"
            )
        finally:
            for name in ("credentials", "key"):
                self.child.take_back(name)

    @property
    def lacks_history(self) -> bool:
        """Whether commits are known whose parents were not sent."""
        return (self._git / "shallow").exists()

    def forget(self) -> None:
        """Deletes the clone; the next fetch makes it anew."""
        shutil.rmtree(self._git, ignore_errors=True)

    @contextmanager
    def reading(self) -> Iterator[Objects]:
        """The clone's objects; raises DamagedError below where one is not what it should be."""
        with Objects(self._ask, _TIP) as found:
            yield found

    def _ask(self) -> subprocess.Popen[bytes]:
        """git, ready to be asked for objects."""
        return self.child.start(["git", f"--git-dir={self._git}", "cat-file", "--batch"])

    def _fetch(self, remote: Remote, more: dict[str, str], hashed: str) -> None:
        self._clear_away(whole=remote.whole)
        if not self._git.exists():
            self.child.make_folder(self._git)
            how = ["--quiet", "--bare", "--template=", f"--object-format={hashed}"]
            self._said(self.child.run(["git", "init", *how, str(self._git)], more), remote)
        name = f"refs/heads/{remote.branch}"
        if remote.tags:
            name = f"refs/tags/{self._highest_tag(remote, more)}"
        depth = [] if remote.whole else ["--depth=1"]
        words = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--update-shallow"]
        try:
            self._call([*words, *depth, "--", remote.address, f"+{name}:{_TIP}"], remote, more)
        except _NoBranchError as error:
            what = f"{error.what}; {self._branches(remote, more)}"
            raise RejectedError(what, error.remedy) from error
        self._require_small(remote)
        packs = sum(1 for _ in (self._git / "objects" / "pack").glob("*.pack"))
        if packs > PACKS_MOST:
            self._call(["repack", "-a", "-d", "--quiet"], remote, more)

    def _call(self, words: list[str], remote: Remote, more: dict[str, str]) -> bytes:
        network = words[0] in ("fetch", "ls-remote")
        command = ["git", f"--git-dir={self._git}", *words]
        return self._said(self.child.run(command, more, network=network), remote)

    def _highest_tag(self, remote: Remote, more: dict[str, str]) -> str:
        said = self._call(
            ["ls-remote", "--refs", "--tags", "--", remote.address, f"refs/tags/{remote.tags}"],
            remote, more,
        )  # fmt: skip
        listed = said.decode("utf-8", "replace")
        names: list[str] = re.findall(r"^[0-9a-f]+\trefs/tags/(\S+)$", listed, re.M)
        fitting = [name for name in names if fnmatchcase(name, remote.tags)]
        if not fitting:
            raise RejectedError(
                f"{remote.url} has no tag {remote.tags}",
                "push one, or mend the source's `tags` in the platform's manifest",
            )
        return max(fitting, key=_version)

    def _branches(self, remote: Remote, more: dict[str, str]) -> str:
        """Which branches there are, as whoever has renamed one wants to know."""
        words = ["ls-remote", "--refs", "--heads", "--", remote.address]
        listed = self._call(words, remote, more).decode("utf-8", "replace")
        names = sorted(re.findall(r"^[0-9a-f]+\trefs/heads/(\S+)$", listed, re.M))
        more_of_them = ", …" if len(names) > BRANCHES_SHOWN else ""
        return f"it has {', '.join(names[:BRANCHES_SHOWN]) or 'no branch at all'}{more_of_them}"

    def _said(self, answer: Answer, remote: Remote) -> bytes:
        """git's output; its failures in our words."""
        if answer.status == 0:
            return answer.output
        if answer.is_too_large or self._largest() >= self.child.bounds.bytes_most:
            self.forget()
            raise self._too_large(remote)
        if answer.is_out_of_memory:
            most = self.child.bounds.memory_bytes_most >> 20
            raise RejectedError(
                f"to fetch {remote.named} of {remote.url} takes more than {most} MiB of memory",
                "look what it sends; put the manifests into a repository of their own",
            )
        wrong = [
            line for line in answer.errors.splitlines() if re.match(_SAYS_WHAT_FAILED, line)
        ] or answer.errors.splitlines()
        first = wrong[0][:300] if wrong else f"git ended with status {answer.status}"
        first = re.sub(r"^fatal: (unable to access '[^']*': )?", "", first)
        if re.search(r"couldn't find remote ref|Could not find remote branch", answer.errors):
            raise _NoBranchError(
                f"{remote.url} has no branch {remote.branch}",
                "push it; or name another one, as the source's `branch` in the platform's manifest "
                "or as a plan's --revision",
            )
        other = _OTHER_HASH.search(answer.errors)
        if other:
            raise _OtherHashError(first, other[1])
        if self._is_damaged(answer.errors):
            raise DamagedError(first)
        raise UnavailableError(
            f"{remote.url} cannot be fetched from: {first}", _remedy(remote, answer.errors)
        )

    def _is_damaged(self, errors: str) -> bool:
        """Whether it is the clone that cannot be read, and not the other side; git names the file
        in many words."""
        names_it = str(self._git) in errors and not re.search(_KEPT_FROM_IT, errors)
        return bool(names_it or _DAMAGED.search(errors)) and not _of_the_remote(errors)

    def _clear_away(self, *, whole: bool) -> None:
        """What a fetch that was killed has left; a part of a history where the whole is asked."""
        if whole and self.lacks_history:
            self.forget()
        for path in [*self._git.rglob("*.lock"), *self._git.rglob("tmp_*")]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _sizes(self) -> list[int]:
        return [path.lstat().st_size for path in self._git.rglob("*")]

    def _largest(self) -> int:
        """git's own children are ended at the bound without a word, and leave the file there."""
        return max(self._sizes(), default=0)

    def _require_small(self, remote: Remote) -> None:
        if sum(self._sizes()) > self.child.bounds.bytes_most:
            self.forget()
            raise self._too_large(remote)

    def _too_large(self, remote: Remote) -> RejectedError:
        most = self.child.bounds.bytes_most >> 20
        return RejectedError(
            f"{remote.url} has more than {most} MiB in {remote.named}",
            "put the manifests into a repository of their own",
        )

    def _empty_folder(self) -> Path:
        """One that stays empty: git may not write there."""
        path = self.child.home / "empty"
        path.mkdir(exist_ok=True)
        path.chmod(0o755)
        return path

    def _environment(self, remote: Remote) -> dict[str, str]:
        """git's own, and the credentials where the child finds them and nobody else."""
        home = self.child.home
        ssh = (
            "ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=20 "
            f"-o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile={_KNOWN_HOSTS} "
            f"-o IdentitiesOnly=yes -o IdentityFile={home}/key"
        )
        more = {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": f"{home}/gitconfig",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "file:ssh:https",
            "GIT_SSH_COMMAND": ssh,
            "GIT_SSH_VARIANT": "ssh",
        }
        more |= {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        if "GIT_SSL_CAINFO" in more or _BUNDLE.exists():
            more["GIT_SSL_CAPATH"] = str(self._empty_folder())
        if not remote.credentials:
            return more
        if remote.url.startswith("https://"):
            user, colon, password = remote.credentials.decode("utf-8").strip().partition(":")
            if not colon:
                user, password = "token", user
            parts = urlsplit(remote.url)
            line = f"https://{quote(user, '')}:{quote(password, '')}@{parts.netloc}\n"
            self.child.give("credentials", line.encode())
            keeping = f'[credential]\n\thelper = store --file="{home}/credentials"\n'
            self.child.give("gitconfig", (_SETTINGS + keeping).encode())
        else:
            self.child.give("key", remote.credentials.rstrip() + b"\n")
        return more


def _version(tag: str) -> list[tuple[int, int, str]]:
    """Sorts v1.10 above v1.9, and v2 above v2-rc1; a number may be longer than Python reads."""
    parts = re.findall(r"0*([0-9]+)|([^0-9.]+)", tag)
    said = [(2, len(number), number) if number else (0, 0, word) for number, word in parts]
    return [*said, (1, 0, "")]


def _of_the_remote(errors: str) -> bool:
    """Whether what cannot be read is the other side's, and not the clone."""
    return bool(re.search(r"Could not read from remote repository|unable to access", errors))


def _remedy(remote: Remote, errors: str) -> str:
    scheme = remote.url.partition("://")[0]
    if "HOST IDENTIFICATION HAS CHANGED" in errors:
        return (
            "ask its administrator whether its key is a new one, since somebody else may answer in "
            f"its place; a new one takes the place of the old one in {_KNOWN_HOSTS}"
        )
    if "Host key verification failed" in errors:
        return f"write the host's key into {_KNOWN_HOSTS}, as its administrator gives it"
    if re.search(
        r"Permission denied|Authentication failed|could not read Username|returned error: 40[13]",
        errors,
    ):
        return "look at the source's `credentials`, and at what they may read there"
    if re.search(r"returned error: 30\d", errors):
        return "it leads to another address, which is not followed: write that one as `git`"
    if "' not found" in errors or "is this a git repository?" in errors:  # or a page to log in
        return "look at the address, and whether the source's `credentials` may read there"
    if scheme in ("file", remote.url):
        return f"look whether {remote.url} is a repository that other accounts may read"
    return "look whether it answers; it is tried again"
