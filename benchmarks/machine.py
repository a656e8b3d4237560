"""A box against a virtual machine: provisioned, and idle.

The machine is emulated, since not every host can nest one: its times are those of an emulator, and
say only of which order a machine's boot is. Its memory is what its process holds on this host.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.ground import Ground
from benchmarks.installation import Installation, installation, last_start
from benchmarks.processes import children, held_kilobytes, now, parent
from benchmarks.rows import Row

TITLE = "A box against a virtual machine"
PEER = "a virtual machine, emulated"
ROUNDS = 3
_HOST = "tests.hosts.vm"
_IDLE_SECONDS = 5
_MANIFEST = 'orchestr8: 1\nowner: me\nservices: {hello: {image: "hello:1"}}\n'


def rows(ground: Ground) -> Iterator[Row]:
    """From the command to the start; and what either holds when it does nothing."""
    manifest = ground.scratch / "machine.yaml"
    manifest.write_text(_MANIFEST)
    with installation(ground) as ours:
        taken = sorted(_provisioned(ours, manifest) for _ in range(ROUNDS))[ROUNDS // 2]
        ours.type("apply", str(manifest))
        pid = int(ours.container("hello.me")["State"]["Pid"])
        held = held_kilobytes([pid, parent(pid)]) / 1000
    booted, idle, lacks = None, None, _lacks()
    try:
        machine = _machine(ground.scratch)
        booted, idle = machine if machine else (None, None)
    except Exception as error:  # the box's own figures stand without the machine's
        lacks = " ".join(str(error).split())[-120:]
    yield Row(
        "provisioned",
        taken,
        booted,
        PEER,
        "ms",
        ROUNDS,
        note="from the command to the program's start; of the machine to the first command that it "
        f"takes ({lacks or 'one boot'})",
    )
    yield Row(
        "memory when idle",
        held,
        idle,
        PEER,
        "MB",
        1,
        note="proportional (PSS); the box's shim and the machine's emulator included",
    )


def _provisioned(ours: Installation, manifest: Path) -> float:
    began = now()
    ours.type("apply", str(manifest))
    taken = last_start(ours.fleet.containers()) - began
    ours.type("down")
    return taken * 1000


def _lacks() -> str:
    if not find_spec(_HOST):
        return "this checkout has no virtual machine"
    return str(import_module(_HOST).lacks())


def _machine(scratch: Path) -> tuple[float, float] | None:
    """Milliseconds until a machine takes commands, and the megabytes that it holds then."""
    if _lacks():
        return None
    host: Any = import_module(_HOST)
    project = scratch / "project"
    project.mkdir()
    with host.machine(project) as made:
        began = time.perf_counter()
        made.start()
        booted = (time.perf_counter() - began) * 1000
        time.sleep(_IDLE_SECONDS)
        held = held_kilobytes(children("qemu")) / 1000
        made.cut_power()
    return booted, held
