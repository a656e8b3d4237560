"""Children that read what strangers wrote: git, ssh-keygen, gpg.

Each runs as an account that owns nothing else on this machine, without capabilities, with bounds
of time and size, an environment of its own, and no network unless it must fetch; it ends with
whoever started it. Its own /etc/passwd is one line, since ssh refuses to work for an account
without a name.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from msgspec import Struct, field

from orchestr8.errors import FeatureMissingError, RejectedError, UnavailableError

UID = 65_521
"""Above what systemd gives to services of the moment, below nobody; no package takes it."""
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
_ENTER = 'mount --bind "$0" /etc/passwd && { echo 1000 >/proc/self/oom_score_adj; exec "$@"; }'
"""Where the machine has no memory left, what strangers made a child take goes first."""
_TREE = ("setpriv", "--pdeathsig=KILL", "--", "unshare", "--pid", "--kill-child")
"""All that a child starts ends with it, also what has left its session: it is pid 1 to them."""
OUTPUT_BYTES_MOST = 16 << 20
"""What is read into memory of what a child says."""
_NO_RIGHTS = (
    "--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all",
    "--pdeathsig=KILL", "--",
)  # fmt: skip


SECONDS_MOST = 300


class Bounds(Struct, frozen=True):
    """How long a child may take, how large anything that it writes may get, and how much memory
    each of its processes."""

    seconds: int = SECONDS_MOST
    bytes_most: int = 512 << 20
    memory_bytes_most: int = 1 << 30


class Answer(Struct, frozen=True):
    """What a child said; `status` is negative for the signal that ended it."""

    status: int
    output: bytes
    errors: str

    @property
    def is_too_large(self) -> bool:
        """Whether it ended since it wrote more than it may."""
        return self.status == -signal.SIGXFSZ or "File too large" in self.errors

    @property
    def is_out_of_memory(self) -> bool:
        """Whether it ended since it wanted more memory than it may have."""
        return self.status != 0 and bool(re.search(r"(?i)\bout of memory\b", self.errors))


class Child(Struct, frozen=True):
    """How children of one source run. `home` is ours to write and theirs to read; `uid` is the
    account, and the group, that they run as."""

    home: Path
    bounds: Bounds = field(default_factory=Bounds)
    uid: int = UID

    def prepare(self) -> None:
        """Makes the home; raises RejectedError where a child could not come to it."""
        missing = [one for one in (self.home, *self.home.parents) if not one.exists()]
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o711)  # whatever the umask is
        if os.geteuid():
            return
        for folder in (self.home, *self.home.resolve().parents):
            if not folder.stat().st_mode & 0o001:
                raise RejectedError(
                    f"{folder} is closed to other accounts, and a child runs as one of its own "
                    f"(uid {self.uid})",
                    f"chmod o+x {folder}, or set ORCHESTR8_CACHE to another folder",
                )
        line = f"orchestr8-source:x:{self.uid}:{self.uid}::{self.home}:/usr/sbin/nologin\n"
        self.give("passwd", line.encode())

    def give(self, name: str, content: bytes) -> Path:
        """A file in the home that children can read and not change."""
        path = self.home / name
        fresh = self.home / f".{name}.new"
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if not os.geteuid():
                os.fchown(descriptor, 0, self.uid)
                os.fchmod(descriptor, 0o640)
        fresh.rename(path)
        return path

    def take_back(self, name: str) -> None:
        """Removes a file of the home, if it is there."""
        (self.home / name).unlink(missing_ok=True)

    def make_folder(self, path: Path) -> None:
        """An empty folder that children may write to."""
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        if not os.geteuid():
            os.chown(path, self.uid, self.uid)

    def run(
        self,
        command: Sequence[str],
        more: Mapping[str, str] | None = None,
        text: bytes = b"",
        *,
        network: bool = False,
    ) -> Answer:
        """Runs a program with `text` as its input and `more` in its environment.

        Raises UnavailableError where it takes too long or says too much, FeatureMissingError where
        it is missing.
        """
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = self._start(command, more, (subprocess.PIPE, output, errors), network)
            try:
                process.communicate(text, timeout=self.bounds.seconds)
            except subprocess.TimeoutExpired:
                raise UnavailableError(
                    f"{command[0]} did not come to an end within {self.bounds.seconds} s",
                    "look whether the other side answers, and how large the repository is",
                ) from None
            finally:
                end(process)
            if output.seek(0, os.SEEK_END) > OUTPUT_BYTES_MOST:
                raise UnavailableError(
                    f"{command[0]} said more than {OUTPUT_BYTES_MOST >> 20} MiB",
                    "look what the other side sends",
                )
            output.seek(0)
            errors.seek(0)
            said = errors.read(1 << 16).decode("utf-8", "replace")
            return Answer(process.returncode, output.read(), said)

    def start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """A program that is asked and answers; whoever starts it ends it. No network."""
        pipes = (subprocess.PIPE, subprocess.PIPE, subprocess.DEVNULL)
        return self._start(command, None, pipes, network=False)

    def _start(
        self,
        command: Sequence[str],
        more: Mapping[str, str] | None,
        streams: tuple[int | IO[bytes], int | IO[bytes], int | IO[bytes]],
        network: bool,
    ) -> subprocess.Popen[bytes]:
        if not shutil.which(command[0], path=_PATH):
            raise FeatureMissingError(
                f"the program {command[0]} is not there to be run",
                f"install {_PACKAGES.get(command[0], 'it')}",
            )
        environment = {"PATH": _PATH, "HOME": str(self.home), "LC_ALL": "C", **(more or {})}
        given, output, errors = streams
        return subprocess.Popen(
            [*self._walls(network), *command],
            stdin=given,
            stdout=output,
            stderr=errors,
            env=environment,
            cwd=self.home,
            start_new_session=True,
        )

    def _walls(self, network: bool) -> list[str]:
        most, memory = self.bounds.bytes_most, self.bounds.memory_bytes_most
        bounds = [
            "prlimit", "--core=0", f"--fsize={most}", f"--data={memory}",
            f"--cpu={self.bounds.seconds}", "--",
        ]  # fmt: skip
        if os.geteuid():
            return ["setpriv", "--no-new-privs", "--pdeathsig=KILL", "--", *bounds]
        apart = [*_TREE, "--mount", *([] if network else ["--net"]), "--", "sh", "-c", _ENTER]
        account = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}"]
        return [*apart, str(self.home / "passwd"), *account, *_NO_RIGHTS, *bounds]


_PACKAGES = {
    "git": "the package git",
    "ssh-keygen": "the package openssh-client",
    "gpg": "the package gnupg",
}


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a child and everything that it has started, and waits for it."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            with suppress(OSError):
                stream.close()
