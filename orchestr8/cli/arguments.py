"""The arguments and options that several verbs share, each declared once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from orchestr8 import names, units
from orchestr8.cli import completions
from orchestr8.errors import UsageError

DEFAULT_SET = "default"


class Output(StrEnum):
    """How facts are printed."""

    TEXT = "text"
    JSON = "json"


Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Manifests: files, folders (with their sub-folders), or - for standard input.",
        show_default=False,
    ),
]
SetName = Annotated[
    str,
    typer.Option(
        "--set",
        metavar="NAME",
        help="The set that these manifests are. What a set no longer names is released; "
        "the set `default` only gains.",
        autocompletion=completions.sets,
    ),
]
PathsOrNone = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="Manifests: files, folders (with their sub-folders), or - for standard input.",
        show_default=False,
    ),
]
SetOrNone = Annotated[
    str | None,
    typer.Option(
        "--set",
        metavar="NAME",
        help="The set that these manifests are. What a set no longer names is released; "
        "the set `default` only gains.",
        show_default=False,
        autocompletion=completions.sets,
    ),
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait",
        help="Wait while another orchestr8 changes this machine, as long as --timeout says.",
        show_default=False,
    ),
]
SetToStop = Annotated[
    str,
    typer.Option(
        "--set",
        metavar="NAME",
        help="The set whose boxes are meant.",
        autocompletion=completions.sets,
    ),
]
SetGoingBack = Annotated[
    str,
    typer.Option(
        "--set", metavar="NAME", help="The set that goes back.", autocompletion=completions.sets
    ),
]
SetLookedAt = Annotated[
    str | None,
    typer.Option(
        "--set",
        metavar="NAME",
        help="The set that is meant; all of them without it.",
        show_default=False,
        autocompletion=completions.sets,
    ),
]
Expect = Annotated[
    int | None,
    typer.Option(
        "--expect",
        metavar="REVISION",
        min=0,
        help="The set's revision that this was made against, 0 for none: refused (exit status 3) "
        "where it is another by now.",
        show_default=False,
    ),
]
OutputAs = Annotated[
    Output, typer.Option("--output", help="Text for people, or JSON with a versioned schema.")
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="docker, crun, or memory for a look without a host; else what was chosen before.",
        show_default=False,
    ),
]
OwnerName = Annotated[
    str,
    typer.Option(
        "--owner", metavar="NAME", help="Who answers for it; you, without it.", show_default=False
    ),
]
Out = Annotated[
    str,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write it to a new file; to standard output, without it.",
        show_default=False,
    ),
]
Pull = Annotated[
    bool, typer.Option("--pull", help="Ask anew what the images' tags mean.", show_default=False)
]
Timeout = Annotated[
    str, typer.Option("--timeout", metavar="TIME", help="How long the whole may take, as in 90s.")
]
ServiceName = Annotated[
    str,
    typer.Argument(
        metavar="SERVICE",
        help="A service, as in api.payments.",
        show_default=False,
        autocompletion=completions.services,
    ),
]
ServiceNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SERVICE",
        help="Services, as in api.payments; all of them without one.",
        show_default=False,
        autocompletion=completions.services,
    ),
]
BoxName = Annotated[
    str,
    typer.Argument(
        metavar="SERVICE|SLOT.SERVICE",
        help="A service, as in api.payments, or one of its boxes, as in 0.api.payments.",
        show_default=False,
        autocompletion=completions.services,
    ),
]


def checked_set(name: str) -> str:
    """A set's name; raises UsageError."""
    reason = None if name == DEFAULT_SET else names.name_problem(name)
    if reason:
        raise UsageError(f'"{name}" cannot name a set: {reason}', "write --set shop")
    return name


def checked_timeout(text: str) -> int:
    """A time in milliseconds; raises UsageError."""
    try:
        timeout_ms = units.parse_time(text)
    except ValueError as error:
        raise UsageError(f"--timeout: {error}", "write --timeout 10m") from error
    if not 0 < timeout_ms <= 86_400_000:
        raise UsageError(f'--timeout: "{text}" is out of range: above 0 and at most 1d')
    return timeout_ms
