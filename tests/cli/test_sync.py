"""`sync`, and what `status`, `history` and JSON say of sources, as a person types them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.console import Console
from tests.controller.road import manifest
from tests.sources.workshop import Key, Workshop, open_ground, ssh_key

MEMORY = {"ORCHESTR8_ENGINE": "memory"}


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that git's own account can come to."""
    with open_ground() as folder:
        yield folder


@pytest.fixture
def ann(ground: Path) -> Key:
    """A member of web."""
    return ssh_key(ground, "ann")


@pytest.fixture
def typed(ground: Path, ann: Key) -> tuple[Console, Workshop]:
    """A machine with one source, and the repository that it names."""
    console, workshop = Console(ground), Workshop.begun(ground / "workshop")
    start = workshop.commit({"README": "x"})
    console.write(
        "platform.yaml",
        f'orchestr8: 1\nplatform:\n  owners: {{web: {{members: ["{ann.member}"]}}}}\n'
        f"  sources: {{web: {{git: {workshop.folder}, owner: web, start: {start}}}}}\n",
    )
    environment = {**MEMORY, "ORCHESTR8_CACHE": str(ground / "cache")}
    assert console.run("apply", "platform.yaml", **environment).status == 0
    return console, workshop


def run(console: Console, *words: str) -> tuple[int, str]:
    """One command: its exit status and everything that it said."""
    said = console.run(*words, **MEMORY, ORCHESTR8_CACHE=str(console.folder / "cache"))
    return said.status, said.everything


def test_a_push_is_told_from_its_commit_to_its_boxes(
    typed: tuple[Console, Workshop], ann: Key
) -> None:
    console, workshop = typed
    assert "web     web    -         not asked yet  never" in run(console, "status")[1]
    commit = workshop.commit(
        {"web.yaml": manifest("web", "front")}, ann, message="the \x1b[2Jfront"
    )
    status, said = run(console, "sync")
    assert status == 0, said
    first = f'web: {commit[:12]} "the \\x1b[2Jfront" by Ann <ann@example.org>, signed with '
    assert first + ann.member in said
    assert "1 box started in" in said
    status, said = run(console, "sync", "web")
    assert (status, said.endswith("nothing new.\n")) == (0, True)
    said = run(console, "history", "--set", "web")[1]
    assert f"source web  sync commit {commit[:12]} by Ann <ann@example.org>, signed" in said


def test_what_is_wrong_with_a_push_is_told_at_its_line(
    typed: tuple[Console, Workshop], ann: Key
) -> None:
    console, workshop = typed
    bad = workshop.commit({"web.yaml": manifest("web", "front").replace("image", "imgae")}, ann)
    status, said = run(console, "sync")
    assert status == 2
    assert "web.yaml:4:11: unknown key" in said
    assert "4 |   front: {imgae: front:1" in said
    assert said.endswith("invalid; nothing of it is in force.\n")
    workshop.commit({"web.yaml": manifest("web", "front")}, message="quick fix")
    status, said = run(console, "sync")
    assert status == 3
    assert '"quick fix" by Ann <ann@example.org> is not signed' in said
    found = console.run("status", "--output", "json", **MEMORY).document["sources"]
    assert [(one["source"], one["state"], one["in_force"]) for one in found] == [
        ("web", "refused", None)
    ]
    assert found[0]["seen"] != bad
    assert "is not signed" in found[0]["problems"][0]["what"]
    said = run(console, "status")[1]
    assert "no service is applied on this machine yet." in said
    assert f"refused: {found[0]['seen'][:12]}" in said


def test_an_unknown_source_and_a_machine_without_any(
    typed: tuple[Console, Workshop],
) -> None:
    console, _ = typed
    assert run(console, "sync", "wbe") == (
        2, 'orchestr8: there is no source "wbe"\n   the sources are: web\n'
    )  # fmt: skip
    assert run(console, "pull") == (
        2,
        'orchestr8: there is no command "pull"\n'
        "   did you mean `orchestr8 sync`? `orchestr8 --help` lists every command\n",
    )


def test_a_pull_request_is_planned_as_markdown(typed: tuple[Console, Workshop], ann: Key) -> None:
    console, workshop = typed
    workshop.git("checkout", "-q", "-b", "feature")
    front = {"web.yaml": manifest("web", "front")}
    commit = workshop.commit(front, message="a <b>| @ann [x](http://x)")
    words = ("plan", "--source", "web", "--revision", "feature")
    status, said = run(console, *words, "--output", "markdown", "--exit-code")
    assert status == 10, said
    assert said.splitlines()[0] == (
        f'### source web, branch feature: {commit[:12]} "a &lt;b&gt;\\| &#64;ann '
        '\\[x\\](http://x)" by Ann &lt;ann&#64;example.org&gt;'
    )
    assert "|  | service | boxes | what | details | effect |" in said
    assert "| + | front.web |" in said
    assert "is not signed" in said
    status, said = run(console, *words)
    assert status == 0
    assert "Apply this:  orchestr8 sync web   (once it is merged)" in said
    assert run(console, "plan", "--source", "web", "--revision", "-x")[0] == 2
    assert run(console, "plan", "--revision", "feature")[0] == 2
    assert run(console, "plan")[0] == 2


def test_a_pull_request_shows_lowered_walls_and_what_is_wrong_as_markdown(
    typed: tuple[Console, Workshop], ann: Key
) -> None:
    console, workshop = typed
    workshop.git("checkout", "-q", "-b", "feature")
    words = ("plan", "--source", "web", "--revision", "feature", "--output", "markdown")
    front = manifest("web", "front").replace("image:", 'publish: {"0.0.0.0:8443": 80}, image:')
    workshop.commit({"web.yaml": front}, ann)
    status, said = run(console, *words)
    assert status == 0, said
    assert "\n\n- Open beyond this machine, without an edge: front.web 0.0.0.0:8443.\n" in said
    workshop.commit({"web.yaml": front.replace("publish", "pubilsh")}, ann)
    told = console.run(*words, **MEMORY, ORCHESTR8_CACHE=str(console.folder / "cache"))
    assert (told.status, told.errors) == (2, "")
    assert told.output == (
        "### 1 problem; nothing was changed.\n\n"
        '- **web.yaml:4:11**: unknown key "pubilsh" in services.front\n'
        '  - did you mean "publish"? \\`orchestr8 explain service\\` lists all keys\n'
    )


def test_a_folder_is_told_by_its_content(ground: Path) -> None:
    console, deploy = Console(ground), ground / "deploy"
    deploy.mkdir(mode=0o755)
    (deploy / "web.yaml").write_text(manifest("web", "front"))
    platform = f"  owners: {{web: {{}}}}\n  sources: {{web: {{folder: {deploy}, owner: web}}}}\n"
    console.write("platform.yaml", f"orchestr8: 1\nplatform:\n{platform}")
    assert run(console, "apply", "platform.yaml")[0] == 0
    status, said = run(console, "plan", "--source", "web", "--exit-code")
    assert (status, said.startswith("source web: content ")) == (10, True), said
    status, said = run(console, "sync")
    assert status == 0, said
    found = console.run("status", "--output", "json", **MEMORY).document["sources"][0]
    assert (found["git"], found["folder"]) == (None, str(deploy))
    content = f"content {found['in_force'][:12]} of {deploy}"
    assert f"web: {content}\n" in said
    assert f"web     web    {content}  converged" in run(console, "status")[1]
    assert f"source web  sync {content}" in run(console, "history", "--set", "web")[1]
    status, said = run(console, "plan", "--source", "web", "--revision", "feature")
    assert (status, "a folder has no branches" in said) == (2, True)
