"""`enable` keeps what the unit needs; where there is no systemd, a person can do it by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.controller.boot import disable, enable, is_enabled, unit_name
from orchestr8.controller.session import Session, session
from orchestr8.controller.settings import Settings
from orchestr8.errors import FeatureMissingError
from orchestr8.host.systemd import Units


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session, and a systemctl that does as it is told."""
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/its.sock")
    settings = Settings(tmp_path / "state", tmp_path / "run", tmp_path, "memory", "ann")
    with session(settings) as made:
        yield made


def test_the_unit_names_this_orchestr8_and_this_state_folder(own: Session, tmp_path: Path) -> None:
    units = Units(tmp_path, tmp_path)
    assert not is_enabled(own, units)
    enabled = enable(own, units)
    text = enabled.path.read_text()
    assert f'"ORCHESTR8_STATE={own.settings.state}"' in text
    assert '"DOCKER_HOST=unix:///run/its.sock"' in text
    command = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    assert command.startswith('ExecStart="/')
    assert '"apply" "--wait"' in command
    assert is_enabled(own, units)
    assert disable(own, units) == enabled.unit
    assert disable(own, units) == ""
    assert not is_enabled(own, units)


def test_each_state_folder_has_a_unit_of_its_own(own: Session) -> None:
    assert unit_name(own) == f"orchestr8-{own.store.ledger.installation[:8]}.service"


def test_without_systemd_the_line_to_run_at_boot_is_printed(own: Session, tmp_path: Path) -> None:
    with pytest.raises(FeatureMissingError) as error:
        enable(own, Units(tmp_path, tmp_path / "none"))
    assert "nothing was written" in error.value.what
    assert f"ORCHESTR8_STATE={own.settings.state} " in error.value.remedy
    assert "apply --wait" in error.value.remedy
    assert "@reboot root" in error.value.remedy
