"""`import`: a manifest from a Compose file, and a list of what it does not carry."""

from __future__ import annotations

import os
import posixpath
import stat
import sys
from typing import Annotated

import typer

from orchestr8.cli.arguments import Out, Output, OutputAs, OwnerName
from orchestr8.errors import ManifestError, Problem, UsageError
from orchestr8.importing.model import Absent, Imported, Kind, Project
from orchestr8.manifest.text import FILE_BYTES_MAX

ComposeFiles = Annotated[
    list[str],
    typer.Argument(
        metavar="COMPOSE_FILE",
        help="A Compose file; more of them are laid over it in their order.",
        show_default=False,
    ),
]
Profiles = Annotated[
    list[str] | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Import the services of this profile as well; may be given several times.",
        show_default=False,
    ),
]
EnvFile = Annotated[
    str,
    typer.Option(
        "--env-file",
        metavar="FILE",
        help="Variables for ${…}, before those of the .env beside the Compose file.",
        show_default=False,
    ),
]


def run(
    files: ComposeFiles,
    owner: OwnerName = "",
    profile: Profiles = None,
    env_file: EnvFile = "",
    out: Out = "",
    output: OutputAs = Output.TEXT,
) -> int:
    """Write a manifest from a Compose file, and say what it does not carry, and why.

    Nothing is dropped without a word: each key is carried, or listed with the nearest thing that
    there is. Variables come from .env and --env-file alone, so that equal files give equal text.
    With standard output for the manifest, the list goes to standard error.
    """
    from orchestr8.cli.new_manifest import owner_named, write_new
    from orchestr8.importing.compose import imported

    project = Project(
        tuple(files),
        owner_named(owner),
        read_beside,
        frozenset(profile or ()),
        _variables(env_file),
    )
    manifest = _manifest_for(files[0], out)
    try:
        found = imported(project, manifest)
    except ManifestError as error:
        raise ManifestError(_with_lines(error)) from error
    if output is Output.JSON:
        _print_json(found)
    elif not out:
        print(found.text, end="")
        sys.stdout.flush()
    if out:
        write_new(out, found.text)
    if output is Output.TEXT:
        _print_findings(found, out)
    return 0


def read_beside(path: str) -> bytes | Absent:
    """A file that a Compose file names; at most a byte more than a file of a manifest may have."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return Absent.MISSING
    except (OSError, ValueError):
        return Absent.UNREADABLE
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind):
        os.close(descriptor)
        return Absent.FOLDER if stat.S_ISDIR(kind) else Absent.UNREADABLE
    with os.fdopen(descriptor, "rb") as file:
        return file.read(FILE_BYTES_MAX + 1)


def _manifest_for(file: str, out: str) -> str:
    """What the manifest is called in its own text; its files are beside it and the Compose file."""
    if not out:
        return "MANIFEST.yaml"
    folder, beside = (posixpath.abspath(posixpath.dirname(one)) for one in (out, file))
    if folder != beside:
        raise UsageError(
            f"{out} is not beside {file}, and a manifest's files are read beside it",
            f"write --out {posixpath.join(posixpath.dirname(file), posixpath.basename(out))}",
        )
    return out


def _variables(env_file: str) -> dict[str, str]:
    if not env_file:
        return {}
    from orchestr8.importing.variables import WrongVariableError, read_env_file
    from orchestr8.manifest.text import decode

    content = read_beside(env_file)
    if isinstance(content, Absent):
        raise UsageError(f"{env_file} {content.value}", "name a file of NAME=value lines")
    try:
        found = read_env_file(decode(env_file, content).text, {})
    except WrongVariableError as error:
        raise UsageError(f"{env_file}: {error}", "write NAME=value lines") from error
    return {name: value for name, value in found.items() if value is not None}


def _with_lines(error: ManifestError) -> tuple[Problem, ...]:
    from orchestr8.manifest.model import Source
    from orchestr8.manifest.problems import with_sources
    from orchestr8.manifest.text import decode

    sources: list[Source] = []
    for name in sorted({problem.place.file for problem in error.problems}):
        content = read_beside(name)
        try:
            sources += [] if isinstance(content, Absent) else [decode(name, content)]
        except ManifestError:
            continue  # the problem is that it cannot be decoded
    return with_sources(error.problems, sources)


def _print_findings(found: Imported, out: str) -> None:
    from orchestr8.cli.texts import typed
    from orchestr8.importing.show import shown

    stream = sys.stdout if out else sys.stderr
    if found.findings:
        print(shown(found.findings), file=stream)
    if out:
        owed = sum(one.kind is Kind.MUST for one in found.findings)
        then = "Do what is for you to do" if owed else "Read it"
        print(f"\n{out} is written. {then}, then:  orchestr8 plan {typed([out])}", file=stream)


def _print_json(found: Imported) -> None:
    from orchestr8.cli.document import print_document

    print_document(
        "import",
        manifest=found.text,
        findings=[
            {
                "kind": one.kind.name.lower(),
                "place": one.place,
                "key": one.path,
                "what": one.what,
                "nearest": one.nearest,
            }
            for one in found.findings
        ],
    )
