"""`adopt`: a lost store begins anew with the boxes that run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import DEFAULT_SET, EngineName, Output, OutputAs

if TYPE_CHECKING:
    from orchestr8.controller.adopt import Adopted

InstallationId = Annotated[
    str,
    typer.Option(
        "--installation",
        metavar="ID",
        help="Which installation, where several left boxes on this engine.",
        show_default=False,
    ),
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes", help="Put a damaged store aside; nothing is deleted.", show_default=False
    ),
]


def run(
    installation: InstallationId = "",
    yes: Yes = False,
    engine: EngineName = "",
    output: OutputAs = Output.TEXT,
) -> int:
    """Take the boxes of a lost store over, by what they carry. No box is touched.

    Boxes and volumes say whose they are: installation, set, service, declaration, uid range and
    addresses. What only the store knew is lost, and is named. Afterwards apply the manifests
    again: where they are as they were, that changes nothing.
    """
    from orchestr8.cli.opening import opened_beside
    from orchestr8.controller.adopt import adopt

    with opened_beside(engine) as (settings, looking):
        adopted = adopt(settings, looking, installation, move_damaged=yes)
    if output is Output.JSON:
        _print_json(adopted)
    else:
        _print_text(adopted)
    return 0


def _print_text(adopted: Adopted) -> None:
    from orchestr8.cli.terminal import count, say, table

    boxes = count(len(adopted.boxes), "box", "boxes")
    volumes = count(len(adopted.volumes), "volume")
    say(f"adopted {boxes} and {volumes} of installation {adopted.installation}; none was touched.")
    services = [(name, of_set) for of_set, names in adopted.sets.items() for name in names]
    rows = [["SERVICE", "OWNER", "SET", "BOXES"]]
    for name, of_set in services:
        own = [box for box in adopted.boxes if box.id.service_name == name]
        rows.append([str(name), name.owner, of_set, ", ".join(str(box.id) for box in own)])
    if services:
        say()
        for line in table(rows):
            say(line)
    say()
    for line in _lost(adopted):
        say(line)
    for line in _next(adopted):
        say(line)


def _lost(adopted: Adopted) -> list[str]:
    """What nobody can bring back, and what that means."""
    lines = []
    if adopted.store_was_lost:
        lines = [
            "lost with the store: the manifests and their revisions, the journal, holds and values "
            "set by hand, restart histories.",
        ]
    if adopted.quotas:
        owners = ", ".join(adopted.quotas)
        lines.append(
            f"quotas stand in the kernel for {owners}: apply the platform's part first, or the "
            "first apply takes them away."
        )
    if adopted.key_lost:
        lines.append(
            "lost, too: the key of the hashes of files and secrets; boxes that have some are "
            "replaced by the next apply."
        )
    if adopted.strays:
        ids = ", ".join(map(str, adopted.strays))
        lines.append(
            f"lost with the state folder: images, volumes, and all that is kept of {ids}; the next "
            "apply replaces them."
        )
    if adopted.unreadable:
        ids = ", ".join(map(str, adopted.unreadable))
        lines.append(f"the declarations of {ids} cannot be read: the next apply replaces them.")
    if adopted.damaged:
        lines.append(f"the damaged store lies in {adopted.damaged} now.")
    return lines


def _next(adopted: Adopted) -> list[str]:
    """What to type: each set's manifests again."""
    if not adopted.sets:
        return ["type next:  orchestr8 status"]
    lines = []
    if len(adopted.strays) < len(adopted.boxes):
        lines.append(
            "until their manifests are applied again these boxes run on as they are, and nothing "
            "heals or changes them."
        )
    lines.append("type next, each with the manifests that it was applied with:")
    for set_name in adopted.sets:
        of_set = "" if set_name == DEFAULT_SET else f" --set {set_name}"
        aside = "" if adopted.strays else "   # nothing to do where they are as they were"
        lines.append(f"  orchestr8 plan PATH{of_set}{aside}")
        lines.append(f"  orchestr8 apply PATH{of_set}")
    return lines


def _print_json(adopted: Adopted) -> None:
    from orchestr8.cli.document import print_document

    print_document(
        "adopted",
        installation=adopted.installation,
        sets=adopted.sets,
        boxes=[
            {"id": box.id, "service": box.id.service_name, "set": box.set_name, "slot": box.slot}
            for box in adopted.boxes
        ],
        volumes=[volume.name for volume in adopted.volumes],
        unreadable=adopted.unreadable,
        strays=adopted.strays,
        quotas_in_the_kernel=adopted.quotas,
        damaged_store=str(adopted.damaged) if adopted.damaged else None,
        key_lost=adopted.key_lost,
        store_was_lost=adopted.store_was_lost,
    )
