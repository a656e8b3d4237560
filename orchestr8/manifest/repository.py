"""Readers of what a source is written with: addresses, folders, branches, tags, commits, keys.

What passes here is handed to git as a word of its command, but for a folder of the repository, so
nothing may look like an option, run a program, or go in the clear.
"""

from __future__ import annotations

import posixpath
import re

from orchestr8.manifest.wording import shortened

_LENGTH_MAX = 500
_HOST = r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?"
_PATH = r"[A-Za-z0-9._~/+-]*"
_ESCAPED = r"(?:[A-Za-z0-9._~/+-]|%[2-7A-Fa-f][0-9A-Fa-f])*"
"""As some forges write a blank in a project's name."""
_HTTPS = rf"https://{_HOST}(?::[0-9]{{1,5}})?/{_ESCAPED}"
_SSH = rf"ssh://(?:[a-z_][a-z0-9_-]*@)?{_HOST}(?::[0-9]{{1,5}})?/{_PATH}"
_FILE = rf"(?:file://)?/{_PATH}"
_SCP = rf"([a-z_][a-z0-9_-]*@{_HOST}):({_PATH})"
_REFERENCE = r"\w(?:[\w.@#/+-]*[\w#+-])?"
_PATTERN = r"[A-Za-z0-9_*](?:[A-Za-z0-9._/+*-]*[A-Za-z0-9_+*-])?"
KEY = r"ssh:SHA256:[A-Za-z0-9+/]{43}=?|gpg:[0-9A-F]{40}"
KEY_WORDS = (
    "ssh:SHA256:… (as `ssh-keygen -lf KEY.pub` prints it) or gpg: and the 40 characters of its "
    "fingerprint, capitals without blanks"
)


def git_url(text: str) -> str:
    """Where a repository lies: https, ssh, or a path of this machine."""
    host, at, _ = text.partition("://")[2].partition("/")[0].rpartition("@")
    if text.startswith("https://") and at and host:
        raise ValueError("has a user or a password in the address; put them into `credentials`")
    if text.startswith("http://"):
        raise ValueError("is fetched in the clear; write https:// or ssh://")
    scp = re.fullmatch(_SCP, text)
    if scp:
        raise ValueError(
            f'"{shortened(text)}" is short for an address; write ssh://{scp[1]}/{scp[2]}'
        )
    fits = any(re.fullmatch(form, text) for form in (_HTTPS, _SSH, _FILE))
    if len(text) > _LENGTH_MAX or not fits or ".." in text.split("/"):
        raise ValueError(
            f'"{shortened(text)}" is no address of a git repository; write it as in '
            "https://git.example/payments.git, ssh://git@git.example/payments.git or /srv/git/x.git"
        )
    return text


def host_folder(text: str) -> str:
    """A folder of this machine, from the root on."""
    normal = posixpath.normpath(text)
    fits = re.fullmatch(r"/[A-Za-z0-9._/+@ -]+", text) and len(text) <= _LENGTH_MAX
    if not fits or ".." in text.split("/") or not normal.strip("/"):
        raise ValueError(
            f'"{shortened(text)}" is no folder of this machine; write it from the root on, as in '
            "/srv/deploy/web"
        )
    return "/" + normal.lstrip("/")


def branch(text: str) -> str:
    """A branch."""
    return _reference(text, _REFERENCE, "branch", "main")


def tags(text: str) -> str:
    """A pattern of tags."""
    return _reference(text, _PATTERN, "pattern of tags", "v*")


def _reference(text: str, form: str, kind: str, example: str) -> str:
    wrong = any(part in text for part in ("..", "//", "/.", ".lock/")) or text.endswith(".lock")
    if len(text) > 200 or wrong or not re.fullmatch(form, text):
        raise ValueError(f'"{shortened(text)}" is no {kind}; write it as in {example}')
    return text


def path(text: str) -> str:
    """A folder of the repository; the whole of it is the empty path."""
    normal = posixpath.normpath(text)
    plain = re.fullmatch(r"[\w./+@ -]+", text) and len(text) <= _LENGTH_MAX
    if not plain or text.startswith("/") or ".." in text.split("/"):
        raise ValueError(
            f'"{shortened(text)}" is no folder of a repository; write it as in deploy or apps/web'
        )
    return "" if normal == "." else normal


def commit(text: str) -> str:
    """A commit by its whole name."""
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text):
        raise ValueError(
            f'"{shortened(text)}" is no whole name of a commit; write all its 40 characters, as '
            "`git rev-parse HEAD` prints them"
        )
    return text


def key(text: str) -> str:
    """A key that signs commits, as members are named."""
    if not re.fullmatch(KEY, text):
        raise ValueError(f'"{shortened(text)}" is no key; write {KEY_WORDS}')
    return text


def is_key(member: str) -> bool:
    """Whether a member is a key, and so can sign."""
    return re.fullmatch(KEY, member) is not None
