"""From a push of one line to its box: a git server on loopback, a signed commit, a webhook."""

from __future__ import annotations

import hmac
import secrets
import socket
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.crun_boxes import crun_boxes
from benchmarks.crun_crash import pid_of
from benchmarks.ground import Ground
from benchmarks.installation import Installed, installation_on_crun
from benchmarks.provision import Ours
from benchmarks.rows import Row, in_turn, medians
from benchmarks.serving import serving
from benchmarks.workload import NAME, offset, stamp, workload
from tests.sources import server
from tests.sources.workshop import Key, Workshop, open_ground, ssh_key

TITLE = "A push, to its box running"
ROUNDS = 9
BESIDE_MS_MOST = 150
_SECRET = secrets.token_hex(16)
_WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.002


def rows(ground: Ground) -> Iterator[Row]:
    """On crun, less what the engine alone needs for a box."""
    folder = ground.scratch / "pushed"
    folder.mkdir(mode=0o711)
    ground.scratch.chmod(0o711)
    archive = workload(folder).archive
    with (
        open_ground() as place,
        server.serving(place) as git,
        crun_boxes(archive) as alone,
        installation_on_crun(archive) as installed,
    ):
        more = {"ORCHESTR8_CACHE": str(place / "cache"), "GIT_SSL_CAINFO": str(git.authority)}
        ours = replace(installed, environment={**installed.environment, **more})
        workshop = Workshop.begun(place / "workshop")
        team = _Team(ours, workshop, f"{git.address}/web.git", ssh_key(place, "ann"))
        team.begin(place / "web.git")
        with serving(ours):
            measures = {"told": team.pushed, "provision": Ours(alone).provision}
            found = medians(in_turn(ROUNDS, measures))
    typed = statistics.median(team.typed[-ROUNDS:])
    box = found["provision"]
    note = (
        f"on crun, less the {box:.1f} ms that a box alone takes, to its first instruction: in all "
        "{all:.0f} ms; https, one signed commit, signatures required"
    )
    yield Row(
        "from the forge's word", found["told"] - box, None, "", "ms", ROUNDS,
        most=BESIDE_MS_MOST, note=note.format(all=found["told"]),
    )  # fmt: skip
    yield Row(
        "from `git push`, typed", typed - box, None, "", "ms", ROUNDS,
        note=f"{note.format(all=typed)}; git's own push is a part of it",
    )  # fmt: skip


@dataclass
class _Team:
    """Whoever pushes: a working copy, the address that it is pushed to, and the machine."""

    ours: Installed
    workshop: Workshop
    address: str
    key: Key
    typed: list[float] = field(default_factory=list)
    """Milliseconds from each `git push` to the first instruction."""
    _lines: int = 0

    def begin(self, repository: Path) -> None:
        """A machine that follows the repository, and runs its first commit."""
        start = self.workshop.commit({"README": "x"})
        self.workshop.git("clone", "--quiet", "--bare", ".", str(repository))
        self.workshop.git(f"--git-dir={repository}", "config", "http.receivepack", "true")
        self.ours.secret("platform", "hook", _SECRET)
        manifest = repository.with_name("platform.yaml")
        manifest.write_text(
            "orchestr8: 1\nplatform:\n  mode: team\n"
            f'  owners: {{web: {{members: ["{self.key.member}"]}}}}\n  sources:\n    web: '
            f'{{git: "{self.address}", owner: web, every: 1d, start: {start}, webhook: hook}}\n'
        )
        self.ours.type("apply", str(manifest), "--set", "platform")
        self._commit()
        self._push()
        self.ours.type("sync", "web")

    def pushed(self) -> float:
        """Milliseconds from the word that there is a push to the first instruction of its box."""
        self.ours.type("sync", "web")  # what the push before began is over
        before = set(self._begun())
        self._commit()
        typed = time.monotonic_ns()
        self._push()
        told = time.monotonic_ns()
        self._tell()
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            for box in set(self._begun()) - before:
                first = stamp(box / "log") - offset(pid_of(box))
                self.typed.append((first - typed) / 1e6)
                return (first - told) / 1e6
            time.sleep(_LOOK_SECONDS)
        raise RuntimeError("the push does not come to run")

    def _commit(self) -> None:
        """Another line of the manifest, signed."""
        self._lines += 1
        text = (
            "orchestr8: 1\nowner: web\n"
            "defaults: {limits: {memory: 32MiB, pids: 32}, stop: {grace: 1s}}\nservices:\n"
            f"  front: {{image: {NAME}, env: {{LINE: '{self._lines}'}}}}\n"
        )
        self.workshop.commit({"web.yaml": text}, self.key)

    def _push(self) -> None:
        trusted = self.ours.environment["GIT_SSL_CAINFO"]
        self.workshop.git("push", "--quiet", self.address, "main", GIT_SSL_CAINFO=trusted)

    def _tell(self) -> None:
        """What the forge sends."""
        body = b'{"ref": "refs/heads/main"}'
        signature = hmac.digest(_SECRET.encode(), body, "sha256").hex()
        head = (
            "POST /v1/hooks/web HTTP/1.0\r\nHost: localhost\r\n"
            f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(Path(self.ours.environment["ORCHESTR8_RUN"], "api.sock")))
            peer.sendall(head.encode() + body)
            answer = peer.recv(100)
        if b" 202 " not in answer:
            raise RuntimeError(f"the webhook is answered with {answer[:40]!r}")

    def _begun(self) -> list[Path]:
        """The boxes that have written something."""
        kept = self.ours.fleet.base / "state" / "crun" / "boxes"
        return [log.parent for log in kept.glob("web--front--*/log") if log.stat().st_size]
