"""Running the few outside programs of the host: one call, bounded, their words turned into ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from msgspec import Struct

from orchestr8.descriptors import NONE_LEFT, REMEDY, none_left
from orchestr8.errors import FeatureMissingError, RejectedError, ShortageError, UnavailableError

_SECONDS_MAX = 20
_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"


class Answer(Struct, frozen=True):
    """What a program said; `first_error` is the line that people need."""

    status: int
    output: str
    errors: str

    @property
    def first_error(self) -> str:
        """The first line of the error output without its prefix."""
        lines = [line for line in self.errors.splitlines() if line.strip()]
        return lines[0].removeprefix("Error: ").strip() if lines else f"exit status {self.status}"


def found(name: str) -> bool:
    """Whether a program is there."""
    return shutil.which(name, path=_path()) is not None


def run(
    command: Sequence[str], package: str, text: str = "", seconds: float = _SECONDS_MAX
) -> Answer:
    """Run a program with `text` as its input; `package` is what to install where it is missing.

    Raises EngineError where it cannot be run or does not end.
    """
    try:
        with _installed(command[0], package):
            done = subprocess.run(
                list(command),
                input=text,
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
                env=environment(),
            )
    except subprocess.TimeoutExpired:
        raise UnavailableError(
            f"{command[0]} did not answer within {seconds:.0f} s",
            "look whether another program holds what it waits for",
        ) from None
    return Answer(done.returncode, done.stdout, done.stderr)


def start(
    command: Sequence[str], package: str, errors: IO[bytes], output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program whose outputs go to files, byte by byte; without one, output to nobody."""
    with _installed(command[0], package):
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.DEVNULL,
            stderr=errors,
            env=environment(),
        )


@contextmanager
def _installed(program: str, package: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise FeatureMissingError(
            f"the program {program} is not installed", f"install the package {package}"
        ) from None
    except OSError as error:
        if none_left(error):
            what = f"the program {program} cannot be run: {NONE_LEFT}"
            raise ShortageError(what, REMEDY) from error
        raise RejectedError(
            f"the program {program} cannot be run: {error.strerror}",
            f"look at its file and rights, or install the package {package} again",
        ) from error


def environment() -> dict[str, str]:
    """Ours, in English, since it is read for what went wrong, and with administrators' folders.

    It has a home, which systemd gives no service, and where logins are kept.
    """
    home = os.environ.get("HOME") or str(Path("~").expanduser())
    return {**os.environ, "HOME": home, "PATH": _path(), "LC_ALL": "C"}


def _path() -> str:
    return f"{os.environ.get('PATH', '/usr/bin:/bin')}:{_FOLDERS}"
