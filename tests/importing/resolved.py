"""What Compose itself makes of a project's files, and what we read, in one form to be compared.

Compose prints what it resolved: variables, merges, `extends`, includes, short forms. Both sides are
brought to plain text without what only one of them spells out: absolute paths, defaults, units.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestr8.cli.importing import read_beside
from orchestr8.importing import quantities
from orchestr8.importing.canonical import text
from orchestr8.importing.document import Document, read_project
from orchestr8.importing.model import Findings, Project
from orchestr8.manifest import foreign
from tests.hosts.engines import CACHE
from tests.importing import cases

PROGRAM = Path("usr/libexec/docker/cli-plugins/docker-compose")
_SIZES = ("mem_limit", "mem_reservation", "shm_size", "size", "memory", "rate")
_TIMES = ("interval", "timeout", "start_period", "start_interval", "stop_grace_period", "delay")
_ZEROS = (("mem_swappiness", "0"),)
_RESOLVED = ("env_file", "extends", "profiles", "develop")
"""Keys whose meaning is in other keys once a file is resolved; and one that is not read at all."""


def compose_program() -> Path | None:
    """Compose 2.40 or a later one, where an engine's root has it: older ones print other forms."""
    for root in sorted(CACHE.glob("root-*")):
        program = root / PROGRAM
        if program.exists():
            words = [program, "version", "--short"]
            said = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
            major, minor, *_ = [*re.findall(r"[0-9]+", said.stdout), "0", "0"]
            if (int(major), int(minor)) >= (2, 40):
                return program
    return None


def by_compose(program: Path, folder: Path) -> dict[str, Any]:
    """The services as Compose resolves them."""
    words = [word for name in cases.files(folder) for word in ("-f", name)]
    environment = {"PATH": os.environ["PATH"], "HOME": "/root"}
    done = subprocess.run(
        [program, *words, "config", "--format", "json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    return {name: _plain(body, folder) for name, body in services.items()}


def by_us(folder: Path) -> dict[str, Any]:
    """The services as they are read here."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        document = _document(folder)
    finally:
        os.chdir(before)
    return {name: _plain(_values(body), folder) for name, body in document.services.items()}


def _document(folder: Path) -> Document:
    return read_project(Project(cases.files(folder), "home", read_beside), Findings())


def _values(value: foreign.Value) -> Any:
    if isinstance(value, foreign.Mapping):
        return {key: _values(one.value) for key, one in value.entries.items()}
    if isinstance(value, foreign.Sequence):
        return [_values(one) for one in value.items]
    return None if value.is_null else text(value).replace("$", "$$")


def _plain(body: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    made = {
        key: found
        for key, value in body.items()
        if key not in _RESOLVED
        and (key, value) not in _ZEROS
        and (found := _reformed(key, value, folder)) not in (None, {}, [])
    }
    made["depends_on"] = {
        name: {"required": "true", **{k: one for k, one in found.items() if k != "restart"}}
        for name, found in made.get("depends_on", {}).items()
        if name not in _implied(body)
    }
    if isinstance(made.get("extra_hosts"), list):
        made["extra_hosts"] = dict(item.split("=", 1) for item in made["extra_hosts"])
    if made.get("networks") == {"default": None} or not made.get("networks"):
        made.pop("networks", None)
    return {key: value for key, value in made.items() if value != {}}


def _implied(body: Mapping[str, Any]) -> set[str]:
    """The services that Compose waits for because of another key; it lists them among the rest."""
    named = [body.get(key) or "" for key in ("network_mode", "pid", "ipc")]
    found = {name.partition(":")[2] for name in named if name.startswith("service:")}
    found |= {one.partition(":")[0] for one in body.get("links") or ()}
    return found | {one.partition(":")[0] for one in body.get("volumes_from") or ()}


def _reformed(key: str, value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        made = {
            name.lower() if name in ("Path", "Rate") else name: found
            for name, one in value.items()
            if (found := _reformed(name, one, folder)) not in ({}, [], None)
            or (one is None and key != "args")
        }
        made.pop("create_host_path", None)
        if made.get("disable") == "false":
            del made["disable"]  # a zero, as those below, which Compose does not print
        made.pop("placement", None)
        if key == "build":
            made.pop("secrets", None)  # not read: images are built elsewhere
        if made.get("dockerfile") == "Dockerfile":
            del made["dockerfile"]
        return made
    if isinstance(value, list):
        return [_with_target(key, _reformed(key, one, folder)) for one in value]
    if value is None:
        return None
    written = str(value).lower() if isinstance(value, bool) else str(value)
    if key in _SIZES:
        return str(quantities.size(written))
    if key in _TIMES and written[:1].isdigit():
        return str(quantities.time(written))
    if key in ("cpus",):
        return str(float(written))
    if key in ("source", "context"):
        return _beside(written, folder)
    return written


def _with_target(key: str, item: Any) -> Any:
    """What Compose adds to an item that names no more than what it is."""
    if not isinstance(item, dict):
        return item
    if key == "ports":
        return {"mode": "ingress", "protocol": "tcp", **item}
    if key in ("secrets", "configs"):
        folder = "/run/secrets/" if key == "secrets" else "/"
        target = item.get("target", item["source"])
        item["target"] = target if target.startswith("/") else folder + target
        if "mode" in item:
            item["mode"] = str(
                int(item["mode"].lstrip("0o") or "0", 8 if item["mode"][:1] == "0" else 10)
            )
    return item


def _beside(path: str, folder: Path) -> str:
    if not path.startswith((".", "/", "~")):
        return path
    path = path.replace("~", "/root", 1) if path.startswith("~") else path
    return posixpath.normpath(posixpath.join(str(folder), path))
