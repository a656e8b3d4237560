"""`secret`: keys are made once, values are sealed, and no value comes out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.cli.opening import make_up_secrets
from orchestr8.controller.request import Request
from orchestr8.controller.session import session
from orchestr8.controller.settings import Settings
from orchestr8.host.sealed_secrets import OwnerKeys
from orchestr8.manifest.model import Source
from tests.cli.console import Console

VALUE = "canary-hunter2\n"
MANIFEST = """\
orchestr8: 1
owner: me
services: {hello: {image: "hello:1", secrets: [db]}}
secrets: {db: {sealed: ./db.age}}
"""


def test_the_key_is_made_once_and_its_private_half_never_shown(console: Console) -> None:
    first = console.run("secret", "recipient", "me")
    again = console.run("secret", "recipient", "me", "--output", "json")
    assert (first.status, again.status) == (0, 0)
    assert first.output.startswith("age1")
    assert "keep a copy" in first.errors
    assert again.document["recipient"] == first.output.strip()
    assert (again.document["made"], again.errors) == (False, "")
    assert "SECRET" not in (first.everything + again.everything).upper().replace("/SECRETS/", "")


def test_a_value_is_sealed_here_or_elsewhere_for_the_same_key(console: Console) -> None:
    public = console.run("secret", "recipient", "me").output.strip()
    here = console.run("secret", "seal", "me", "db", stdin=VALUE)
    elsewhere = console.run(
        "secret", "seal", "me", "db", "--recipient", public,
        stdin=VALUE, ORCHESTR8_SECRETS=str(console.folder / "none"),
    )  # fmt: skip
    keys = OwnerKeys(console.folder / "secrets")
    for answer in (here, elsewhere):
        assert answer.status == 0, answer.errors
        assert keys.open("me", "db", answer.output.encode()) == VALUE.encode()
        assert "hunter2" not in answer.everything
        assert "secrets: {db: {sealed: ./db.age}}" in answer.errors
        assert "ends with a line break" in answer.errors
    assert not (console.folder / "none").exists()
    document = console.run("secret", "seal", "me", "db", "--output", "json", stdin=VALUE).document
    assert keys.open("me", "db", document["sealed"].encode()) == VALUE.encode()


WRONG = {
    "no key yet": (["seal", "me", "db"], VALUE, 1, "orchestr8 secret recipient me"),
    "nothing to seal": (["seal", "me", "db", "--recipient", "age1x"], "", 2, "the value is empty"),
    "no public key": (["seal", "me", "db", "--recipient", "age1x"], VALUE, 1, "begins with age1"),
    "no name of a secret": (["seal", "me", "../db"], VALUE, 2, "cannot name a secret"),
    "no name of an owner": (["recipient", ".keys"], "", 2, "cannot name an owner"),
    "an unknown word": (["open", "me"], "", 2, "`orchestr8 secret --help` says what it takes"),
    "no word": ([], "", 2, "`orchestr8 secret --help` says what it takes"),
}


@pytest.mark.parametrize("words, stdin, status, said", WRONG.values(), ids=WRONG)
def test_what_is_wrong(
    console: Console, words: list[str], stdin: str, status: int, said: str
) -> None:
    answer = console.run("secret", *words, stdin=stdin)
    assert (answer.status, answer.output) == (status, "")
    assert said in answer.errors
    assert "hunter2" not in answer.errors


def test_a_simulation_needs_no_key(console: Console) -> None:
    console.write("m.yaml", MANIFEST)
    console.write("db.age", "sealed on another machine")
    planned = console.run("plan", "m.yaml", "--engine", "memory", ORCHESTR8_SECRETS="")
    assert planned.status == 0, planned.everything


def test_nothing_is_made_up_outside_of_a_simulation(tmp_path: Path) -> None:
    """On a real engine an empty secret in the place of a missing one would be a disaster."""
    settings = Settings(tmp_path / "state", tmp_path / "run", tmp_path / "secrets", "", "ann")
    asked = Request(
        (Source("m.yaml", MANIFEST.replace("db: {sealed: ./db.age}", "db: {}")),), str.encode
    )
    with session(settings) as real:
        make_up_secrets(real, asked)
    assert not (tmp_path / "secrets").exists()


def test_a_file_that_cannot_be_opened_is_a_problem_of_the_manifest(console: Console) -> None:
    console.write("m.yaml", MANIFEST)
    console.write("db.age", VALUE)
    state = {"ORCHESTR8_STATE": str(console.folder / "kept"), "ORCHESTR8_ENGINE": "memory"}
    answer = console.run("plan", "m.yaml", **state)
    assert answer.status == 2, answer.everything
    assert "m.yaml:4:11: secrets.db: db.age is no sealed file" in answer.errors
    assert "orchestr8 secret seal me db < VALUE > FILE" in answer.errors
    assert "hunter2" not in answer.everything
