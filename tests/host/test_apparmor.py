"""Profiles are loaded whole, under a name that says what they are; where that fails, nothing runs.

The parser is a stand-in here: the kernel of most test machines has no AppArmor. A real one loads
the profile in tests/vm.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.errors import FeatureMissingError
from orchestr8.host import apparmor as hand
from orchestr8.isolation import apparmor
from orchestr8.isolation.strict import VERSIONS


@pytest.fixture
def parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name, first in the PATH, which keeps what it was given."""
    program = tmp_path / "apparmor_parser"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\ncat > {tmp_path}/given\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.mark.parametrize("strict", VERSIONS)
def test_every_version_of_strict_has_a_profile_of_its_own_name(strict: int) -> None:
    name, text = apparmor.profile_name(strict), apparmor.profile_text(strict)
    assert f"profile {name} " in text
    assert f"peer={name}," in text
    assert "NAME" not in text
    assert "#include" not in text
    assert apparmor.is_profile(name, strict)
    assert not apparmor.is_profile(name, strict + 1)
    assert not apparmor.is_profile("docker-default", strict)


def test_a_profile_is_handed_to_the_parser_whole(parser: Path) -> None:
    hand.ensure("orchestr8.test", "profile orchestr8.test {}\n")
    assert (parser / "given").read_text() == "profile orchestr8.test {}\n"
    assert "--replace" in (parser / "words").read_text()


def test_what_cannot_be_loaded_is_an_error_with_the_parsers_words(parser: Path) -> None:
    (parser / "apparmor_parser").write_text("#!/bin/sh\necho 'Permission denied' >&2; exit 1\n")
    with pytest.raises(FeatureMissingError, match="Permission denied") as error:
        hand.ensure("orchestr8.test", "profile orchestr8.test {}\n")
    assert error.value.remedy


def test_without_a_parser_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("orchestr8.host.programs._FOLDERS", str(tmp_path))
    with pytest.raises(FeatureMissingError) as error:
        hand.ensure("orchestr8.test", "")
    assert "package apparmor" in error.value.remedy
