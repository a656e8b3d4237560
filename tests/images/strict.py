"""Docker's tightest settings by hand, so that an image's own fault is told from orchestr8's."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

UID = 1_114_108
_SCRATCH = f"rw,noexec,nosuid,nodev,mode=0700,uid={UID},gid={UID}"


def run_strict(
    client: docker.DockerClient,
    image: str,
    command: list[str] | None = None,
    *,
    scratch: dict[str, str] | None = None,
    binds: dict[Path, str] | None = None,
    **options: Any,
) -> Container:
    """A started container; `scratch` is path to size, `binds` host path to path in the box."""
    sizes = {"/tmp": "16m", "/run": "1m", **(scratch or {})}
    mounts = [
        docker.types.Mount(target, str(source), type="bind", read_only=source.is_file())
        for source, target in (binds or {}).items()
    ]
    options.setdefault("network_mode", "none")
    return client.containers.run(
        image,
        command,
        detach=True,
        user=f"{UID}:{UID}",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        read_only=True,
        ipc_mode="private",
        mem_limit="128m",
        memswap_limit="128m",
        pids_limit=256,
        nano_cpus=500_000_000,
        shm_size="16m",
        tmpfs={path: f"{_SCRATCH},size={size}" for path, size in sizes.items()},
        mounts=mounts,
        labels={"test": "images"},
        **options,
    )


def output_of(container: Container, *command: str) -> str:
    """What a command in the box prints; fails if it does."""
    status, output = container.exec_run(list(command))
    assert isinstance(output, bytes)
    text = output.decode().strip()
    assert status == 0, f"{command} ended with {status}: {text}"
    return text


def eventually(check: Callable[[], bool], container: Container, seconds: float = 30) -> None:
    """Wait until the check holds; fail with the box's last lines."""
    deadline = time.monotonic() + seconds
    while not check():
        container.reload()
        logs = container.logs(tail=10).decode()
        assert container.status in ("created", "running"), f"it ended:\n{logs}"
        assert time.monotonic() < deadline, f"not within {seconds} s:\n{logs}"
        time.sleep(0.1)


def succeeds(container: Container, *command: str) -> bool:
    return bool(container.exec_run(list(command))[0] == 0)


def stop_status(container: Container, seconds: int = 8) -> int:
    """The exit status after a polite stop; 137 would mean that it had to be killed."""
    container.stop(timeout=seconds)
    return int(container.wait()["StatusCode"])
