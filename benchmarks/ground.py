"""What benchmarks stand on: a Docker Engine, its peers' programs, and folders that are theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType

from tests import hosts
from tests.hosts import Engine

ROOT = Path(__file__).resolve().parents[1]
GENERATION = "28"
STATE_FOLDER = Path("/var/lib/orchestr8-test")
"""Folders below it are seen by the engine in its mount namespace."""


class Ground:
    """Engines and folders for one run; made when first asked for, gone at the end."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Ground:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @cached_property
    def engine(self) -> Engine:
        """A current Docker Engine with the demo images."""
        found = self._stack.enter_context(hosts.engine(GENERATION))
        hosts.load_images(found.socket)
        return found

    @cached_property
    def scratch(self) -> Path:
        """A folder on the disk that the engine sees as well."""
        STATE_FOLDER.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="bench-", dir=STATE_FOLDER))
        self._stack.callback(shutil.rmtree, made, ignore_errors=True)
        return made

    @cached_property
    def docker(self) -> str:
        """The peer's client program, or the empty text."""
        return self._program("usr/bin/docker")

    @cached_property
    def compose(self) -> str:
        """The peer Compose as a program of its own, or the empty text."""
        return self._program("usr/libexec/docker/cli-plugins/docker-compose")

    def _program(self, path: str) -> str:
        """A program of the engine's own root that runs on this machine as it is."""
        if not self.engine.root:
            return ""
        program = self.engine.root / path
        try:
            subprocess.run([program, "version"], env=self.environment, capture_output=True)
        except OSError:
            return ""
        return str(program)

    @property
    def environment(self) -> dict[str, str]:
        """What measured programs see: bytecode is kept, the engine is named."""
        return {**plain_environment(), "DOCKER_HOST": self.engine.docker_host}


def plain_environment() -> dict[str, str]:
    """This environment without what would distort a start of Python."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPROFILEIMPORTTIME")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "120"}


def run(command: list[str], environment: dict[str, str]) -> str:
    """What a program prints; one that fails is an error with its last lines."""
    answer = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    if answer.returncode:
        told = (answer.stderr or answer.stdout).strip()[-300:]
        shown = " ".join(command)[:120]
        raise RuntimeError(f"exit status {answer.returncode} of {shown}: {told}")
    return answer.stdout


def python(*arguments: str) -> list[str]:
    """A command of this interpreter."""
    return [sys.executable, *arguments]
