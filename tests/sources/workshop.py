"""A team's working copy: commits as people make them, with keys that really sign."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestr8.sources.git import Clone, Remote

HELLO = 'orchestr8: 1\nowner: me\nservices:\n  hello: {image: "hello:1"}\n'


@contextmanager
def open_ground() -> Iterator[Path]:
    """A folder that git's own account can come to; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="orchestr8-sources-", dir="/tmp"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Key:
    """A key pair of somebody; `member` is how a manifest names it."""

    path: Path
    member: str


@dataclass(frozen=True)
class Workshop:
    """A repository with a work tree, and whoever works in it."""

    folder: Path

    @classmethod
    def begun(cls, folder: Path, *how: str) -> Workshop:
        """A repository with the branch main and nothing in it; `how` is said to git init."""
        folder.mkdir(mode=0o755, parents=True)
        made = cls(folder)
        made.git("init", "--quiet", "--initial-branch=main", *how, ".")
        made.git("config", "gpg.format", "ssh")
        return made

    def git(self, *words: str, text: bytes | None = None, **more: str) -> str:
        """Runs git here; nothing of this machine's own settings counts."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ann",
            "GIT_AUTHOR_EMAIL": "ann@example.org",
            "GIT_COMMITTER_NAME": "Cleo",
            "GIT_COMMITTER_EMAIL": "cleo@example.org",
            **more,
        }
        command = ["git", "-c", "commit.gpgsign=false", "-c", "protocol.file.allow=always", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, input=text, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "replace").strip()

    def write(self, files: Mapping[str, str | None]) -> None:
        """Writes files; None deletes one."""
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(
        self,
        files: Mapping[str, str | None] | None = None,
        key: Key | None = None,
        message: str = "a change",
        **more: str,
    ) -> str:
        """Commits these files, signed where there is a key; the commit's name."""
        self.write(files or {})
        self.git("add", "--all", ".")
        signing = ["-c", f"user.signingKey={key.path}"] if key else []
        sign = ["-S"] if key else []
        self.git(*signing, "commit", "--quiet", "--allow-empty", "-m", message, *sign, **more)
        return self.git("rev-parse", "HEAD")


def fetched(clone: Clone, remote: Remote) -> str:
    """The commit that one fetch brings."""
    with clone.held():
        clone.fetch(remote)
        with clone.reading() as objects:
            return objects.tip()


def ssh_key(folder: Path, name: str) -> Key:
    """A new ssh key."""
    path = folder / name
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path))
    shown = _run("ssh-keygen", "-l", "-f", f"{path}.pub").split()[1]
    return Key(path, f"ssh:{shown}")


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def gpg_key(folder: Path, name: str, ends: str = "0", when: str = "") -> Key:
    """A new gpg key in a ring of its own, its public part beside it; `when` is its birth."""
    ring = folder / f"gpg-{name}"
    ring.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(ring), "--batch", "--quiet", "--passphrase", ""]
    born = ["--faked-system-time", when] if when else []
    try:
        _run(*gpg, *born, "--quick-generate-key", f"{name} <{name}@example.org>", "ed25519",
             "sign", ends)  # fmt: skip
        shown = _run(*gpg, "--with-colons", "--list-keys")
        fingerprint = next(line.split(":")[9] for line in shown.splitlines() if line[:3] == "fpr")
        (folder / f"{name}.asc").write_text(_run(*gpg, "--armor", "--export"))
    finally:
        _run("gpgconf", "--homedir", str(ring), "--kill", "all")
    wrapper = ring / "gpg"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(gpg[:3])} {" ".join(born)} "$@"\n')
    wrapper.chmod(0o755)
    return Key(wrapper, f"gpg:{fingerprint}")
