"""Documents name what exists: links, verbs, decision records."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestr8.cli.verbs import OF_OTHER_TOOLS, VERBS
from tests.house import ROOT, docs, repository_files

ARCHITECTURE_LINES_MOST = 60


def named(path: Path) -> str:
    """A file as messages name it."""
    return str(path.relative_to(ROOT))


DOCUMENTS = repository_files("*.md")
TYPED = repository_files("*.sh", "examples/*.yaml", "manifests/*.yaml", ".ci/*", "Makefile")
MODULES = repository_files("orchestr8/*.py")


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_lead_somewhere(document: Path) -> None:
    assert list(docs.broken_links(document, document.read_text("utf-8"))) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_documents_name_verbs_that_exist(document: Path) -> None:
    code = docs.code_of(document.read_text("utf-8"))
    assert docs.unknown(docs.verbs_typed(code), VERBS) == []


@pytest.mark.parametrize("path", TYPED, ids=named)
def test_scripts_and_examples_type_verbs_that_exist(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    shown = [line.removeprefix("show ") for line in lines if line.startswith("show ")]
    typed = docs.verbs_typed([*lines, *(f"orchestr8 {line}" for line in shown)])
    prose = {"command", "is", "of", "proves", "needs", "with", "makes", "gives", "can", "runs"}
    assert docs.unknown(typed, {*VERBS, *prose}) == []


def test_messages_name_verbs_that_exist() -> None:
    found = {
        f"{named(path)}: orchestr8 {verb}"
        for path in MODULES
        for verb in docs.verbs_in_messages(path.read_text("utf-8"))
        if verb not in VERBS
    }
    assert found == set()


def test_verbs_of_other_tools_lead_to_ours() -> None:
    assert {verb for verb in OF_OTHER_TOOLS.values() if not verb.startswith("-")} <= set(VERBS)
    assert set(OF_OTHER_TOOLS) & set(VERBS) == set()


def test_decision_records_that_are_named_exist() -> None:
    records = {path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")}
    assert len(records) == len(list((ROOT / "docs" / "decisions").glob("*.md")))
    for path in (*DOCUMENTS, *MODULES):
        missing = set(docs.decisions_named(path.read_text("utf-8"))) - records
        assert missing == set(), named(path)


def test_decision_records_have_a_status() -> None:
    for path in (ROOT / "docs" / "decisions").glob("*.md"):
        assert "Status: " in path.read_text("utf-8"), named(path)


def test_the_architecture_fits_a_page() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert len(text.splitlines()) < ARCHITECTURE_LINES_MOST


def test_the_architecture_names_every_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    packages = {path.parent.name for path in (ROOT / "orchestr8").glob("*/__init__.py")}
    assert {name for name in packages if f"`{name}/`" not in text} == set()


def test_every_verb_has_a_module() -> None:
    folder = ROOT / "orchestr8" / "cli"
    assert [
        name for name, verb in VERBS.items() if not (folder / f"{verb.module}.py").exists()
    ] == []


def test_the_rules_see_what_they_are_for() -> None:
    here = ROOT / "README.md"
    assert list(docs.broken_links(here, "[a](docs/no-such.md) [b](docs/architecture.md#x)")) == [
        "docs/no-such.md"
    ]
    text = "see `orchestr8 fly`\n```\n$ orchestr8 swim x\n```\norchestr8 makes things"
    assert list(docs.verbs_typed(docs.code_of(text))) == ["fly", "swim"]
    assert list(docs.verbs_typed(["sudo .venv/bin/orchestr8 walk"])) == ["walk"]
    assert list(docs.verbs_in_messages('"""  orchestr8 no."""\nx = f"do: orchestr8 run {y}"')) == [
        "run"
    ]
    assert list(docs.verbs_in_messages('def f():\n    """`orchestr8 no`"""')) == []
    assert list(docs.verbs_in_messages('x = "another orchestr8 is here"')) == []
    assert list(docs.verbs_in_messages('x = "type `orchestr8 sing`"')) == ["sing"]
    assert docs.decisions_named("see decisions/0042") == ["0042"]
