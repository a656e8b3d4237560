"""The part of systemd's tree of control groups that is given to us, on hosts with cgroup v2.

There the whole tree is systemd's: a group made beside it counts to nobody, and lives to the very
end of a shutdown, which then waits for boxes that take no signal. A scope that is marked as
delegated is left alone below, and ends in its turn with all that lives in it.

A scope lives as long as a process does in it. The monitors of boxes are such; meanwhile, while a
command changes boxes, a process keeps it that waits for nothing but the end of this one. Else it
would go, with its quotas, between the end of the last box and the start of its successor.
"""

from __future__ import annotations

import contextlib
import functools
import subprocess
import threading
from pathlib import Path

from orchestr8.errors import UnavailableError
from orchestr8.host import hierarchies, programs
from orchestr8.host.systemd import Units

KEEPER = "_keeper"
"""The group below the scope of who keeps it; no owner has that name."""

_SLICE = "orchestr8.slice"
_TRIES = 3
_LOCK = threading.Lock()
_KEPT: dict[str, subprocess.Popen[bytes]] = {}


@functools.cache
def delegated() -> bool:
    """Whether control groups that we make are made in a scope of systemd's."""
    trees = hierarchies.by_controller()
    wanted = [trees[name] for name in ("memory", "cpu", "pids") if name in trees]
    return Units().present and bool(wanted) and all(tree.version == 2 for tree in wanted)


def top(installation: str) -> str:
    """The path of an installation's groups in the tree."""
    return f"/{_SLICE}/{unit(installation)}"


def unit(installation: str) -> str:
    """The scope's name."""
    return f"orchestr8-{installation}.scope"


def is_unit(group: Path) -> bool:
    """Whether systemd sets what this group itself has, and does so anew whenever it is reloaded."""
    if group.suffix not in (".scope", ".slice") or not delegated():
        return False
    return group.is_relative_to(hierarchies.require("memory").path)


def tell(group: Path, name: str, value: str) -> None:
    """Have systemd set a property of such a group, until the next boot; raises RejectedError."""
    Units().set_until_boot(group.name, name, value)


def keep(installation: str) -> None:
    """The scope is there, and stays until this process ends; repeating costs nothing.

    Raises UnavailableError where systemd does not give it.
    """
    with _LOCK:
        kept = _KEPT.get(installation)
        if kept and kept.poll() is None:
            return
        _KEPT[installation] = _keeper(installation)


def _keeper(installation: str) -> subprocess.Popen[bytes]:
    """A process in the scope that ends with this one: its input ends then."""
    tree = hierarchies.require("memory")
    folder = tree.path / top(installation).lstrip("/")
    said = ""
    for _ in range(_TRIES):  # a scope may end, or another command begin it, between two looks
        process, said = _waiting([] if folder.is_dir() else _scope(installation))
        if process and _moved(process, folder):
            return process
        if process:
            process.kill()
            process.communicate()
    raise UnavailableError(
        f"systemd does not give the scope {unit(installation)}: {said or 'it ends at once'}"
    )


def _scope(installation: str) -> list[str]:
    """The command that runs another in a new scope.

    A limit on tasks that systemd sets by default would count all boxes together.
    """
    return [
        "systemd-run", "--scope", "--quiet", "--collect", f"--unit={unit(installation)}",
        f"--slice={_SLICE}", "--description=Boxes of orchestr8", "--property=Delegate=yes",
        "--property=TasksMax=infinity", "--property=After=local-fs.target network.target",
        "--property=TimeoutStopSec=15",
    ]  # fmt: skip


def _waiting(before: list[str]) -> tuple[subprocess.Popen[bytes] | None, str]:
    """A process that runs and waits, or why it does not; it echoes a line once it is there."""
    process = subprocess.Popen(
        [*before, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=programs.environment(), start_new_session=True,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b"\n")
        process.stdin.flush()
    if process.stdout.read(1):
        return process, ""
    _, errors = process.communicate()
    return None, errors.decode(errors="replace").strip()


def _moved(process: subprocess.Popen[bytes], folder: Path) -> bool:
    """Move it to its leaf: a group that hands controllers down takes no process itself."""
    try:
        (folder / KEEPER).mkdir(mode=0o755, exist_ok=True)
        (folder / KEEPER / "cgroup.procs").write_text(str(process.pid))
    except OSError:
        return False
    return True
