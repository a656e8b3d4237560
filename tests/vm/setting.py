"""What a machine without a way out is given, and the project installed on it as the README says."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.hosts import registry
from tests.hosts.vm import CACHE, CHECKOUT, Machine

_IMAGES = CHECKOUT / ".cache" / "images"
_PYTHON = ("--python-version=3.11", "--implementation=cp", "--only-binary=:all:")
_BUILDS_WITH = ("setuptools>=68", "wheel")
_TESTS_WITH = ("pytest", "hypothesis", "jsonschema")
"""Those of the project's tools for tests that run tests, and judge no text."""

_INSTALL_SECONDS = 1800
"""At most, for what pip does on an emulated machine that shares its processors."""

HOME = "/root/orchestr8"
"""The checkout inside."""

OFFLINE = "export PIP_NO_INDEX=1 PIP_FIND_LINKS=/project/wheels"
"""Wheels come from a folder, since the machine has no network."""


def load_images(machine: Machine, names: Sequence[str]) -> None:
    """Gives the machine's Docker these of our images, once it answers."""
    machine.check("until docker version >/dev/null 2>&1; do sleep 1; done")
    for name in names:
        machine.check(f"docker load -i /project/images/{name}.tar")


def install(machine: Machine) -> None:
    """The README's two lines."""
    machine.check(f"cp -r /project/checkout {HOME}")
    machine.check(
        f"cd {HOME} && {OFFLINE} && python3 -m venv .venv && .venv/bin/pip install --quiet .",
        timeout=_INSTALL_SECONDS,
    )
    machine.check(f"ln -s {HOME}/.venv/bin/orchestr8 /usr/local/bin/orchestr8")


def prepare_tests(machine: Machine) -> None:
    """What the project's own tests need beside the project: tools, images and a registry, and no
    second Docker beside theirs."""
    machine.check("systemctl stop docker.socket docker")
    tools = " ".join(_TESTS_WITH)
    machine.check(
        f"cd {HOME} && {OFFLINE} && .venv/bin/pip install --quiet {tools}",
        timeout=_INSTALL_SECONDS,
    )
    machine.check(
        f"cd {HOME} && mkdir -p .cache && cp -rs /project/images /project/registry .cache"
    )


def lay_out(folder: Path) -> None:
    """Fills a folder with what the machine shall find."""
    _copy_checkout(folder / "checkout")
    shutil.copytree(ensure_wheels(), folder / "wheels")
    (folder / "images").mkdir()
    subprocess.run([sys.executable, CHECKOUT / "examples/images/build.py"], check=True)
    for file in (*_IMAGES.glob("*.tar"), _IMAGES / "index.json"):
        shutil.copy(file, folder / "images")
    registry.prepare()
    programs = folder / "registry/usr/bin"
    programs.mkdir(parents=True)
    shutil.copy(registry.program(), programs)


def _copy_checkout(folder: Path) -> None:
    """What git knows of this checkout, as it lies here."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, folder / name)


def ensure_wheels() -> Path:
    """Wheels of what the project needs, for the machine's Python; fetched once."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    tools = [one for one in project["optional-dependencies"]["test"] if one.startswith(_TESTS_WITH)]
    wanted = [*project["dependencies"], *tools, *_BUILDS_WITH]
    folder = CACHE / f"wheels-{hashlib.sha256(repr(wanted).encode()).hexdigest()[:12]}"
    if not folder.is_dir():
        fresh = folder.with_suffix(".half-made")
        shutil.rmtree(fresh, ignore_errors=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", *_PYTHON, "--dest", fresh,
             *wanted],
            check=True,
        )  # fmt: skip
        fresh.rename(folder)
    return folder
