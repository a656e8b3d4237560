"""`enable --source --trust`: an empty machine comes under a repository that one key vouches for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.host.systemd import Units
from tests.cli.console import Answer, Console
from tests.controller.road import manifest
from tests.sources.workshop import Key, Workshop, open_ground, ssh_key


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that git's own account can come to."""
    with open_ground() as folder:
        yield folder


@pytest.fixture
def shell(ground: Path) -> Console:
    """A machine with nothing on it."""
    return Console(ground)


@pytest.fixture
def workshop(ground: Path) -> Workshop:
    """The platform's own repository."""
    return Workshop.begun(ground / "workshop")


@pytest.fixture
def ann(ground: Path) -> Key:
    """Whoever runs the machine."""
    return ssh_key(ground, "ann")


def typed(shell: Console, *words: str) -> Answer:
    """One command on the simulated engine."""
    cache = str(shell.folder / "cache")
    return shell.run(*words, ORCHESTR8_ENGINE="memory", ORCHESTR8_CACHE=cache)


def enabled(shell: Console, workshop: Workshop, key: Key, *words: str) -> Answer:
    """`enable --source … --trust …`."""
    source = ("--source", str(workshop.folder), "--trust", key.member)
    return typed(shell, "enable", *source, *words)


def platform(workshop: Workshop, ann: Key, start: str, name: str = "platform") -> str:
    """The platform's part, as its repository has it, with Ann as the owner web, too."""
    return (
        f'orchestr8: 1\nplatform:\n  members: ["{ann.member}"]\n'
        f'  owners: {{web: {{members: ["{ann.member}"]}}}}\n'
        "  sources:\n"
        f"    {name}: {{git: {workshop.folder}, path: platform, start: {start}}}\n"
        f"    web: {{git: {workshop.folder}, path: web, owner: web, start: {start}}}\n"
    )


@pytest.mark.skipif(Units().present, reason="it would enable a unit on this host")
def test_a_signed_repository_is_the_platform_from_then_on(
    shell: Console, workshop: Workshop, ann: Key
) -> None:
    start = workshop.commit({"README": "x"})
    files = {"platform/platform.yaml": platform(workshop, ann, start)}
    commit = workshop.commit(files | {"web/web.yaml": manifest("web", "front")}, ann)
    said = enabled(shell, workshop, ann, "--path", "platform")
    assert f"platform: {commit[:12]}" in said.output, said
    # here, without systemd, the last step is a person's
    assert said.status == 1
    assert "the repository is in force, but this host does not run systemd" in said.errors
    assert "serve" in said.errors
    assert typed(shell, "sync").status == 0
    sources = typed(shell, "status", "--output", "json").document["sources"]
    assert [(one["source"], one["state"]) for one in sources] == [
        ("platform", "converged"), ("web", "converged"),
    ]  # fmt: skip
    assert typed(shell, "disable", "--output", "json").document["unit"] is None
    again = enabled(shell, workshop, ann)
    assert again.status == 2
    assert "has its platform's part already, in the set platform" in again.errors


def test_a_commit_of_another_hand_begins_nothing(
    shell: Console, workshop: Workshop, ann: Key, ground: Path
) -> None:
    start = workshop.commit({"README": "x"})
    files = {"platform/platform.yaml": platform(workshop, ann, start)}
    commit = workshop.commit(files, ssh_key(ground, "eve"))
    said = enabled(shell, workshop, ann)
    assert said.status == 3
    assert f"commit {commit[:12]}: the newest commit is signed with ssh:SHA256:" in said.errors
    assert f"trusted is {ann.member}" in said.errors
    workshop.commit({"README": "y"})
    assert "the newest commit is not signed" in enabled(shell, workshop, ann).errors
    assert "nothing is applied on this machine yet" in typed(shell, "sync").errors
    assert not (shell.folder / "state").exists()


def test_a_repository_that_would_cut_itself_off_is_refused(
    shell: Console, workshop: Workshop, ann: Key
) -> None:
    start = workshop.commit({"README": "x"})
    workshop.commit({"platform/p.yaml": platform(workshop, ann, start, "rules")}, ann)
    said = enabled(shell, workshop, ann, "--path", "platform", "--output", "json")
    assert said.status == 3
    assert said.document["unit"] is None
    (source,) = said.document["sources"]
    assert "is not among the sources that it brings itself" in source["problems"][0]["what"]
    workshop.commit({"platform/p.yaml": platform(workshop, ann, start)}, ann)
    assert typed(shell, "sync", "platform").status == 0


def test_what_is_typed_wrongly_is_told_by_its_option(shell: Console, ann: Key) -> None:
    cases = {
        ("--source", "/srv/x.git"): "--source and --trust go together",
        ("--source", "/srv/x.git", "--trust", "ann"): '--trust: "ann" is no key',
        ("--source", "http://x/y", "--trust", ann.member): "--source: is fetched in the clear",
        ("--branch", "next"): "--branch, --path, --credentials and --engine go with --source",
    }
    for words, expected in cases.items():
        said = typed(shell, "enable", *words)
        assert (said.status, expected in said.errors) == (2, True), said
