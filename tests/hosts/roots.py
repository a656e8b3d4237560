"""File trees of Debian suites that hold an engine of another generation than the host's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("docker.io", "iptables", "nftables", "crun", "conmon", "ca-certificates")
# From Debian 13 on the client and Compose are packages of their own.
NEWER_PACKAGES = (*PACKAGES, "docker-cli", "docker-compose")

_LEFT_OUT = ("man", "doc", "locale", "info", "bash-completion")


def ensure_root(suites: tuple[str, ...], cache: Path) -> Path:
    """The tree of the first suite that can be made; made once, kept by its package list."""
    failures = []
    for suite in suites:
        packages = PACKAGES if suite == "bookworm" else NEWER_PACKAGES
        try:
            return ensure_packages(suite, packages, cache / f"root-{suite}")
        except subprocess.CalledProcessError as error:
            failures.append(f"{suite}: {_last_lines(error.stderr)}")
            print(f"suite {suite} cannot be installed now, trying the next", file=sys.stderr)
    raise RuntimeError("no suite gave a tree with an engine:\n" + "\n".join(failures))


def ensure_packages(suite: str, packages: tuple[str, ...], root: Path) -> Path:
    """The tree of a suite with these packages, at this place; made anew where they differ."""
    stamp, wanted = root.with_name(f"{root.name}.packages"), " ".join(packages)
    if not (root.is_dir() and stamp.is_file() and stamp.read_text() == wanted):
        _make_root(suite, packages, root)
        stamp.write_text(wanted)
    return root


def _make_root(suite: str, packages: tuple[str, ...], root: Path) -> None:
    print(
        f"making a root of Debian {suite} with {packages[0]} (once, half a minute)",
        file=sys.stderr,
    )
    half_made = root.with_suffix(".half-made")
    for leftover in (half_made, root):
        if leftover.exists():
            shutil.rmtree(leftover)
    root.parent.mkdir(parents=True, exist_ok=True)
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
    command = [
        "mmdebstrap",
        "--variant=minbase",
        # Unstable's index may be some weeks old where a mirror stands still.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        *excluded,
        f"--include={','.join(packages)}",
        suite,
        str(half_made),
    ]
    subprocess.run(command, check=True, text=True, stderr=subprocess.PIPE)
    half_made.rename(root)


def _last_lines(text: str | None) -> str:
    return " | ".join((text or "").strip().splitlines()[-3:])
