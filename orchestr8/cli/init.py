"""`init`: a first manifest from an image."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8 import names
from orchestr8.cli.arguments import EngineName
from orchestr8.errors import UsageError

if TYPE_CHECKING:
    from orchestr8.contract.model import ImageFacts

Image = Annotated[
    str,
    typer.Argument(metavar="IMAGE", help="An image, as in nginx:1.27.", show_default=False),
]
Owner = Annotated[
    str,
    typer.Option(
        "--owner", metavar="NAME", help="Who answers for it; you, without it.", show_default=False
    ),
]
Name = Annotated[
    str,
    typer.Option(
        "--name",
        metavar="NAME",
        help="The service's name; the image's, without it.",
        show_default=False,
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


def run(
    image: Image, owner: Owner = "", name: Name = "", out: Out = "", engine: EngineName = ""
) -> int:
    """Look at an image and write a commented manifest with the fewest lines it can justify.

    The image is fetched if the engine does not have it. What the image says nothing about is
    listed at the end of the manifest.
    """
    from orchestr8.cli.drafting import draft, owner_from, service_from

    reference = _reference(image)
    login = os.environ.get("SUDO_USER") or os.environ.get("USER") or ""
    owner_name = _named(owner, names.OWNER_LENGTH_MAX) or owner_from(login)
    service = _named(name, names.SERVICE_LENGTH_MAX) or service_from(reference)
    facts = _facts(reference, engine)
    text = draft(facts, owner_name, service, out or f"{service}.yaml")
    if not out:
        print(text, end="")
        return 0
    _write(out, text)
    from orchestr8.cli.terminal import escaped, say
    from orchestr8.cli.texts import typed

    say(f"{escaped(out)} is written. Read it, then:  orchestr8 plan {typed([out])}")
    return 0


def _reference(image: str) -> str:
    from orchestr8.manifest.images import image as read_image

    try:
        return read_image(image)
    except ValueError as error:
        what, _, remedy = str(error).partition("; ")
        raise UsageError(f'the image "{image}": {what}', remedy) from error


def _named(name: str, length_most: int) -> str:
    reason = names.name_problem(name, length_most) if name else None
    if reason:
        raise UsageError(f'"{name}": {reason}')
    return name


def _facts(reference: str, engine: str) -> ImageFacts:
    from orchestr8.cli.opening import opened_to_look

    with opened_to_look(engine) as session:
        images = session.borders.images
        found = images.resolve(reference)
        if found is None:
            print(f"fetching {reference} …", file=sys.stderr)
            found = images.fetch(reference)
        return found


def _write(out: str, text: str) -> None:
    try:
        with Path(out).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f"{out} is there already, and is left as it is", "name another file"
        ) from None
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from error
