"""A secret's value is looked for wherever it could have got to, and found in its box alone.

Both kinds: one from the host's folder, one sealed in the repository. Each is rotated once, and a
change that fails and a file that cannot be opened have their say as well.
"""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestr8.host.sealed_secrets import OwnerKeys, sealed
from tests.hosts import Engine
from tests.scenarios.crun_fleet import CrunFleet, fresh_crun
from tests.scenarios.fleet import Fleet, Home

IMAGE = "probe:1"
MANIFEST = """\
orchestr8: 1
owner: me
services:
  app: {image: "probe:1", entrypoint: [/usr/bin/probe, wait], secrets: [plain, sealed]}
secrets: {plain: {}, sealed: {sealed: ./sealed.age}}
"""
LOOKS = (
    ("why", "app.me"), ("prove", "--output", "json"), ("history", "--journal", "--output", "json"),
)  # fmt: skip


@dataclass(frozen=True)
class Canary:
    """A value that occurs nowhere by chance, and how it may be written."""

    value: str

    @property
    def forms(self) -> list[str]:
        """Plainly, in hexadecimal, and in base64 at each offset."""
        value = self.value.encode()
        encoded = [base64.b64encode(b"x" * n + value)[4:-4].decode() for n in range(3)]
        return [self.value, value.hex(), *encoded]

    def is_in(self, content: bytes) -> bool:
        """Whether it is there in any form."""
        return any(form.encode() in content for form in self.forms)

    def files(self, folders: Iterable[Path]) -> set[Path]:
        """The files below these folders that hold it."""
        patterns = [word for form in self.forms for word in ("-e", form)]
        command = ["grep", "-rlaF", "--devices=skip", "--exclude-dir=overlay2", *patterns]
        done = subprocess.run([*command, *map(str, folders)], capture_output=True, text=True)
        assert done.returncode in (0, 1, 2)  # 2: a file went while it was looked for
        return {Path(line) for line in done.stdout.splitlines()}


@dataclass(frozen=True)
class Repository:
    """A folder with the manifest, and a home that has the key and the plain secret."""

    home: Home
    folder: Path

    def write(self, value: str, manifest: str = MANIFEST) -> None:
        self.home.secret("me", "plain", value)
        public, _ = OwnerKeys(self.home.base / "secrets").recipient("me")
        (self.folder / "sealed.age").write_bytes(sealed(value.encode(), public))
        (self.folder / "m.yaml").write_text(manifest)

    def tell(self, canary: Canary) -> str:
        """Everything that is printed while the secrets come, change and are not read."""
        home = self.home
        self.write(f"{canary.value}-first\n")
        printed = home.run("apply", str(self.folder))
        self.write(second := f"{canary.value}-second\n")
        printed += home.run("plan", str(self.folder))
        assert "secret plain changed" in printed and "secret sealed changed" in printed
        printed += home.run("apply", str(self.folder))
        assert self.seen_in_box() == second * 2
        self.write(f"{canary.value}-third\n", MANIFEST.replace("[/usr/bin/probe, wait]", "[/gone]"))
        printed += home.run("apply", str(self.folder), "--output", "json", exit_status=5)
        (self.folder / "sealed.age").write_bytes(
            (self.folder / "sealed.age").read_bytes()[:-9] + canary.value.encode()[:9]
        )
        printed += home.run("apply", str(self.folder), exit_status=2)
        for words in LOOKS:
            printed += home.run(*words, exit_status=None)
        return printed

    def seen_in_box(self) -> str:
        """Both files in the box; an engine loses the output of a quick command now and then."""
        said = ""
        for _ in range(20):
            said = self.home.run(
                "exec", "app.me", "--", "cat", "/run/secrets/plain", "/run/secrets/sealed"
            )
            if said:
                break
        return said


def processes_that_hold(canary: Canary) -> list[str]:
    """The processes in whose command line or environment it is, by number and name; a failure
    shows nobody's environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if canary.is_in((folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()):
                found.append(f"{folder.name} {(folder / 'comm').read_text().strip()}")
    return found


def require_nowhere_else(canary: Canary, home: Home, folders: Iterable[Path]) -> None:
    """In the secrets' own folder, in the box's private files, and in no other file or process."""
    kept = [one for one in home.base.iterdir() if one.name != "secrets"]
    assert canary.files([home.base / "secrets"]) == {home.base / "secrets" / "me" / "plain"}
    assert canary.files([*kept, *folders]) == set()
    staged = canary.files([home.run_folder])
    (box,) = home.run_folder.glob("*/boxes/me--app--*")
    shown = box.parents[1] / "shown" / box.name
    assert staged == {
        one / "secrets" / name for one in (box, shown) for name in ("plain", "sealed")
    }
    assert [one for one in staged if one.stat().st_mode & 0o077] == []
    assert processes_that_hold(canary) == []


@pytest.fixture
def canary() -> Canary:
    return Canary(f"canary-{secrets.token_hex(12)}")


@pytest.fixture
def crun_fleet() -> Iterator[CrunFleet]:
    yield from fresh_crun()


@pytest.mark.parametrize("docker_engine", ["28"], indirect=True)
def test_on_docker_a_value_is_in_its_box_and_nowhere_else(
    docker_engine: Engine, fleet: Fleet, tmp_path: Path, canary: Canary
) -> None:
    began = time.time()
    printed = Repository(fleet, tmp_path).tell(canary)
    engine = json.dumps([fleet.containers(), fleet.client.volumes(), fleet.client.info()])
    engine += json.dumps(list(fleet.client.events(since=began, until=time.time(), decode=True)))

    assert fleet.installation in engine
    for said in (printed, engine):
        assert not canary.is_in(said.encode())
    own_layer = Path(fleet.container("app.me")["GraphDriver"]["Data"]["UpperDir"])
    data = docker_engine.log.with_suffix("")
    require_nowhere_else(canary, fleet, [docker_engine.log, data, own_layer, tmp_path])


@pytest.mark.on_engine("crun")
def test_on_crun_a_value_is_in_its_box_and_nowhere_else(
    crun_fleet: CrunFleet, tmp_path: Path, canary: Canary
) -> None:
    crun_fleet.take_images(IMAGE)
    printed = Repository(crun_fleet, tmp_path).tell(canary)

    assert not canary.is_in(printed.encode())
    held = {file.name for folder in crun_fleet.box_folders() for file in folder.rglob("*")}
    assert held >= {"box.json", "process.json", "log", "config.json", "errors"}
    monitor = processes_that_hold(Canary(str(crun_fleet.run_folder)))
    assert [one for one in monitor if one.endswith(" conmon")], "its command line is looked at"
    require_nowhere_else(canary, crun_fleet, [tmp_path])
