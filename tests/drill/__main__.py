"""Types the day on a real engine, its end on a virtual machine, and writes the transcript."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tests import hosts
from tests.drill.day import DAY, REBOOT, Chapter, Line
from tests.drill.shells import FOLDER, KILLED, Here, Shell, There
from tests.hosts import vm
from tests.scenarios.fleet import Fleet
from tests.vm import setting

FILES = Path(__file__).parent / "files"


class SurpriseError(Exception):
    """Something came otherwise than the day says."""


@dataclass(frozen=True)
class Terminal:
    """Where lines are typed, and what is written along."""

    shell: Shell
    out: TextIO

    def type_all(self, entries: Sequence[Chapter | Line]) -> None:
        """Types a part of the day; raises SurpriseError."""
        for entry in entries:
            if isinstance(entry, Chapter):
                self._write(f"## {entry.title}\n\n")
            else:
                self._type(entry)

    def _type(self, line: Line) -> None:
        self._write(f"$ {line.text}\n")
        status, said = self.shell.run(line)
        self._write(said if said.endswith("\n") or not said else f"{said}\n")
        wanted = KILLED if line.cut_short else line.status
        if line.cut_short:
            self._write("Killed\n")
        elif status:
            self._write(f"[exit status {status}]\n")
        self._write("\n")
        if status != wanted:
            raise SurpriseError(f"`{line.text}` ended with {status}, not {wanted}")
        missing = [words for words in line.says if words not in said]
        if missing or "Traceback" in said:
            raise SurpriseError(f"`{line.text}` does not say: {', '.join(missing) or 'a sentence'}")

    def _write(self, text: str) -> None:
        self.out.write(text)
        self.out.flush()
        sys.stdout.write(text)
        sys.stdout.flush()


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python3 -m tests.drill OUT", file=sys.stderr)
        return 2
    lack = vm.lacks()
    if lack:
        print(f"the day ends with a reboot, for which there is no machine: {lack}", file=sys.stderr)
        return 2
    began = time.monotonic()
    with Path(sys.argv[1]).open("w") as out:
        out.write("# An operator's day\n\n")
        try:
            with _here() as here:
                Terminal(here, out).type_all(DAY)
            with _there() as there:
                Terminal(there, out).type_all(REBOOT)
        except SurpriseError as surprise:
            print(f"surprise: {surprise}", file=sys.stderr)
            return 1
    print(f"no surprise in {time.monotonic() - began:.0f} s; the transcript is {sys.argv[1]}")
    return 0


@contextmanager
def _here() -> Iterator[Here]:
    """This machine, on the newer of the engines."""
    with hosts.engine("28") as engine:
        hosts.load_images(engine.socket)
        fleet = Fleet.new(engine)
        try:
            folder = fleet.base / "shop"
            shutil.copytree(FILES, folder)
            yield Here(fleet, folder)
        finally:
            fleet.take_down()


@contextmanager
def _there() -> Iterator[There]:
    """A machine with the project installed, the day's files and their images."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        setting.lay_out(project)
        with vm.machine(project) as machine:
            machine.start()
            setting.load_images(machine, ("nginx", "redis"))
            setting.install(machine)
            machine.check(f"cp -r {setting.HOME}/tests/drill/files {FOLDER}")
            yield There(machine)


if __name__ == "__main__":
    sys.exit(main())
