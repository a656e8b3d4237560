"""Where the day's lines are typed: on this machine, and on a virtual one that can be rebooted."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.drill.day import Line
from tests.hosts.vm import Machine
from tests.scenarios.fleet import ROOT, Fleet, eventually

SECONDS_MOST = 300
SECONDS_MOST_EMULATED = 1200
KILLED = -signal.SIGKILL
FOLDER = "/srv/shop"
"""Where the day's files lie, on an ordinary machine and on the virtual one."""


class Shell(Protocol):
    """Something that runs a line in the folder of the day."""

    def run(self, line: Line) -> tuple[int, str]:
        """The exit status, KILLED for a line that was cut short, and what was printed."""


@dataclass(frozen=True)
class Here:
    """This machine, with an installation and an engine of the day's own."""

    fleet: Fleet
    folder: Path

    def run(self, line: Line) -> tuple[int, str]:
        """Runs it in a shell."""
        process = subprocess.Popen(
            ["sh", "-c", f"exec {line.text}" if line.cut_short else line.text],
            cwd=self.folder, env=self._environment(), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if line.cut_short:
            eventually(lambda: bool(self.fleet.containers()), 60)
            process.kill()
        said = process.communicate(timeout=SECONDS_MOST)[0]
        return process.returncode, self._plain(said)

    def _plain(self, said: str) -> str:
        """The folders of this day under the names that an ordinary machine has."""
        plain = {
            str(self.fleet.base / "state"): "/var/lib/orchestr8",
            str(self.fleet.base / "secrets"): "/etc/orchestr8/secrets",
            str(self.folder): FOLDER,
            str(self.fleet.engine.socket): "/var/run/docker.sock",
        }
        for here, there in plain.items():
            said = said.replace(here, there)
        return said

    def _environment(self) -> dict[str, str]:
        programs = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin"
        return {**self.fleet.environment, "PATH": programs, "COLUMNS": "110"}


@dataclass(frozen=True)
class There:
    """A virtual machine whose own Docker makes the boxes."""

    machine: Machine

    def run(self, line: Line) -> tuple[int, str]:
        """Runs it in a shell; `reboot` is a new boot after an orderly end."""
        if line.text == "reboot":
            self.machine.reboot()
            return 0, ""
        answer = self.machine.run(
            f"cd {FOLDER} && export COLUMNS=110 && {line.text}", SECONDS_MOST_EMULATED
        )
        return answer.status, answer.output
