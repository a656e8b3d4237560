"""What a newcomer types first: the smallest manifest, a folder, standard input, the examples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.console import HELLO, ROOT, Console

EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("[0-9]*") if path.is_dir())


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_valid(console: Console, name: str) -> None:
    answer = console.run("validate", str(ROOT / "examples" / name))
    assert answer.status == 0, answer.errors
    assert "no problems." in answer.output


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_can_be_planned_without_a_host(console: Console, name: str) -> None:
    _give_secrets(console, name)
    answer = console.run("plan", str(ROOT / "examples" / name), ORCHESTR8_ENGINE="memory")
    assert answer.status == 0, answer.errors
    assert "to provision." in answer.output


def _give_secrets(console: Console, name: str) -> None:
    """Puts every secret of an example where it is looked for."""
    words = ("validate", str(ROOT / "examples" / name), "--output", "json")
    for secret in console.run(*words).document["secrets"]:
        word, _, owner = secret.partition(".")
        path = console.folder / "secrets" / owner / word
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
        path.chmod(0o600)


def test_a_first_look_needs_no_rights_no_secrets_and_leaves_nothing(console: Console) -> None:
    words = ("plan", str(ROOT / "examples/05-shop"), "--engine", "memory", "--set", "shop")
    answer = console.run(*words, ORCHESTR8_STATE="", ORCHESTR8_SECRETS="")
    assert answer.status == 0, answer.errors
    assert "simulated: " in answer.output
    assert answer.output.splitlines()[-1].startswith("Apply this:  orchestr8 apply ")
    assert console.left_behind == []
    assert list(console.folder.iterdir()) == []


def test_the_smallest_manifest_as_printed(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    answer = console.run("validate", "hello.yaml")
    assert answer.status == 0
    assert answer.output.startswith("1 service of 1 owner in 1 file; no problems.\n")
    assert "a plan checks that, too:  orchestr8 plan hello.yaml" in answer.output
    assert console.left_behind == []


def test_standard_input(console: Console) -> None:
    answer = console.run("validate", "-", stdin=HELLO)
    assert answer.status == 0
    answer = console.run("plan", "-", stdin=HELLO, ORCHESTR8_ENGINE="memory")
    assert "+ hello.me  0 -> 1  provision" in answer.output
    bad = console.run("validate", "-", stdin=HELLO.replace("image", "imgae"))
    assert bad.errors.startswith("-:4:")


def test_a_folder_with_sub_folders_in_the_order_of_names(console: Console) -> None:
    for name in ("b/two.yml", "a/one.yaml", "b/.hidden/no.yaml", ".no.yaml", "z.txt"):
        console.write(f"fleet/{name}", _service(Path(name).stem.strip(".")))
    document = console.run("validate", "fleet", "--output", "json").document
    assert document["files"] == ["fleet/a/one.yaml", "fleet/b/two.yml"]
    assert document["services"] == ["one.me", "two.me"]


def _service(name: str) -> str:
    return f"orchestr8: 1\nowner: me\nservices:\n  {name}: {{image: 'hello:1'}}\n"


def test_other_programs_yaml_is_passed_over_and_that_is_said(console: Console) -> None:
    console.write("fleet/hello.yaml", HELLO)
    console.write("fleet/prometheus.yml", "global: {scrape_interval: 15s}\n")
    answer = console.run("validate", "fleet")
    assert answer.status == 0
    assert "passed over: fleet/prometheus.yml" in answer.output
    assert console.run("validate", "fleet/prometheus.yml").status == 2, "a typed one is meant"
    console.write("fleet/half.yaml", HELLO.removeprefix("orchestr8: 1\n"))
    assert console.run("validate", "fleet").status == 2, "one without its first line is meant, too"


def test_the_same_file_twice_is_one(console: Console) -> None:
    console.write("hello.yaml", HELLO)
    assert console.run("validate", "hello.yaml", "./hello.yaml", ".").status == 0


ENDING = """\
orchestr8: 1
owner: me
services:
  api:
    image: "api:1"
    relax:
      - net.egress: {to: 198.51.100.0/24, ports: [443]}
        why: card payments
        until: 2999-02-28
"""


def test_validate_says_what_will_have_ended(console: Console) -> None:
    console.write("api.yaml", ENDING)
    assert console.run("validate", "api.yaml").status == 0
    assert console.run("validate", "api.yaml", "--at", "2999-02-27").status == 0
    answer = console.run("validate", "api.yaml", "--at", "2999-02-28")
    assert answer.status == 3
    assert "ended 2999-02-28" in answer.errors


def test_names_of_others_are_said_to_be_unchecked(console: Console) -> None:
    console.write("web.yaml", HELLO.replace("hello:1", "web:1").replace(
        "publish", "connects: [db.data:5432], publish"
    ))  # fmt: skip
    answer = console.run("validate", "web.yaml")
    assert answer.status == 0
    assert "whether db.data exist and agree (nothing is applied on this machine)" in answer.output


def test_the_schema_is_one_and_takes_an_example(console: Console) -> None:
    import jsonschema
    import yaml

    answer = console.run("schema")
    schema = json.loads(answer.output)
    jsonschema.Draft202012Validator.check_schema(schema)
    example = yaml.safe_load((ROOT / "examples/01-hello/hello.yaml").read_text())
    jsonschema.validate(example, schema)
    assert console.run("schema", "--output", "json").document["manifest"] == schema


def test_explain_a_field_and_a_relaxation(console: Console) -> None:
    field = console.run("explain", "service.limits.memory")
    assert field.status == 0
    for word in ("type", "default", "effect", "example:", "guarantee"):
        assert word in field.output
    relaxation = console.run("explain", "relaxation", "cap.add")
    for word in ("weakens", "wanted for", "danger host", "instead", "parameters:"):
        assert word in relaxation.output
    document = console.run("explain", "relaxation", "cap.add", "--output", "json").document
    assert (document["kind"], document["id"]) == ("relaxation", "cap.add")


@pytest.mark.parametrize("words", [["explain"], ["explain", "relaxation"], ["explain", "service"]])
def test_explain_lists(console: Console, words: list[str]) -> None:
    assert console.run(*words).status == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(console: Console, shell: str) -> None:
    answer = console.run("--show-completion", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    if answer.status == 2:  # this release wants the shell's name where it may not look for it
        answer = console.run(
            "--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
        )
    assert "_ORCHESTR8_COMPLETE" in answer.output


def test_completion_of_verbs_and_options(console: Console) -> None:
    def completed(words: str) -> list[str]:
        return console.run(
            _ORCHESTR8_COMPLETE="complete_bash",
            COMP_WORDS=words,
            COMP_CWORD=str(len(words.split(" ")) - 1),
        ).output.split()

    assert completed("orchestr8 pl") == ["plan"]
    assert "--timeout" in completed("orchestr8 apply --ti")
    assert completed("orchestr8 explain user.") == ["user.fixed", "user.root"]
    assert completed("orchestr8 why a") == [], "no store, no names"
