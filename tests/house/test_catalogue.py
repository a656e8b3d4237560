"""A relaxation is whole: entry, claim, translation, a granted and a refused case.

A dimension is a field of the profile or of the spec, or one of the network's table. Each of them is
sent to the engine by a line of its own and answered for by a claim.
"""

from __future__ import annotations

from typing import get_args

import pytest

from orchestr8.boxes import network
from orchestr8.boxes.spec import BoxSpec
from orchestr8.engines.docker.translate import TRANSLATIONS
from orchestr8.isolation.profile import Profile
from orchestr8.isolation.relaxations import RELAXATIONS
from orchestr8.isolation.strict import NEWEST, VERSIONS
from orchestr8.manifest.arguments import KINDS
from orchestr8.proof.claims import CLAIMS
from tests.contract import cases

CARRIED_BY_THE_TABLE = {
    "links": {network.Pass, network.Route},
    "publish": {network.Door},
    "egress": {network.Out},
}
"""The dimensions that no engine carries, and the elements of the packet filter that do."""

FIELDS_OF_ONE_DIMENSION = {
    "args": "program",
    "entrypoint": "program",
    "workdir": "program",
    "env": "image_env",
    "gid": "user",
    "uid": "user",
    "image_id": "image",
    "hostname": "net",
    "networked": "net",
    "run_once": "life",
}
"""Fields of the spec that are translated under another name."""
NOT_SENT = {
    "image": "the reference is for people; image_id is what is sent",
    "profile": "its own fields are what is sent",
    "strict": "the version decides the values of every other line",
}
NOT_PROVED = {
    "program": "a program may change its own arguments and folder; no wall depends on them",
    "life": "how often a box is started is the loop's, not a wall",
}
"""Dimensions that the kernel shows nothing of, and why nothing is lost by it."""


def claimed() -> set[str]:
    """Every dimension that some claim answers for."""
    return {dimension for claim in CLAIMS for dimension in claim.dimensions}


def translated() -> set[str]:
    """Every dimension that is sent to the engine or carried by the table."""
    return {*TRANSLATIONS, *CARRIED_BY_THE_TABLE}


def incomplete(changes: tuple[str, ...], claims: set[str], lines: set[str]) -> list[str]:
    """What a relaxation lacks."""
    lacking = [f"no claim answers for {name}" for name in changes if name not in claims]
    lacking += [f"no line sends {name}" for name in changes if name not in lines]
    return lacking if changes else ["it changes nothing"]


@pytest.mark.parametrize("entry", RELAXATIONS.values(), ids=lambda entry: entry.id)
def test_a_relaxation_has_claim_and_translation(entry: object) -> None:
    assert incomplete(entry.changes, claimed(), translated()) == []  # type: ignore[attr-defined]


def test_the_rule_sees_what_is_missing() -> None:
    assert incomplete(("pid",), claimed() - {"pid"}, translated()) == ["no claim answers for pid"]
    assert incomplete(("pid",), claimed(), translated() - {"pid"}) == ["no line sends pid"]
    assert incomplete((), claimed(), translated()) == ["it changes nothing"]


def case_names() -> set[str]:
    """The names of all cases of the contract stage."""
    return {path.stem for path in cases.case_files()}


def wanted_cases() -> set[str]:
    """Two for each entry of the catalogue."""
    return {f"{entry}.{verdict}" for entry in RELAXATIONS for verdict in ("granted", "refused")}


def test_a_relaxation_has_its_two_cases() -> None:
    assert wanted_cases() - case_names() == set()


def test_no_case_is_surplus() -> None:
    """A case named for a verdict is about an entry of the catalogue."""
    named = {name for name in case_names() if name.rpartition(".")[2] in ("granted", "refused")}
    verdicts = {f"waiver.{verdict}" for verdict in ("granted", "refused")}
    assert named - wanted_cases() - verdicts == set()


@pytest.mark.parametrize("entry_id", sorted(RELAXATIONS))
def test_the_two_cases_are_about_their_entry(entry_id: str) -> None:
    granted, said = cases.read(cases.FOLDER / f"{entry_id}.granted.yaml")
    assert any(line.strip().startswith(f"{entry_id} ") or line.strip().startswith(f"{entry_id}:")
               for line in said.splitlines()), granted["title"]  # fmt: skip
    refused, said = cases.read(cases.FOLDER / f"{entry_id}.refused.yaml")
    assert said.startswith(("RefusedError", "ManifestError")), refused["title"]


def test_every_field_of_the_profile_is_a_dimension() -> None:
    dimensions = set(Profile.__struct_fields__) - set(NOT_SENT)
    assert dimensions - claimed() == set()
    assert dimensions - set(TRANSLATIONS) == set()


def test_every_field_of_the_spec_is_sent_and_proved() -> None:
    names = set(BoxSpec.__struct_fields__) - set(NOT_SENT)
    dimensions = {FIELDS_OF_ONE_DIMENSION.get(name, name) for name in names}
    assert dimensions - set(TRANSLATIONS) == set()
    assert dimensions - claimed() - set(NOT_PROVED) == set()


def test_no_line_of_these_tables_is_surplus() -> None:
    known = {*BoxSpec.__struct_fields__, *Profile.__struct_fields__}
    assert {*FIELDS_OF_ONE_DIMENSION, *NOT_SENT} - known == set()
    assert set(NOT_PROVED) - set(FIELDS_OF_ONE_DIMENSION.values()) == set()
    assert set(NOT_PROVED) & claimed() == set()


def test_every_element_of_the_table_carries_a_dimension() -> None:
    carrying = {kind for kinds in CARRIED_BY_THE_TABLE.values() for kind in kinds}
    assert carrying == set(get_args(network.Element))
    assert set(CARRIED_BY_THE_TABLE) & set(TRANSLATIONS) == set()
    assert set(CARRIED_BY_THE_TABLE) - claimed() == set()


def test_claims_have_names_of_their_own() -> None:
    ids = [claim.id for claim in CLAIMS]
    assert len(ids) == len(set(ids))


def test_every_kind_of_argument_can_be_read() -> None:
    used = {item.kind for entry in RELAXATIONS.values() for item in entry.parameters}
    assert used - set(KINDS) == set()


def test_versions_of_strict_are_numbered() -> None:
    assert sorted(VERSIONS) == list(range(1, NEWEST + 1))
    assert all(strict.version == number for number, strict in VERSIONS.items())
