"""Running the few outside programs of the host: one call, bounded, their words turned into ours."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from orchestr8.errors import FeatureMissingError, RejectedError, UnavailableError

_SECONDS_MAX = 20
_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Answer:
    """What a program said; `first_error` is the line that people need."""

    status: int
    output: str
    errors: str

    @property
    def first_error(self) -> str:
        """The first line of the error output without its prefix."""
        lines = [line for line in self.errors.splitlines() if line.strip()]
        return lines[0].removeprefix("Error: ").strip() if lines else f"exit status {self.status}"


def run(command: Sequence[str], package: str, text: str = "") -> Answer:
    """Run a program with `text` as its input; `package` is what to install where it is missing.

    Administrators' folders are searched even where the caller's PATH lacks them, and messages are
    in English, since they are read for what went wrong.
    """
    environment = {
        **os.environ,
        "PATH": f"{os.environ.get('PATH', '/usr/bin:/bin')}:{_FOLDERS}",
        "LC_ALL": "C",
    }
    try:
        done = subprocess.run(
            list(command),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS_MAX,
            env=environment,
        )
    except FileNotFoundError:
        raise FeatureMissingError(
            f"the program {command[0]} is not installed", f"install the package {package}"
        ) from None
    except OSError as error:
        raise RejectedError(
            f"the program {command[0]} cannot be run: {error.strerror}",
            f"look at its file and rights, or install the package {package} again",
        ) from error
    except subprocess.TimeoutExpired:
        raise UnavailableError(
            f"{command[0]} did not answer within {_SECONDS_MAX} s",
            "look whether another firewall program holds the lock",
        ) from None
    return Answer(done.returncode, done.stdout, done.stderr)
