"""A unit's text, with words that systemd would read otherwise; and a host without systemd."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestr8.errors import RejectedError
from orchestr8.host.systemd import AtBoot, Units, unit_text

BOOT = AtBoot(
    description="what was applied, 100% of it",
    command=("/opt/a b/orchestr8", "apply", '--odd="$HOME\\'),
    environment={"ORCHESTR8_STATE": "/srv/50% of it", "DOCKER_HOST": "unix:///run/d.sock"},
    after="docker.service",
    seconds_max=1200,
    final=(2, 3),
)


def test_every_word_is_quoted_as_systemd_reads_it() -> None:
    text = unit_text(BOOT)
    assert r'ExecStart="/opt/a b/orchestr8" "apply" "--odd=\"$$HOME\\"' in text
    assert 'Environment="ORCHESTR8_STATE=/srv/50%% of it"' in text
    assert "Description=what was applied, 100%% of it" in text
    assert "WantedBy=multi-user.target docker.service" in text
    assert "PartOf=docker.service" in text
    assert "RestartPreventExitStatus=2 3" in text


def test_an_engine_without_a_daemon_needs_the_boot_alone() -> None:
    text = unit_text(replace(BOOT, after=""))
    (after,) = (line for line in text.splitlines() if line.startswith("After="))
    assert {"local-fs.target", "docker.service", "nftables.service"} <= set(after[6:].split())
    assert "WantedBy=multi-user.target\n" in text
    assert "PartOf" not in text and "Wants=" not in text


def test_a_line_break_cannot_add_a_line() -> None:
    with pytest.raises(RejectedError):
        unit_text(AtBoot("x", ("/bin/true\nUser=nobody",), {}, "docker.service", 1))


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name that writes down what it was told."""
    program = tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/told\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "told"


def test_a_unit_comes_and_goes(tmp_path: Path, systemctl: Path) -> None:
    folder = tmp_path / "units"
    folder.mkdir()
    units = Units(folder, tmp_path)
    assert units.present
    units.enable("o.service", BOOT)
    units.enable("o.service", BOOT)
    assert [path.name for path in folder.iterdir()] == ["o.service"]
    assert units.disable("o.service")
    assert not units.disable("o.service")
    assert [*folder.iterdir()] == []
    told = systemctl.read_text().splitlines()
    assert told[:2] == ["--quiet daemon-reload", "--quiet reenable o.service"]
    assert told[-2:] == ["--quiet disable o.service", "--quiet daemon-reload"]


def test_what_systemctl_says_is_said(tmp_path: Path, systemctl: Path) -> None:
    (systemctl.parent / "systemctl").write_text("#!/bin/sh\necho 'Access denied' >&2; exit 1\n")
    with pytest.raises(RejectedError, match="Access denied"):
        Units(tmp_path, tmp_path).enable("o.service", BOOT)


def test_a_host_without_systemd_has_none(tmp_path: Path) -> None:
    assert not Units(tmp_path, tmp_path / "none").present


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    path = tmp_path / "o.service"
    path.write_text(unit_text(AtBoot("x", ("/bin/true",), {}, "docker.service", 1)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "o.service:" not in done.stderr
