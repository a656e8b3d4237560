"""Types the day on a real engine and writes the transcript."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tests import hosts
from tests.drill.day import DAY, Chapter, Line
from tests.hosts import Engine
from tests.scenarios.fleet import ROOT, Fleet, eventually

FILES = Path(__file__).parent / "files"
SECONDS_MOST = 300


class SurpriseError(Exception):
    """Something came otherwise than the day says."""


@dataclass(frozen=True)
class Terminal:
    """Where lines are typed: a folder, an environment, and what is written along."""

    fleet: Fleet
    folder: Path
    out: TextIO

    def chapter(self, title: str) -> None:
        """A heading."""
        self._write(f"## {title}\n\n")

    def type(self, line: Line) -> None:
        """Types a line and writes what it prints; raises SurpriseError."""
        self._write(f"$ {line.text}\n")
        process = subprocess.Popen(
            ["sh", "-c", f"exec {line.text}" if line.cut_short else line.text],
            cwd=self.folder, env=self._environment(), text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if line.cut_short:
            eventually(lambda: bool(self.fleet.containers()), 60)
            process.kill()
        said = self._plain(process.communicate(timeout=SECONDS_MOST)[0])
        self._write(said if said.endswith("\n") or not said else f"{said}\n")
        wanted = -signal.SIGKILL if line.cut_short else line.status
        if line.cut_short:
            self._write("Killed\n")
        elif process.returncode:
            self._write(f"[exit status {process.returncode}]\n")
        self._write("\n")
        if process.returncode != wanted:
            raise SurpriseError(f"`{line.text}` ended with {process.returncode}, not {wanted}")
        missing = [words for words in line.says if words not in said]
        if missing or "Traceback" in said:
            raise SurpriseError(f"`{line.text}` does not say: {', '.join(missing) or 'a sentence'}")

    def _plain(self, said: str) -> str:
        """The folders of this day under the names that an ordinary machine has."""
        plain = {
            str(self.fleet.base / "state"): "/var/lib/orchestr8",
            str(self.fleet.base / "secrets"): "/etc/orchestr8/secrets",
            str(self.folder): "/srv/shop",
            str(self.fleet.engine.socket): "/var/run/docker.sock",
        }
        for here, there in plain.items():
            said = said.replace(here, there)
        return said

    def _environment(self) -> dict[str, str]:
        programs = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin"
        return {**self.fleet.environment, "PATH": programs, "COLUMNS": "110"}

    def _write(self, text: str) -> None:
        self.out.write(text)
        self.out.flush()
        sys.stdout.write(text)
        sys.stdout.flush()


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python3 -m tests.drill OUT", file=sys.stderr)
        return 2
    began = time.monotonic()
    with hosts.engine("28") as engine, Path(sys.argv[1]).open("w") as out:
        hosts.load_images(engine.socket)
        with _terminal(engine, out) as terminal:
            try:
                for entry in DAY:
                    if isinstance(entry, Chapter):
                        terminal.chapter(entry.title)
                    else:
                        terminal.type(entry)
            except SurpriseError as surprise:
                print(f"surprise: {surprise}", file=sys.stderr)
                return 1
    print(f"no surprise in {time.monotonic() - began:.0f} s; the transcript is {sys.argv[1]}")
    return 0


@contextmanager
def _terminal(engine: Engine, out: TextIO) -> Iterator[Terminal]:
    fleet = Fleet.new(engine)
    fleet.sets.add("shop")
    try:
        folder = fleet.base / "shop"
        shutil.copytree(FILES, folder)
        out.write(f"# An operator's day, on Docker Engine {engine.version}\n\n")
        yield Terminal(fleet, folder, out)
    finally:
        fleet.take_down()


if __name__ == "__main__":
    sys.exit(main())
