"""One installation that is changed to and fro, killed each time at a later call, and looked at."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.crash.change import FORMS, SET, Change, free_port
from tests.crash.killing import Ending, run_killed_at
from tests.crash.remains import Remains, differences, remains
from tests.hosts import Engine
from tests.scenarios.fleet import ROOT, Fleet


@dataclass
class Story:
    """What an undisturbed apply of each form leaves, and the form that is in force now."""

    fleet: Fleet
    change: Change
    undisturbed: dict[str, Remains]
    form: str

    def kill(self, number: int) -> tuple[Ending, tuple[str, ...]]:
        """Applies the other form and kills it at its Nth call, then applies it again; how the
        first ended, and everything that is not as an undisturbed apply leaves it."""
        command = [sys.executable, "-m", "orchestr8", *self.turn(), "--set", SET]
        ending = run_killed_at(number, command, _environment(self.fleet))
        return ending, self.again()

    def turn(self) -> tuple[str, str]:
        """Goes on to the other form; the words that apply it."""
        self.form = FORMS[1 - FORMS.index(self.form)]
        return "apply", self.change.path(self.form)

    def again(self) -> tuple[str, ...]:
        """Applies the form once more; everything that is not as an undisturbed apply leaves it."""
        words = ("apply", self.change.path(self.form), "--set", SET)
        said = self.fleet.run(*words, exit_status=None, TMPDIR=str(self.fleet.base / "tmp"))
        wrong = differences(self.undisturbed[self.form], remains(self.fleet))
        if "nothing left to do" not in said and "nothing to do" not in said:
            wrong = (*wrong, f"the next apply said: {said}")
        return wrong

    def look_again(self) -> None:
        """Takes what is there for what shall be, so that one thing wrong is told once."""
        for form in (FORMS[1 - FORMS.index(self.form)], self.form):
            self.fleet.run("apply", self.change.path(form), "--set", SET)
            self.undisturbed[form] = remains(self.fleet)

    def settled(self) -> str:
        """What a further apply of the form in force says."""
        return self.fleet.run("apply", self.change.path(self.form), "--set", SET)


@dataclass
class FirstApply:
    """The first apply of all, from no state folder on: each kill meets an installation of its own.

    `undisturbed` is what it leaves where nobody kills it.
    """

    engine: Engine
    port: int
    undisturbed: Remains

    @classmethod
    def of(cls, engine: Engine) -> FirstApply:
        """Looks at an undisturbed one."""
        made = cls(engine, free_port(), {})
        with made._fresh() as (fleet, command):
            fleet.run(*command, TMPDIR=str(fleet.base / "tmp"))
            made.undisturbed = remains(fleet)
        return made

    def kill(self, number: int) -> tuple[Ending, tuple[str, ...]]:
        """Kills it at its Nth call, and applies again; how the first ended, and everything that is
        not as an undisturbed first apply leaves it."""
        with self._fresh() as (fleet, command):
            killed = [sys.executable, "-m", "orchestr8", *command]
            ending = run_killed_at(number, killed, _environment(fleet))
            said = fleet.run(*command, exit_status=None, TMPDIR=str(fleet.base / "tmp"))
            wrong = differences(self.undisturbed, remains(fleet))
            if "nothing left to do" not in said and "nothing to do" not in said:
                wrong = (*wrong, f"the next apply said: {said}")
            call = ending.call.replace(str(fleet.base), "").replace(fleet.installation, "ours")
            return replace(ending, call=call), wrong

    def look_again(self) -> None:
        """Nothing stays from one kill to the next."""

    @contextmanager
    def _fresh(self) -> Iterator[tuple[Fleet, tuple[str, ...]]]:
        fleet = Fleet.new(self.engine)
        try:
            (fleet.base / "tmp").mkdir()
            change = Change.write(fleet, self.port)
            yield fleet, ("apply", change.path(FORMS[0]), "--set", SET)
        finally:
            fleet.clear()  # by hand, since a `remove` takes as long as what is tried


@contextmanager
def story(engine: Engine, state_bytes: int = 0) -> Iterator[Story]:
    """A fresh installation that has seen both forms, undisturbed; its state folder is on a small
    disk of its own where a size is given."""
    fleet = Fleet.new(engine)
    try:
        (fleet.base / "tmp").mkdir()
        if state_bytes:
            _mount_small(fleet.base / "state", state_bytes)
        change = Change.write(fleet)
        undisturbed = {}
        # The rows of services that are gone stay, so a form is what its second apply leaves.
        for form in (*FORMS, *FORMS):
            fleet.run("apply", change.path(form), "--set", SET, TMPDIR=str(fleet.base / "tmp"))
            undisturbed[form] = remains(fleet)
        yield Story(fleet, change, undisturbed, FORMS[-1])
    finally:
        try:
            fleet.take_down()
        finally:
            if state_bytes:
                subprocess.run(["umount", "--lazy", fleet.base / "state"], check=False)
                shutil.rmtree(fleet.base, ignore_errors=True)


def _mount_small(folder: Path, size: int) -> None:
    folder.mkdir(mode=0o700)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", folder], check=True
    )


def _environment(fleet: Fleet) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return {**fleet.environment, "PYTHONPATH": path, "TMPDIR": str(fleet.base / "tmp")}
