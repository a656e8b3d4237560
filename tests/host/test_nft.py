"""The library and the program of the packet filter are one border: either may be missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestr8.host import nft, nft_library, programs
from tests.host.namespaces import Namespace
from tests.host.rights import needs_root

pytestmark = needs_root

_TRIAL = """
from orchestr8.errors import EngineError
from orchestr8.host import nft, nft_library
print(nft_library.found())
try:
    nft.transact("add table inet trial\\nadd chain inet trial one")
    print([sorted(part) for part in nft.listing("trial")])
    print(nft.listing("absent"))
    nft.transact("delete table inet trial")
    nft.transact("delete table inet trial")
except nft.CollisionError as error:
    print(error)
except EngineError as error:
    print(error.what, error.remedy, sep="; ")
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Namespace]:
    with closing(Namespace()) as made:
        yield made


def _tried(host: Namespace, *hidden: Path, path: str = "") -> list[str]:
    """What a fresh interpreter says, on a host without these files."""

    def run() -> list[str]:
        for one in hidden:
            subprocess.run(["mount", "--bind", "/dev/null", one], check=True)
        words = [sys.executable, "-c", _TRIAL]
        environment = os.environ | {"PATH": f"{path}:{os.environ['PATH']}"}
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
        return done.stdout.splitlines()

    return host.run(run)


def _library() -> Path:
    lines = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    (line,) = (one for one in lines.splitlines() if "libnftables.so.1 " in one)
    return Path(line.rpartition("=> ")[2]).resolve()


def test_with_the_library_the_program_is_not_needed(host: Namespace) -> None:
    said = _tried(host, Path("/usr/sbin/nft").resolve())
    assert said == ["True", *_GOOD]


def test_with_a_program_that_has_another_library(host: Namespace, tmp_path: Path) -> None:
    shutil.copy(_library(), tmp_path / "libnftables.so.1")
    program = tmp_path / "nft"
    program.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={tmp_path} exec /usr/sbin/nft "$@"\n')
    program.chmod(0o755)
    said = _tried(host, _library(), path=str(tmp_path))
    assert said[:-1] == ["False", *_GOOD[:-1]]
    assert said[-1].endswith(_GOOD[-1])  # the program says the place as well


def test_without_both(host: Namespace) -> None:
    program = Path("/usr/sbin/nft").resolve()
    assert _tried(host, _library(), program) == [
        "False",
        "the program nft cannot be run: Permission denied; "
        "look at its file and rights, or install the package nftables again",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "script",
    [
        "add table inet t1",
        "list table inet t1",
        "create table inet t1",
        "list table inet absent",
        "add element inet t1 absent { 1.2.3.4 }",
        "add rule inet t1 ]",
        "add chain inet t1 c { type filter hook nowhere priority 0; }",
        "flush ruleset; add table inet t1; delete table inet t2",
        "delete table inet t1",
    ],
)
def test_both_say_the_same(host: Namespace, script: str) -> None:
    def by_both() -> tuple[tuple[bool, str, str], ...]:
        subprocess.run(["nft", "add table inet t1"], check=True)
        said = nft_library.run(script)
        assert said
        subprocess.run(["nft", "flush ruleset; add table inet t1"], check=True)
        answer = programs.run(["nft", "-f", "-"], "nftables", script)
        subprocess.run(["nft", "flush ruleset"], check=True)
        first = programs.Answer(0, "", said.errors).first_error
        return (
            (said.good, said.output, first if said.errors else ""),
            # The program says the place as well.
            (answer.status == 0, answer.output, answer.first_error.rpartition("Error: ")[2])
            if answer.errors
            else (answer.status == 0, answer.output, ""),
        )

    library, program = host.run(by_both)
    assert library == program


def test_a_kernel_that_does_not_know_packet_filters_ends_nobody(host: Namespace) -> None:
    """The library would call exit() where its socket cannot be made."""

    def many_open() -> nft_library.Said | None:
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        held = []
        try:
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            said = nft_library.run("list ruleset")
        for one in held:
            os.close(one)
        return said

    assert host.run(lambda: nft_library.run("list ruleset")) is not None
    assert host.run(many_open) is None


def test_no_descriptor_is_left(host: Namespace) -> None:
    def left() -> int:
        nft.listing("absent")
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(20):
            nft.listing("absent")
        return len(list(Path("/proc/self/fd").iterdir())) - before

    assert host.run(left) == 0


_GOOD = ["[['table'], ['chain']]", "None", "Could not process rule: No such file or directory"]
