"""An ssh server on loopback, as a forge has one: an account that git alone is run for.

Each connection has an sshd of its own, which ends with it; so there is no port to guess at and
nothing to wait for. The accounts, /run and the keys that it sees are its own.
"""

from __future__ import annotations

import os
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hosts import unpacked

CACHE = unpacked.CACHE / "sshd"
_ADMINISTRATORS = "/usr/local/sbin:/usr/sbin:/sbin"
_ACCOUNTS = """\
root:*:0:0::/:/bin/sh
sshd:*:65519:65519::/run/sshd:/bin/false
git:*:65518:65518::/:/bin/sh
"""
_SETTINGS = """\
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
ForceCommand exec git -c "safe.directory=*" shell -c "$SSH_ORIGINAL_COMMAND"
"""
_ENTER = """\
mount --bind "$0/accounts" /etc/passwd
mount -t tmpfs tmpfs /run
mkdir -m 755 /run/sshd
if [ -d "$1/usr/lib/openssh" ]; then mount --bind "$1/usr/lib/openssh" /usr/lib/openssh; fi
shift
exec "$@"
"""


class SshServer(socketserver.ThreadingTCPServer):
    """Listens on a port of its own; `folder` has its host key, `host`, and what it said, `log`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.folder = folder
        self.address = f"ssh://git@127.0.0.1:{self.server_address[1]}"

    def admit(self, key: Path) -> None:
        """From now on whoever has this key comes in, and nobody else."""
        shutil.copy(f"{key}.pub", self.folder / "authorized")

    def known_by(self, key: Path) -> str:
        """The line of known hosts by which it is this server that has this host key."""
        kind, words, *_ = Path(f"{key}.pub").read_text().split()
        return f"[127.0.0.1]:{self.server_address[1]} {kind} {words}\n"


class _Connection(socketserver.BaseRequestHandler):
    server: SshServer

    def handle(self) -> None:
        """One client, from its first word to its last."""
        folder = self.server.folder
        with (folder / "log").open("ab") as log:
            subprocess.run(
                [*_sshd(folder), "-i", "-e"], env=_environment(), check=False,
                stdin=self.request, stdout=self.request, stderr=log,
            )  # fmt: skip


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """Serves whatever the account git can read on this machine; nobody is admitted yet."""
    folder.mkdir(mode=0o755)
    (folder / "settings").write_text(_SETTINGS.format(folder=folder))
    (folder / "accounts").write_text(_ACCOUNTS)
    with SshServer(folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def program() -> str:
    """The machine's, or the one that `prepare` unpacked."""
    found = shutil.which("sshd", path=_ADMINISTRATORS) or str(CACHE / "usr/sbin/sshd")
    assert Path(found).exists(), "run `python3 -m tests.hosts prepare`"
    return found


def prepare() -> None:
    """Unpacks the package where the machine has no such program."""
    if shutil.which("sshd", path=_ADMINISTRATORS) or (CACHE / "usr/sbin/sshd").exists():
        return
    unpacked.unpack(CACHE, unpacked.with_what_lacks("openssh-server"))


def why_not(folder: Path) -> str:
    """What keeps an sshd with the settings of a folder from running here; empty where nothing."""
    command = [*_sshd(folder), "-t"]
    tried = subprocess.run(command, env=_environment(), capture_output=True, check=False, text=True)
    return tried.stderr.strip() if tried.returncode else ""


def _sshd(folder: Path) -> list[str]:
    walls = ["unshare", "--mount", "sh", "-ec", _ENTER, str(folder), str(CACHE)]
    return [*walls, program(), "-f", str(folder / "settings")]


def _environment() -> dict[str, str]:
    libraries = [*CACHE.glob("lib/*-linux-*"), *CACHE.glob("usr/lib/*-linux-*")]
    return {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": ":".join(map(str, libraries))}
