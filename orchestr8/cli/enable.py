"""`enable`: boxes come back after a reboot, or are kept from boot on, by git if that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import EngineName, Output, OutputAs, checked_timeout
from orchestr8.errors import Exit, FeatureMissingError, UsageError

if TYPE_CHECKING:
    from orchestr8.controller.bootstrap import FirstTrust
    from orchestr8.controller.session import Session
    from orchestr8.manifest.model import DeclaredSource

Serve = Annotated[
    bool,
    typer.Option(
        "--serve",
        help="The server: boxes come back at boot, and are healed and proved from then on.",
        show_default=False,
    ),
]
SourceUrl = Annotated[
    str,
    typer.Option(
        "--source",
        metavar="URL",
        help="The platform's own git repository, for a machine that has nothing yet; with --trust. "
        "Its newest commit is applied now, and --serve is meant.",
        show_default=False,
    ),
]
Trust = Annotated[
    str,
    typer.Option(
        "--trust",
        metavar="KEY",
        help="The key that has signed that repository's newest commit: ssh:SHA256:… or gpg:…",
        show_default=False,
    ),
]
Branch = Annotated[
    str, typer.Option("--branch", metavar="NAME", help="The branch of it that counts.")
]
RepositoryPath = Annotated[
    str,
    typer.Option(
        "--path",
        metavar="FOLDER",
        help="The folder of it that has the platform's manifests.",
        show_default="all of it",
    ),
]
Credentials = Annotated[
    str,
    typer.Option(
        "--credentials",
        metavar="NAME",
        help="A file in /etc/orchestr8/secrets/platform/: a private key for ssh, USER:PASSWORD or "
        "a token for https.",
        show_default="none",
    ),
]


def run(
    serve: Serve = False,
    url: SourceUrl = "",
    trust: Trust = "",
    branch: Branch = "main",
    path: RepositoryPath = "",
    credentials: Credentials = "",
    engine: EngineName = "",
    output: OutputAs = Output.TEXT,
) -> int:
    """Have systemd bring back what was applied: at boot, and whenever the engine starts.

    A unit runs `orchestr8 apply` without a path: the stored revision of every set that is not
    down. A box runs once, so each slot gets a fresh one. With --serve it runs `orchestr8 serve`
    instead, which does the same and goes on. Nothing is started now. Where there is no systemd,
    nothing is written, and what to do instead is printed (exit status 1).

    With --source and --trust an empty machine is run by git from now on: the repository's newest
    commit, which the trusted key has signed, is applied as the platform's part; it names owners
    and their sources, and who signs from then on.
    """
    from orchestr8.cli.asking import settings_for
    from orchestr8.cli.document import print_document
    from orchestr8.cli.opening import opened, opened_fleet, require_not_lost
    from orchestr8.controller.bootstrap import trusted_source

    if not (url or trust):
        if engine or credentials or path or branch != "main":
            raise UsageError(
                "--branch, --path, --credentials and --engine go with --source",
                "write --source URL --trust KEY, or leave them out",
            )
        with opened_fleet() as session:
            return _enable(session, output, serve=serve)
    first = _first_trust(url, trust, branch, path, credentials)
    require_not_lost(engine)
    source = trusted_source(settings_for(engine), first)  # before there is even a state folder
    with opened(engine) as session:
        status, sources = _bootstrap(session, source, trust, output)
        if status:
            if output is Output.JSON:
                print_document("enabled", unit=None, sources=sources)
            return status
        try:
            return _enable(session, output, serve=True, sources=sources)
        except FeatureMissingError as error:
            what = "the repository is in force, but this host does not run systemd: no unit"
            raise FeatureMissingError(f"{what} was written", error.remedy) from error


def _first_trust(url: str, key: str, branch: str, path: str, credentials: str) -> FirstTrust:
    """What was typed, as a manifest would have it; raises UsageError."""
    from orchestr8.controller.bootstrap import FirstTrust
    from orchestr8.manifest import repository

    if not (url and key):
        raise UsageError(
            "--source and --trust go together",
            "write --source URL --trust KEY; `ssh-keygen -lf KEY.pub` prints a key's SHA256:…, "
            "and ssh:SHA256:… is how it is named",
        )
    return FirstTrust(
        _read(repository.git_url, url, "--source"),
        _read(repository.key, key, "--trust"),
        _read(repository.branch, branch, "--branch"),
        _read(repository.path, path, "--path") if path else "",
        credentials,
    )


def _read(reader: Callable[[str], str], text: str, option: str) -> str:
    try:
        return reader(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _bootstrap(
    session: Session, source: DeclaredSource, key: str, output: Output
) -> tuple[Exit, list[dict[str, object]]]:
    """The repository is applied; the exit status, and for a program what came of it."""
    from orchestr8.cli.synced import as_json, exit_of, print_synced
    from orchestr8.cli.watching import watching
    from orchestr8.controller.bootstrap import bootstrap

    with watching(output) as watcher:
        synced = bootstrap(session, source, key, watcher, checked_timeout("10m"))
    if output is Output.JSON:
        return exit_of(synced), [as_json(session, synced, watcher)]
    print_synced(session, synced, watcher)
    return exit_of(synced), []


def _enable(
    session: Session, output: Output, *, serve: bool, sources: Sequence[dict[str, object]] = ()
) -> int:
    from orchestr8.cli.document import print_document
    from orchestr8.cli.terminal import say
    from orchestr8.controller.boot import enable
    from orchestr8.host.systemd import Units

    engine = session.choice.engine
    enabled = enable(session, Units(), serve=serve)
    unit, path, command = enabled.unit, enabled.path, enabled.command
    if output is Output.JSON:
        print_document(
            "enabled", unit=unit, path=path, command=command, serve=serve, sources=sources
        )
        return 0
    if serve:
        say(f"enabled: systemd runs the server from the next boot on ({path}).")
        say(f"it runs:     {command}")
        say(f"start it:    systemctl start {unit}; journalctl -fu {unit}")
        return 0
    when = "at boot, and whenever Docker starts" if engine == "docker" else "at boot"
    say(f"enabled: systemd brings the boxes back {when} ({path}).")
    say(f"it runs:     {command}")
    say(f"try it now:  systemctl start {unit}; journalctl -u {unit}")
    return 0
