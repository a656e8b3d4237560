"""Hardened containers by Podman 5 of Debian sid, from a tree of its own."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.workload import NAME, offset, stamp
from tests.hosts import roots
from tests.hosts.engines import CACHE

_PACKAGES = ("podman", "crun", "conmon")
_BORROWED = ("usr", "etc/alternatives", "etc/ld.so.cache")
_POLICY = {"default": [{"type": "insecureAcceptAnything"}]}
_SECONDS = 60
_WALLS = (
    "--network=none", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges",
    "--user=65532:65532", "--memory=64m", "--memory-swap=64m", "--pids-limit=64", "--cpus=0.5",
    "--uidmap=0:1048576:65536", "--gidmap=0:1048576:65536", "--log-driver=k8s-file",
)  # fmt: skip


class PodmanBoxes:
    """As hardened as Podman does it: no time namespace, its default filter."""

    def __init__(self, archive: Path, folder: Path) -> None:
        """Raises OSError or RuntimeError where there is no Podman that works here."""
        self._folder = folder / "podman"
        (self._folder / "containers").mkdir(parents=True)
        (self._folder / "containers" / "policy.json").write_text(json.dumps(_POLICY))
        try:
            self._root = roots.ensure_packages("sid", _PACKAGES, CACHE / "root-sid-podman")
        except subprocess.CalledProcessError as error:
            raise RuntimeError("Debian sid cannot be installed now") from error
        self._numbers = itertools.count()
        self._run("load", "--quiet", "--input", str(archive))

    def provision(self) -> float:
        """Milliseconds from the program's start to the workload's first instruction."""
        name = f"first-{next(self._numbers)}"
        log = self._folder / f"{name}.log"
        began = time.monotonic_ns()
        self._run("run", "--detach", f"--name={name}", f"--log-opt=path={log}", *_WALLS, NAME)
        pid = int(self._run("inspect", "--format={{.State.Pid}}", name))
        taken = (stamp(log) - offset(pid) - began) / 1e6
        self._run("rm", "--force", "--time=0", name)
        return taken

    def close(self) -> None:
        """Take its store away."""
        self._run("system", "reset", "--force")
        shutil.rmtree(self._folder, ignore_errors=True)
        for group in Path("/sys/fs/cgroup").glob("*/libpod_parent"):
            for folder in (group / "conmon", group):
                with contextlib.suppress(OSError):  # it has none, or another one's is in use
                    folder.rmdir()

    def _run(self, *words: str) -> str:
        return _told(["unshare", "--mount", "sh", "-c", self._script(), "podman", *words])

    def _script(self) -> str:
        """The tree's programs in the host's places, in a mount namespace of each call."""
        binds = [(self._root / path, Path("/") / path) for path in _BORROWED]
        binds.append((self._folder / "containers", Path("/etc/containers")))
        mounts = "".join(f"mount --bind '{source}' '{target}' && " for source, target in binds)
        options = (
            f"--root='{self._folder}/store' --runroot='{self._folder}/run' "
            "--cgroup-manager=cgroupfs --events-backend=none --runtime=crun"
        )
        return f'mkdir -p /etc/containers && {mounts}exec podman {options} "$@"'


def _told(command: Sequence[str]) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    if answer.returncode:
        raise RuntimeError(f"podman: {answer.stderr.strip()[-300:]}")
    return answer.stdout
