"""Hosts on which the network cannot be had: what happened, and what to do, in words."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestr8.boxes.network import Pass
from orchestr8.errors import EngineError, FeatureMissingError, RejectedError, UnavailableError
from orchestr8.host import programs
from tests.host.lab import Lab, Maker, lab, unlike
from tests.host.rights import needs_root

pytestmark = needs_root


@pytest.fixture(scope="module")
def machine() -> Iterator[Lab]:
    with lab("a") as made:
        yield made


def _hide(path: str) -> Callable[[], None]:
    """An empty folder in place of what the kernel would show; seen by this child alone."""

    def hide() -> None:
        subprocess.run(["mount", "-t", "tmpfs", "none", path], check=True)

    return hide


def _become_nobody() -> None:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


@pytest.mark.parametrize(
    ("harm", "kind", "words", "remedy"),
    [
        (_hide("/proc/sys/net/bridge"), FeatureMissingError, "br_netfilter", "modprobe"),
        (_become_nobody, RejectedError, "Operation not permitted", "run as root"),
    ],
    ids=["no-br_netfilter", "no-rights"],
)
def test_a_host_that_cannot(
    machine: Lab, harm: Callable[[], None], kind: type[EngineError], words: str, remedy: str
) -> None:
    def prepare() -> None:
        harm()
        machine.network.prepare()

    with pytest.raises(kind, match=words) as failure:
        machine.host.run(prepare)
    assert remedy in failure.value.remedy


def test_a_host_that_does_not_forward(machine: Lab) -> None:
    def forward(value: str) -> None:
        Path("/proc/sys/net/ipv4/ip_forward").write_text(value)

    machine.host.run(lambda: forward("0"))
    try:
        with pytest.raises(RejectedError, match="does not forward") as failure:
            machine.host.run(machine.network.prepare)
        assert "sysctl" in failure.value.remedy
    finally:
        machine.host.run(lambda: forward("1"))


def test_an_engine_that_makes_no_bridge(machine: Lab) -> None:
    installation = f"{machine.network.installation}-b"
    settings = {"bridge": "o8absent0", "made_by": Maker(lambda: None)}
    other = unlike(machine.network, installation=installation, **settings)
    with pytest.raises(UnavailableError, match="o8absent0 does not exist"):
        machine.host.run(other.prepare)
    machine.host.run(other.remove_all)


@pytest.mark.parametrize("installation", ["", "a b", "x}; flush ruleset; #", "A"])
def test_an_installation_that_is_no_name(machine: Lab, installation: str) -> None:
    with pytest.raises(RejectedError, match="cannot name"):
        unlike(machine.network, installation=installation)


def test_a_bad_element_changes_nothing(machine: Lab) -> None:
    machine.change((Pass("10.77.0.10", "10.77.0.11", 1),))
    before = machine.observe()
    with pytest.raises(RejectedError):
        machine.change((Pass("10.77.0.10", "10.77.0.11", 2), Pass("10.77.0.10", "web", 3)))
    assert machine.observe() == before


def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("not a program")
    broken.chmod(0o755)
    with pytest.raises(RejectedError, match="cannot be run"):
        programs.run([str(broken)], "none")
    with pytest.raises(FeatureMissingError, match="is not installed"):
        programs.run(["orchestr8-no-such-program"], "none")
