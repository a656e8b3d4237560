"""`image`: what the crun engine's store of images holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import EngineName, Output, OutputAs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestr8.controller.session import Session
    from orchestr8.engines.image_store import HeldImage, ImageStore

Archive = Annotated[
    str,
    typer.Argument(
        metavar="FILE|docker-daemon:NAME",
        help="An archive of `docker save`, an OCI layout, or an image of a Docker Engine here.",
        show_default=False,
    ),
]
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME|ID",
        help="As in name:tag, or an id as `image ls` shows it.",
        show_default=False,
    ),
]
NewName = Annotated[
    str,
    typer.Option("--name", help="What to call it; else as the archive does.", show_default=False),
]


def ls(engine: EngineName = "", output: OutputAs = Output.TEXT) -> int:
    """List the images that are on this machine, and the boxes that run them."""
    from orchestr8.cli.opening import opened_to_look
    from orchestr8.cli.terminal import escaped, say, table
    from orchestr8.units import rounded_size

    with opened_to_look(engine) as session:
        found = _store(session).held()
        used = _users(session)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document(
            "images",
            images=[
                {"name": one.reference, "id": one.id, "bytes": one.size_bytes,
                 "boxes": used.get(one.id, [])}
                for one in found
            ],
        )  # fmt: skip
        return 0
    if not found:
        say("no image is here; an apply fetches what it needs.")
        return 0
    rows = [
        [escaped(one.reference), _short(one.id), rounded_size(one.size_bytes),
         str(len(used.get(one.id, [])))]
        for one in found
    ]  # fmt: skip
    for line in table([["IMAGE", "ID", "SIZE", "BOXES"], *rows]):
        say(line)
    return 0


def take(
    archive: Archive, name: NewName = "", engine: EngineName = "", output: OutputAs = Output.TEXT
) -> int:
    """Take images into the store, from an archive or a Docker Engine of this machine.

    What is there already is left alone. An apply fetches images from registries by itself, with the
    logins of `skopeo login` and `docker login`.
    """
    from orchestr8.cli.opening import opened
    from orchestr8.cli.terminal import escaped, say

    with opened(engine) as session:
        taken = _store(session).take_archive(archive, name)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        images = [{"name": one.reference, "id": one.id} for one in taken]
        print_document("images taken", images=images)
        return 0
    for facts in taken:
        say(f"{escaped(facts.reference)}  {_short(facts.id)}")
    return 0


def rm(name: Name, engine: EngineName = "", output: OutputAs = Output.TEXT) -> int:
    """Forget an image, by a name of it or with all its names by its id; one that a box runs is
    kept."""
    from orchestr8.cli.opening import opened
    from orchestr8.cli.terminal import escaped, say
    from orchestr8.errors import RejectedError, UsageError

    with opened(engine) as session:
        store = _store(session)
        meant = _meant(store.held(), name)
        if not meant:
            raise UsageError(f"there is no image {name}", "`orchestr8 image ls` lists all")
        boxes = _users(session).get(meant[0].id, [])
        if boxes:
            raise RejectedError(
                f"box {boxes[0]} runs the image {name}", "it can go when no box runs it"
            )
        for one in meant:
            store.forget(one.reference)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("images forgotten", names=[one.reference for one in meant])
        return 0
    for one in meant:
        say(f"{escaped(one.reference)} is forgotten.")
    say("`orchestr8 image gc` deletes what has no name any more and no box runs.")
    return 0


def gc(engine: EngineName = "", output: OutputAs = Output.TEXT) -> int:
    """Delete the images that have no name any more and that no box runs, and what fetches that
    broke off left."""
    from orchestr8.cli.opening import opened
    from orchestr8.cli.terminal import count, say
    from orchestr8.units import rounded_size

    with opened(engine) as session:
        gone = _store(session).collect(frozenset(_users(session)))
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("images deleted", images=len(gone), freed_bytes=sum(gone))
        return 0
    say(f"{count(len(gone), 'image')} deleted, {rounded_size(sum(gone))} freed.")
    return 0


def _store(session: Session) -> ImageStore:
    from orchestr8.engines.image_store import ImageStore
    from orchestr8.errors import RejectedError

    images = session.borders.images
    if not isinstance(images, ImageStore):
        raise RejectedError(
            f"the engine {session.choice.engine} keeps its images itself",
            "use its own commands, such as `docker image ls`",
        )
    return images


def _meant(held: Sequence[HeldImage], name: str) -> list[HeldImage]:
    """The one of this name, else those of this id, which may be as short as it is listed."""
    named = [one for one in held if one.reference == name]
    return named or [one for one in held if name in (one.id, _short(one.id))]


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]


def _users(session: Session) -> dict[str, list[str]]:
    """The boxes by the id of the image that they run."""
    found: dict[str, list[str]] = {}
    for box in session.borders.boxes.observe().boxes:
        if box.spec:
            found.setdefault(box.spec.image_id, []).append(str(box.id))
    return found


COMMANDS = {"ls": ls, "import": take, "rm": rm, "gc": gc}
