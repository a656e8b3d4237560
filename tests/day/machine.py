"""The machine of the day: its server process, its repositories, its people, and the transcript."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tests.scenarios.crun_fleet import CrunFleet
from tests.scenarios.fleet import ROOT, eventually
from tests.server.machine import Reply
from tests.server.test_matrix import Peers, typed
from tests.sources.server import Served
from tests.sources.workshop import Key, Workshop

SECONDS_MOST = 180.0


@dataclass
class Transcript:
    """What happened, for somebody who was not there."""

    out: TextIO
    plain: Mapping[str, str]
    """Folders of this day, and what they are called on an ordinary machine."""

    def chapter(self, title: str) -> None:
        """A heading."""
        self._write(f"\n## {title}\n\n")

    def tell(self, sentence: str) -> None:
        """What a person does, or what is seen."""
        self._write(f"{sentence}\n\n")

    def typed(self, line: str, said: str) -> None:
        """A command and all that it said."""
        body = said if said.endswith("\n") or not said else f"{said}\n"
        self._write(f"    $ {line}\n" + "".join(f"    {one}\n" for one in body.splitlines()) + "\n")

    def _write(self, text: str) -> None:
        for here, there in self.plain.items():
            text = text.replace(here, there)
        self.out.write(text)
        self.out.flush()


@dataclass
class Machine:
    """One host that is run by git."""

    fleet: CrunFleet
    served: Served
    ground: Path
    transcript: Transcript
    server: subprocess.Popen[bytes] | None = None

    def type(self, *words: str, exit_status: int | None = 0) -> str:
        """Types a command as root, and writes it down."""
        said = self.fleet.run(*words, exit_status=exit_status, **self.environment)
        self.transcript.typed(f"orchestr8 {' '.join(words)}", said)
        return said

    def look(self, *words: str) -> Any:
        """A document; a reader of the transcript misses nothing without it."""
        said = self.fleet.run(*words, "--output", "json", **self.environment)
        found: Any = json.loads(said)
        return found

    def type_as(self, peers: Peers, who: str, name: str, line: str) -> Reply:
        """Types a command as a member of an owner, over the API."""
        verb, _, rest = line.partition(" ")
        reply = peers.ask(who, "POST", f"/v1/commands/{verb}", typed(rest))
        self.transcript.typed(f"orchestr8 {line}      # {name}", reply.text)
        return reply

    @property
    def environment(self) -> dict[str, str]:
        """What this day adds to every process."""
        return {
            "GIT_SSL_CAINFO": str(self.served.authority),
            "ORCHESTR8_CACHE": str(self.ground / "cache"),
        }

    def start_server(self, days: int = 0) -> None:
        """`orchestr8 serve`, today or some days later, and its API answers."""
        log = (self.fleet.base / "serve.log").open("ab")
        words = ["tests.day.later", str(days)] if days else ["orchestr8"]
        command = [sys.executable, "-m", *words, "serve"]
        self.server = subprocess.Popen(
            command, cwd=ROOT, env={**self.fleet.environment, **self.environment},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        log.close()
        self.wait(self._answers)

    def _answers(self) -> bool:
        assert self.server and self.server.poll() is None, self.log()
        return self.socket.exists() and self.fleet.run("status", exit_status=None) != ""

    @property
    def socket(self) -> Path:
        """Where the API listens."""
        return self.fleet.run_folder / "api.sock"

    def end_server(self, number: int = signal.SIGTERM) -> None:
        """The server's process ends; with SIGKILL it has no say in it."""
        assert self.server
        self.server.send_signal(number)
        self.server.wait(SECONDS_MOST)
        self.server = None
        if number == signal.SIGKILL:
            self.socket.unlink()  # nobody listens there; the next server takes the place anyway

    def log(self) -> str:
        """What the server said."""
        return (self.fleet.base / "serve.log").read_text()

    def wait(self, look: Any) -> None:
        """Until something is so; a day that stands still says what the server said."""
        try:
            eventually(look, SECONDS_MOST)
        except AssertionError as error:
            status = self.fleet.run("status", exit_status=None, **self.environment)
            raise AssertionError(f"{error}\n{status}\n{self.log()[-6000:]}") from error

    def boxes(self) -> dict[str, dict[str, Any]]:
        """Running boxes by their slots, without how they are just now: a probe may come late."""
        now = ("state", "cause")
        return {
            f"{box['slot']}.{one['service']}": {key: box[key] for key in box if key not in now}
            for one in self.look("status")["services"]
            for box in one["boxes"]
            if not box["stopped_ms"]
        }

    def of_kernel(self, box: dict[str, Any], name: str) -> Path:
        """A file of the kernel in the control group of a box."""
        return self.fleet.control_files(f"*/*{box['id']}*/{name}")[0]

    def lets_out(self, address: str) -> bool:
        """Whether the packet filter lets anybody out to an address."""
        table = f"orchestr8_{self.fleet.installation}"
        listed = subprocess.run(
            ["nft", "list", "table", "inet", table], check=True, capture_output=True, text=True
        )
        return address in listed.stdout

    def source(self, name: str) -> dict[str, Any]:
        """How a source stands."""
        found = self.look("status")["sources"]
        return next((one for one in found if one["source"] == name), {})

    def in_force(self, name: str, commit: str) -> bool:
        """Whether a commit of a source is what runs."""
        source = self.source(name)
        return source.get("state") == "converged" and source.get("in_force") == commit

    def refused(self, name: str, commit: str) -> bool:
        """Whether a commit of a source was looked at and changed nothing."""
        source = self.source(name)
        is_seen = source.get("seen") == commit and source.get("in_force") != commit
        return is_seen and source.get("state") in ("refused", "invalid")


@dataclass
class Team:
    """Somebody who pushes: a working copy, a key, and the repository that the machine asks."""

    name: str
    workshop: Workshop
    bare: Path
    key: Key
    person: str
    start: str = ""
    """The first commit."""

    @classmethod
    def begun(cls, ground: Path, name: str, person: str, key: Key) -> Team:
        """A new repository with one commit, which nobody has signed."""
        workshop = Workshop.begun(ground / "home" / name)
        bare = ground / "git" / f"{name}.git"
        workshop.git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
        made = cls(name, workshop, bare, key, person)
        made.start = made.push({"README": f"what {name} runs\n"}, signed=False)
        return made

    @property
    def tip(self) -> str:
        """The newest commit."""
        return self.workshop.git("rev-parse", "HEAD")

    def push(
        self,
        files: Mapping[str, str | None],
        message: str = "begin",
        *,
        signed: bool = True,
        key: Key | None = None,
    ) -> str:
        """A commit of these files, pushed; its name."""
        names = {
            f"GIT_{role}_{what}": text
            for role in ("AUTHOR", "COMMITTER")
            for what, text in (("NAME", self.person), ("EMAIL", f"{self.name}@example.org"))
        }
        commit = self.workshop.commit(
            files, (key or self.key) if signed else None, message, **names
        )
        self.workshop.git("push", "--quiet", "--force", str(self.bare), "HEAD:main")
        return commit

    def take_back(self, commit: str) -> None:
        """The working copy is as it was at a commit; what is pushed next takes the branch back."""
        self.workshop.git("reset", "--quiet", "--hard", commit)


@contextmanager
def written(path: Path, plain: Mapping[str, str]) -> Iterator[Transcript]:
    """A transcript in a file, which is kept whatever becomes of the day."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as out:
        out.write("# A day on one machine: a platform, three owners, and git\n")
        yield Transcript(out, plain)


def kill(procs: Path) -> None:
    """SIGKILL to the first process of a control group."""
    pid = int(procs.read_text().split()[0])
    assert pid > 1
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)
