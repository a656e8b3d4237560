"""`init`: a first manifest from an image."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8 import names
from orchestr8.cli.arguments import EngineName, Out, Output, OutputAs, OwnerName
from orchestr8.errors import UsageError

if TYPE_CHECKING:
    from orchestr8.contract.model import ImageFacts

Image = Annotated[
    str,
    typer.Argument(metavar="IMAGE", help="An image, as in nginx:1.27.", show_default=False),
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


def run(
    image: Image,
    owner: OwnerName = "",
    name: Name = "",
    out: Out = "",
    engine: EngineName = "",
    output: OutputAs = Output.TEXT,
) -> int:
    """Look at an image and write a commented manifest with the fewest lines it can justify.

    The image is fetched if the engine does not have it. What the image says nothing about is
    listed at the end of the manifest.
    """
    from orchestr8.cli.drafting import draft, service_from
    from orchestr8.cli.new_manifest import checked_name, owner_named, write_new

    reference = _reference(image)
    owner_name = owner_named(owner)
    service = checked_name(name, names.SERVICE_LENGTH_MAX) or service_from(reference)
    facts, taken = _look(reference, engine)
    text = draft(facts, owner_name, service, out or f"{service}.yaml", taken)
    if out:
        write_new(out, text)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        document = {"manifest": text, "owner": owner_name, "service": service}
        print_document("init", file=out or None, **document)
        return 0
    if not out:
        print(text, end="")
        return 0
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


def _look(reference: str, engine: str) -> tuple[ImageFacts, set[int]]:
    """What the image says, and the ports of this host that somebody has."""
    from orchestr8.cli.opening import opened_to_look

    with opened_to_look(engine) as session:
        images = session.borders.images
        found = images.resolve(reference)
        if found is None:
            print(f"fetching {reference} …", file=sys.stderr)
            found = images.fetch(reference)
        services = session.stored.fleet.services().values()
        published = {one.host_port for service in services for one in service.publish}
        return found, published | {port for _, port in session.borders.network.listeners()}
