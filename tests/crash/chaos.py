"""`python3 -m tests.crash.chaos SECONDS [SEED]`: a server keeps a fleet on a Docker Engine while
everything around it is killed, filled up and lost at random.

The server, the engine, applies and boxes are killed; the disk of the state folder is filled; the
store is truncated and deleted. At the end nothing is lost, nothing doubled, and all is as an
undisturbed apply leaves it; what server and applies said is in .cache/chaos.log. The seed says
which blow falls when, though not what it meets.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import requests

from tests import hosts
from tests.crash.change import SET
from tests.crash.remains import differences, remains
from tests.crash.story import Story, story
from tests.hosts import engines
from tests.scenarios.fleet import ROOT

ENGINE = "28"
STATE_BYTES = 16 << 20
FULL_SECONDS = 3.0
PAUSE_SECONDS = 2.5
"""The longest time between two blows."""
KILLED_WITHIN_SECONDS = 2.0
CALM_SECONDS = 420.0
"""How long it may take at the end: a box that failed again and again waits five minutes."""
LOG = ROOT / ".cache" / "chaos.log"
MARK = "kept through it all"
_AS_BEFORE = ("boxes", "networks", "volumes", "volume folders", "packet filter", "bridge ports")


@dataclass
class Chaos:
    """A fleet, its server, and the blows that fell."""

    told: Story
    chance: random.Random
    server: subprocess.Popen[bytes] | None = None
    counted: Counter[str] = field(default_factory=Counter)

    @property
    def _blows(self) -> list[tuple[int, Callable[[], None]]]:
        return [
            (8, self.box_killed), (3, self.box_removed), (3, self.box_stopped),
            (4, self.apply), (5, self.apply_killed), (5, self.server_killed),
            (1, self.engine_killed), (2, self.disk_full), (1, self.store_truncated),
            (1, self.store_deleted),
        ]  # fmt: skip

    def strike(self) -> None:
        """One blow, and a moment."""
        weights, blows = zip(*self._blows, strict=True)
        blow = self.chance.choices(blows, weights)[0]
        self.counted[blow.__name__] += 1
        began = time.monotonic()
        blow()
        print(f"{blow.__name__}: {time.monotonic() - began:.1f} s", flush=True)
        self.serve()
        time.sleep(self.chance.uniform(0, PAUSE_SECONDS))

    def serve(self) -> None:
        """A server that has ended is started again, as systemd does it."""
        if self.server is None or self.server.poll() is not None:
            self.server = self._begin("serve")

    def _begin(self, *words: str) -> subprocess.Popen[bytes]:
        with LOG.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "orchestr8", *words],
                cwd=ROOT, env=self.told.fleet.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def box_killed(self) -> None:
        """A box's first task dies."""
        self._at_a_box(lambda client, box: client.kill(box))

    def box_removed(self) -> None:
        """Somebody removes a box behind our back."""
        self._at_a_box(lambda client, box: client.remove_container(box, force=True))

    def box_stopped(self) -> None:
        """Somebody stops a box at the engine."""
        self._at_a_box(lambda client, box: client.stop(box, timeout=0))

    def _at_a_box(self, harm: Callable[[Any, str], None]) -> None:
        fleet = self.told.fleet
        # It went by itself meanwhile, or the engine is too busy to answer.
        with suppress(docker.errors.DockerException, requests.RequestException):
            boxes = sorted(one["Id"] for one in fleet.containers(everything=False))
            if boxes:
                harm(fleet.client, self.chance.choice(boxes))

    def apply(self) -> None:
        """Somebody changes the fleet, through the server if it answers."""
        self._begin_apply().wait(CALM_SECONDS)

    def apply_killed(self) -> None:
        """Whoever changes the fleet is killed in the midst of it."""
        process = self._begin_apply()
        time.sleep(self.chance.uniform(0, KILLED_WITHIN_SECONDS))
        process.kill()
        process.wait()

    def _begin_apply(self) -> subprocess.Popen[bytes]:
        return self._begin(*self.told.turn(), "--set", SET, "--wait", "--timeout", "60s")

    def server_killed(self) -> None:
        """SIGKILL for the one that keeps the machine."""
        if self.server:
            self.server.kill()
            self.server.wait()

    def engine_killed(self) -> None:
        """SIGKILL for the engine; its boxes end with its return."""
        engines.kill(ENGINE)
        engines.start(ENGINE)

    def disk_full(self) -> None:
        """The state folder's disk has no byte left for some seconds."""
        ballast = self.told.fleet.base / "state" / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        self._at_a_box(lambda client, box: client.kill(box))
        time.sleep(FULL_SECONDS)
        ballast.unlink(missing_ok=True)

    def store_truncated(self) -> None:
        """Half of the store is gone; a backup brings it back."""
        fleet = self.told.fleet
        backup = fleet.base / "backup"
        backup.unlink(missing_ok=True)
        self._typed("backup", "create", str(backup))
        self.server_killed()
        store = fleet.base / "state" / "orchestr8.db"
        os.truncate(store, store.stat().st_size // 2)
        self._typed("backup", "restore", str(backup), "--yes")

    def store_deleted(self) -> None:
        """The store is gone; the boxes say what they are, and somebody applies again."""
        fleet = self.told.fleet
        installation = fleet.installation
        self.server_killed()
        for path in (fleet.base / "state").iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._typed("adopt", "--installation", installation)
        fleet.run("apply", self.told.change.path(self.told.form), "--set", SET, exit_status=None)

    def _typed(self, *words: str) -> None:
        """Somebody types it, and again while the machine says that it cannot be done now."""
        deadline = time.monotonic() + CALM_SECONDS
        while True:
            try:
                self.told.fleet.run(*words)
                return
            except AssertionError as error:
                if "Traceback" in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(1)

    def end(self) -> tuple[str, ...]:
        """Calm returns; what is not as an undisturbed apply leaves it."""
        deadline = time.monotonic() + CALM_SECONDS
        wrong: tuple[str, ...] = ("nobody has looked yet",)
        while wrong and time.monotonic() < deadline:
            self.serve()
            time.sleep(1)
            self.told.fleet.run(
                "apply", self.told.change.path(self.told.form), "--set", SET, exit_status=None
            )
            found = remains(self.told.fleet)
            expected = self.told.undisturbed[self.told.form]
            wrong = differences(
                {one: expected[one] for one in _AS_BEFORE}, {one: found[one] for one in _AS_BEFORE}
            )
        return wrong

    def stop(self) -> None:
        """The server ends."""
        if self.server:
            self.server.terminate()
            self.server.wait(60)


def main(seconds: float, seed: int) -> int:
    """Strikes for so long; 1 where something is wrong at the end."""
    LOG.write_bytes(b"")
    with ExitStack() as stack:
        engine = stack.enter_context(hosts.engine(ENGINE))
        hosts.load_images(engine.socket)
        chaos = Chaos(stack.enter_context(story(engine, STATE_BYTES)), random.Random(seed))
        stack.callback(chaos.stop)
        client = chaos.told.fleet.client
        stranger = client.create_container("hello:1")["Id"]
        stack.callback(lambda: client.remove_container(stranger, force=True))
        data = next(iter(client.volumes()["Volumes"]))["Options"]["device"]
        kept = Path(data, "mark")
        kept.write_text(MARK, "ascii")
        chaos.told.look_again()
        chaos.serve()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            chaos.strike()
        wrong = list(chaos.end())
        if kept.read_text("ascii") != MARK:
            wrong.append("the volume's content is lost")
        if client.inspect_container(stranger)["State"]["Status"] != "created":
            wrong.append("a stranger's container was touched")
        print(f"seed {seed}: {sum(chaos.counted.values())} blows: {dict(chaos.counted)}")
        print(*wrong or ["nothing lost, nothing doubled, all as declared"], sep="\n")
        return 1 if wrong else 0


if __name__ == "__main__":
    asked = sys.argv[1:]
    seed = int(asked[1]) if len(asked) > 1 else random.SystemRandom().randrange(10**6)
    sys.exit(main(float(asked[0]) if asked else 300.0, seed))
