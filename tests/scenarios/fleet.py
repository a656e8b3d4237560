"""One installation of orchestr8 on one engine, driven by its command line alone."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from tests.hosts import Engine
from tests.kernel import leftovers

ROOT = Path(__file__).resolve().parents[2]
LABEL = "orchestr8.installation"


def places() -> tuple[Path, Path]:
    """A fresh state folder's parent and a run folder, where every engine of the tests reaches."""
    name = secrets.token_hex(4)
    base = Path("/var/lib/orchestr8-test") / name
    base.mkdir(parents=True, mode=0o700)
    return base, Path("/run/orchestr8-test") / name


@dataclass(kw_only=True)
class Home(ABC):
    """One installation of orchestr8, driven by its command line alone; `run` types a command."""

    base: Path
    run_folder: Path
    engine_variables: Mapping[str, str]
    _known: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What the command sees."""
        own = {
            "ORCHESTR8_STATE": str(self.base / "state"),
            "ORCHESTR8_RUN": str(self.run_folder),
            "ORCHESTR8_SECRETS": str(self.base / "secrets"),
            "COLUMNS": "120",
            "NO_COLOR": "1",
        }
        return {**os.environ, **own, **self.engine_variables}

    def run(
        self,
        *words: str,
        exit_status: int | None = 0,
        stdin: str = "",
        seconds: float = 180,
        **more: str,
    ) -> str:
        """Types `orchestr8 WORDS`; everything that it prints. Fails on another exit status."""
        finished = subprocess.run(
            [sys.executable, "-m", "orchestr8", *words],
            cwd=ROOT,
            env={**self.environment, **more},
            input=stdin,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
        )  # fmt: skip
        told = (
            f"exit status {finished.returncode} of orchestr8 {' '.join(words)}:\n{finished.stdout}"
        )
        assert "Traceback" not in finished.stdout, told
        assert exit_status in (None, finished.returncode), told
        return finished.stdout

    def json(self, *words: str, exit_status: int | None = 0) -> Any:
        """The document that a command prints with --output json."""
        return json.loads(self.run(*words, "--output", "json", exit_status=exit_status))

    def proved(self, *services: str) -> int:
        """How many boxes are proved; every claim of every one must hold."""
        document = self.json("prove", *services)
        verdicts = {box["name"]: box["verdict"] for box in document["boxes"]}
        assert set(verdicts.values()) == {"held"}, verdicts
        return len(verdicts)

    def apply_text(self, text: str, *words: str, exit_status: int = 0, **more: Any) -> str:
        """Applies a manifest from standard input."""
        return self.run("apply", "-", *words, stdin=text, exit_status=exit_status, **more)

    def boxes(self) -> dict[str, str]:
        """All boxes by id, each with its state."""
        services = self.json("status")["services"]
        return {box["id"]: box["state"] for one in services for box in one["boxes"]}

    def crash(self, box: str) -> None:
        """A box's first task is killed by somebody."""
        self.kill_first_task(box)
        eventually(lambda: self.boxes()[box] == "stopped")

    @abstractmethod
    def kill_first_task(self, box: str) -> None:
        """SIGKILL, as an engine finds it."""

    @abstractmethod
    def memory_max_bytes(self, box: str) -> int:
        """How much memory a box may use, as its engine set it."""

    def secret(self, owner: str, name: str, content: str) -> None:
        """Puts a secret where the manifest says that it is."""
        path = self.base / "secrets" / owner / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(content)

    @property
    def installation(self) -> str:
        """This installation's id, as its boxes carry it; empty before its first apply. A store
        that is deleted leaves it known, or nobody could clear up."""
        for (value,) in self._stored("SELECT value FROM meta WHERE key='installation'"):
            self._known = str(value)
        return self._known

    def take_down(self) -> None:
        """Leaves nothing: by what a person would type, and then, however that went, by hand."""
        try:
            for (set_name,) in self._stored("SELECT name FROM sets ORDER BY name"):
                self.run("remove", "--set", str(set_name), exit_status=None)
        finally:
            self.clear()

    def _stored(self, query: str) -> list[tuple[object, ...]]:
        """What the store says; nothing where it is lost, damaged, or not yet laid out."""
        path = self.base / "state" / "orchestr8.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(path)) as connection, suppress(sqlite3.DatabaseError):
            return connection.execute(query).fetchall()
        return []

    def clear(self) -> None:
        """Leaves nothing, behind orchestr8's back: boxes, and what the engine has, then table,
        cgroups, mounts and folders."""
        if self.installation:  # none before its first apply, and no name would be everybody's
            self.clear_engine()
            table = ("nft", "delete", "table", "inet", f"orchestr8_{self.installation}")
            subprocess.run(table, check=False, stderr=subprocess.DEVNULL)
            leftovers.remove(self.installation)
        leftovers.unmount_below(self.run_folder)
        shutil.rmtree(self.run_folder, ignore_errors=True)
        shutil.rmtree(self.base, ignore_errors=True)

    @abstractmethod
    def clear_engine(self) -> None:
        """What is left of this installation on its engine goes."""


@dataclass(kw_only=True)
class Fleet(Home):
    """With the engine's own view of it."""

    engine: Engine
    client: docker.APIClient

    @classmethod
    def new(cls, engine: Engine) -> Fleet:
        """A fresh one, below the folders that reach the engine."""
        base, run_folder = places()
        return cls(
            base=base,
            run_folder=run_folder,
            engine_variables={"DOCKER_HOST": engine.docker_host},
            engine=engine,
            client=docker.APIClient(engine.docker_host, version="auto"),
        )

    def containers(self, *, everything: bool = True) -> list[dict[str, Any]]:
        """This installation's containers in the engine's own words."""
        if not self.installation:
            return []
        wanted = {"label": f"{LABEL}={self.installation}"}
        found = []
        for one in self.client.containers(all=everything, filters=wanted):
            with suppress(docker.errors.NotFound):  # removed since it was listed
                found.append(self.client.inspect_container(one["Id"]))
        return found

    def container(self, service: str) -> dict[str, Any]:
        """The one running container of a service, written service.owner."""
        name, owner = service.split(".")
        found = [
            one
            for one in self.containers(everything=False)
            if one["Name"].lstrip("/").startswith(f"{owner}--{name}--")
        ]
        assert len(found) == 1, [one["Name"] for one in found]
        return found[0]

    def kill_first_task(self, box: str) -> None:
        os.kill(self.client.inspect_container(box)["State"]["Pid"], signal.SIGKILL)

    def memory_max_bytes(self, box: str) -> int:
        return int(self.client.inspect_container(box)["HostConfig"]["Memory"])

    def events(self, since: float) -> list[tuple[str, str]]:
        """What the engine did since then, without the commands of probes."""
        client: Any = self.client  # its types know no fraction of a second
        stream = client.events(since=since, until=time.time(), decode=True)
        found = [(str(one["Type"]), str(one["Action"])) for one in stream]
        return [one for one in found if not one[1].startswith("exec_")]

    def clear(self) -> None:
        """Also what leads to the engine."""
        try:
            super().clear()
        finally:
            self.client.close()

    def clear_engine(self) -> None:
        label = {"label": f"{LABEL}={self.installation}"}
        for one in self.client.containers(all=True, filters=label):
            self.client.remove_container(one["Id"], force=True, v=True)
        for volume in self.client.volumes(filters=label)["Volumes"] or []:
            self.client.remove_volume(volume["Name"], force=True)
        for network in self.client.networks(filters=label):
            self.client.remove_network(network["Id"])


def eventually(look: Callable[[], bool], seconds: float = 60) -> None:
    """Waits until something is so; says what was looked at when it never is."""
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, f"never so within {seconds} s: {look}"
        time.sleep(0.05)


def page(port: int) -> bytes:
    """What is answered at a port of this host."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read()


@contextmanager
def served(home: Home) -> Iterator[None]:
    """The loop, for as long as a block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestr8", "serve"],
        cwd=ROOT, env=home.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        socket = home.run_folder / "api.sock"
        eventually(lambda: socket.exists() or process.poll() is not None)
        assert process.poll() is None, "it ended at once"
        yield
    finally:
        process.terminate()
        assert process.wait(60) == 0


def manifest(services: str, owner: str = "me") -> str:
    """A manifest text around these lines of services."""
    return f"orchestr8: 1\nowner: {owner}\nservices:\n{services}"


def fresh(engine: Engine) -> Iterator[Fleet]:
    """A fleet for one test."""
    made = Fleet.new(engine)
    try:
        yield made
    finally:
        made.take_down()
