"""`import` on a terminal: the manifest, the list, and what is said of files that cannot be read."""

from __future__ import annotations

import os

from tests.cli.console import Console

COMPOSE = """\
services:
  web:
    image: nginx
    ports: ["8080:80"]
    labels: {a: b}
    environment: {API: "http://api:8000", KEY: "${KEY:-none}"}
  api:
    build: .
    restart: always
"""


def test_the_manifest_goes_to_standard_output_and_the_list_beside_it(console: Console) -> None:
    console.write("compose.yaml", COMPOSE)
    answer = console.run("import", "compose.yaml", "--owner", "shop")
    assert answer.status == 0
    assert "\nowner: shop" in answer.output and "connects: [api:8000]" in answer.output
    assert "compose.yaml:3:5: services.web.image: nginx names no version" in answer.errors
    assert "docker build -t api:1 ." in answer.errors
    assert "restart: boxes are healed" in answer.errors
    assert answer.output == console.run("import", "compose.yaml", "--owner", "shop").output
    assert console.left_behind == []


def test_what_is_written_is_valid(console: Console) -> None:
    console.write("compose.yaml", COMPOSE)
    answer = console.run("import", "compose.yaml", "--out", "shop.yaml")
    assert answer.status == 0 and answer.errors == ""
    assert answer.output.endswith(
        "shop.yaml is written. Do what is for you to do, then:  orchestr8 plan shop.yaml\n"
    )
    assert "2 services of 1 owner" in console.run("validate", "shop.yaml").output
    again = console.run("import", "compose.yaml", "--out", "shop.yaml")
    assert again.status == 2 and "there already" in again.errors


def test_a_program_gets_a_document(console: Console) -> None:
    console.write("compose.yaml", COMPOSE)
    document = console.run("import", "compose.yaml", "--output", "json").document
    assert document["kind"] == "import"
    assert document["manifest"].startswith("# Written by")
    kinds = {finding["kind"] for finding in document["findings"]}
    assert kinds == {"must", "left", "changed", "same"}
    assert document["findings"][0]["place"] == "compose.yaml:3:5"


def test_variables_come_from_files_alone(console: Console) -> None:
    console.write("compose.yaml", COMPOSE)
    console.write("prod.env", "KEY=produced\n")
    assert "KEY: none" in console.run("import", "compose.yaml", KEY="shell").output
    assert "KEY: produced" in console.run("import", "compose.yaml", "--env-file", "prod.env").output


def test_a_variable_that_must_be_set_is_told_once(console: Console) -> None:
    asked = '"${PORT:?say which}'
    body = f'{{image: {asked}", ports: [{asked}:80"], environment: {{A: {asked}"}}}}'
    console.write("compose.yaml", f"services: {{web: {body}}}\n")
    answer = console.run("import", "compose.yaml")
    assert "for you to do (1)\n" in answer.errors
    assert "services.web.image: PORT must be set: say which" in answer.errors
    console.write(".env", "PORT=81\n")
    assert "publish: {127.0.0.1:81: 80}" in console.run("import", "compose.yaml").output


def test_a_profile_that_no_service_has_is_refused(console: Console) -> None:
    console.write("compose.yaml", "services: {a: {image: 'x:1'}}")
    answer = console.run("import", "compose.yaml", "--profile", "debgu")
    assert answer.status == 2
    assert "no service is of the profile debgu\n   leave --profile out" in answer.errors
    console.write("compose.yaml", "services: {a: {image: 'x:1', profiles: [tools, debug]}}")
    answer = console.run("import", "compose.yaml", "--profile", "debgu", "--profile", "tools")
    assert answer.status == 2
    assert "profile debgu\n   its profiles are debug, tools" in answer.errors
    for profile in ("debug", "*"):
        assert console.run("import", "compose.yaml", "--profile", profile).status == 0


def test_a_manifest_is_written_beside_its_files(console: Console) -> None:
    console.write("shop/compose.yaml", COMPOSE)
    answer = console.run("import", "shop/compose.yaml", "--out", "shop.yaml")
    assert answer.status == 2
    assert "write --out shop/shop.yaml" in answer.errors
    assert not (console.folder / "shop.yaml").exists()
    assert console.run("import", "shop/compose.yaml", "--out", "shop/shop.yaml").status == 0
    place = str(console.folder / "shop/other.yaml")
    assert console.run("import", "shop/compose.yaml", "--out", place).status == 0


def test_an_override_is_not_passed_over(console: Console) -> None:
    console.write("compose.yaml", COMPOSE)
    console.write("compose.override.yaml", "services: {web: {image: 'nginx:1'}}")
    said = console.run("import", "compose.yaml").errors
    assert "orchestr8 import compose.yaml compose.override.yaml" in said
    both = console.run("import", "compose.yaml", "compose.override.yaml")
    assert "override" not in both.errors and "image: nginx:1\n" in both.output


def test_who_applies_a_compose_file_is_told_of_import(console: Console) -> None:
    console.write("compose.yaml", "x: &a 1\n" + COMPOSE)
    answer = console.run("validate", "compose.yaml")
    assert answer.status == 2
    assert "compose.yaml:1:1: this is a Compose file, not a manifest" in answer.errors
    assert "`orchestr8 import compose.yaml` makes a manifest of it" in answer.errors
    assert "1 problem" in answer.errors


def test_a_file_that_is_no_compose_file_is_said_with_its_place(console: Console) -> None:
    os.mkfifo(console.folder / "pipe")
    for name, text, said in (
        ("a.yaml", "services: {web: [}", "a.yaml:1:"),
        ("b.yaml", "a: *x\n", "b.yaml:1:4: *x names no anchor above it"),
        ("c.yaml", "volumes: {}\n", "no services"),
        ("d.yaml", "services: {a: {extends: {service: a}}}", "goes in a circle"),
        ("e.yaml", "services: {a: {extends: {service: b}}}", "names b, which is not in e.yaml"),
        ("f.yaml", "include: [f.yaml]\nservices: {}", "f.yaml:1:11: includes in a circle"),
        ("g.yaml", "include: [no.yaml]", "g.yaml:1:11: the Compose file no.yaml is not there"),
        ("h.yaml", "services: {a: {extends: {file: no.yaml, service: a}}}", "h.yaml:1:25: the "),
        ("i.yaml", "services: {a: {image: x, profiles: [debug]}}", "again with --profile debug"),
        ("j.yaml", "web: {image: nginx}\n", "indent them below a line `services:`"),
        ("k.yaml", "orchestr8: 1\nservices: {}\n", "this is a manifest, not a Compose file"),
        ("missing.yaml", "", "missing.yaml: the Compose file is not there"),
        ("pipe", "", "pipe: the Compose file cannot be read"),
        (".", "", "the Compose file is a folder"),
    ):
        if text:
            console.write(name, text)
        answer = console.run("import", name)
        assert answer.status == 2, name
        assert said in answer.errors, (name, answer.errors)
