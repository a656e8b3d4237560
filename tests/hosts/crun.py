"""Newer cruns than the host's, each with the conmon and the C library of its Debian suite.

Only the two programs are taken: where their loader and libraries are is written into copies of
them, so that they run anywhere on this machine, and crun may execute itself anew as it does.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hosts import engines, roots

PROGRAMS = ("crun", "conmon")


def _trixie() -> Path:
    return roots.ensure_packages("trixie", PROGRAMS, engines.CACHE / "crun-trixie")


def _newest() -> Path:
    return roots.ensure_root(engines.GENERATIONS["28"].suites, engines.CACHE)


# The newest one lies beside the newer Docker Engine, whose suite has both.
NEWER: dict[str, Callable[[], Path]] = {"trixie": _trixie, "newest": _newest}
SAID = {"trixie": "1.21 of Debian 13", "newest": "the newest (1.28 was the last)"}
"""What people call them."""


def prepare() -> None:
    """Make all roots, so that no test has to wait for one."""
    for root in NEWER.values():
        root()


@contextmanager
def newer(name: str) -> Iterator[Path]:
    """A folder with the programs, which are there as long as this lasts."""
    root = NEWER[name]()
    (libraries,) = root.glob("usr/lib/*-linux-gnu")
    with tempfile.TemporaryDirectory(prefix=f"crun-{name}-") as made:
        for program in PROGRAMS:
            copy = Path(made) / program
            shutil.copy(root / "usr/bin" / program, copy)
            loader = _patchelf("--print-interpreter", copy).strip()
            _patchelf("--set-interpreter", root / loader.lstrip("/"), copy)
            _patchelf("--force-rpath", "--set-rpath", libraries, copy)
        yield Path(made)


def _patchelf(*words: str | Path) -> str:
    done = subprocess.run(["patchelf", *words], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout
