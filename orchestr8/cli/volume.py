"""`volume`: what data there is, copies of it, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli import completions
from orchestr8.cli.arguments import Output, OutputAs
from orchestr8.cli.reach import reach
from orchestr8.cli.terminal import say
from orchestr8.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestr8.boxes.world import ObservedCopy
    from orchestr8.controller.volumes import VolumeStatus

VolumeName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A volume, as in ledger.payments; of a further replica 1.ledger.payments.",
        show_default=False,
        autocompletion=completions.volumes,
    ),
]
NewCopy = Annotated[
    str, typer.Argument(metavar="NEW", help="The copy's name; the time without one.")
]
CopyName = Annotated[
    str,
    typer.Argument(
        metavar="COPY",
        help="A copy of it, or VOLUME@COPY, a copy of the same owner's other volume.",
        show_default=False,
    ),
]
Doomed = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A volume, or VOLUME@COPY, a copy of one.", show_default=False
    ),
]
Typed = Annotated[
    str,
    typer.Option(
        "--name", metavar="NAME", help="The name once more, where nobody is there to type it.",
        show_default=False,
    ),
]  # fmt: skip


def ls(output: OutputAs = Output.TEXT) -> int:
    """List every volume: whose it is, how large, and who has it since when; and every copy.

    An orphan is a volume that no set declares; its data stays until somebody deletes it.
    """
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.controller.volumes import volumes

    with opened_fleet() as session:
        found, copies = volumes(session)
    if output is Output.JSON:
        _print_json(found, copies)
    else:
        _print_text(found, copies)
    return 0


def copy(name: VolumeName, new: NewCopy = "", output: OutputAs = Output.TEXT) -> int:
    """Copy a volume as it is at one moment, before a risky change for instance.

    Nothing is stopped: what writes to the volume is held still and goes on afterwards. The copy is
    what a power cut at that moment would have left, so a database recovers from it as from one.
    """
    from datetime import UTC, datetime

    from orchestr8.cli.opening import opened_fleet
    from orchestr8.controller.volumes import copy_volume, copy_written

    label = new or f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    with opened_fleet() as session:
        made = copy_volume(session, name, label)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("volume copy", volume=name, copy=made.label, made_ms=made.made_ms)
        return 0
    say(f"copied: {copy_written(made)}")
    say(f"it comes back with `orchestr8 volume restore {name} {made.label}`")
    return 0


def restore(name: VolumeName, copy: CopyName, output: OutputAs = Output.TEXT) -> int:
    """Put a copy in the place of what a volume holds now, which is gone then.

    No box may have the volume: `orchestr8 down` first. The old content stays until the new one is
    whole. Copy the volume before, if what it holds now may be wanted again.
    """
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.controller.volumes import copy_written, restore_volume, volume_named

    with opened_fleet() as session:
        found = restore_volume(session, name, copy)
        set_name = volume_named(session, name).set_name
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document(
            "volume restored", volume=name, copy=copy_written(found), set=set_name or None
        )
        return 0
    say(f"{name} is as {copy_written(found)} has it.")
    if set_name:
        say(f"`orchestr8 apply --set {set_name}` starts its boxes again.")
    return 0


def delete(name: Doomed, typed: Typed = "", output: OutputAs = Output.TEXT) -> int:
    """Delete a volume and its data, or a copy. Nothing else ever does.

    The name is typed once more, at the prompt or with --name. A volume that a box has is refused.
    Copies of a volume stay when it goes.
    """
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.controller.volumes import delete_volume, discard_copy, volume_named

    with opened_fleet() as session:
        if "@" not in name:
            volume_named(session, name)
        _require_typed(name, typed)
        if "@" in name:
            discard_copy(session, name)
        else:
            delete_volume(session, name)
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document("volume deleted", name=name)
    else:
        say(f"{name} is deleted")
    return 0


COMMANDS = {"ls": ls, "copy": copy, "restore": restore, "delete": delete}


def _require_typed(name: str, typed: str) -> None:
    question = f"this deletes {name} and all that is in it. Type its name to go on: "
    typed = typed or reach().typed(question)
    if typed != name:
        said = f'"{typed}" is not {name}' if typed else "the name was not typed once more"
        raise UsageError(
            f"nothing is deleted: {said}", f"orchestr8 volume delete {name} --name {name}"
        )


def _print_text(found: Sequence[VolumeStatus], copies: Sequence[ObservedCopy]) -> None:
    from orchestr8.cli.terminal import table, when
    from orchestr8.controller.volumes import copy_written

    if not found and not copies:
        say("there are no volumes.")
        return
    rows = [["VOLUME", "OWNER", "SET", "SIZE", "USED", "HAD BY", "SINCE (UTC)"]]
    for one in found:
        first, *more = _users(one) or [("nobody", "")]
        rows.append(
            [
                one.name, one.volume.owner, one.set_name or "- (orphan)",
                _size(one.volume.size_bytes, "no limit"), _size(one.used_bytes, "?"), *first,
            ]
        )  # fmt: skip
        rows += [["", "", "", "", "", *user] for user in more]
    for line in table(rows) if found else ():
        say(line)
    if copies:
        if found:
            say()
        rows = [["COPY", "SIZE", "MADE (UTC)"]]
        rows += [
            [copy_written(one), _size(one.size_bytes, "no limit"), when(one.made_ms)]
            for one in copies
        ]
        for line in table(rows):
            say(line)
    orphans = [one.name for one in found if not one.set_name]
    if orphans:
        told = "1 volume is an orphan: no set declares it, and its data stays"
        if orphans[1:]:
            told = f"{len(orphans)} volumes are orphans: no set declares them, and their data stay"
        say()
        say(f"{told} until `orchestr8 volume delete {orphans[0]}`")


def _users(one: VolumeStatus) -> list[tuple[str, str]]:
    from orchestr8.cli.terminal import when
    from orchestr8.names import slot_name

    return [
        (
            slot_name(use.box.slot, use.box.id.service_name) + (" (ro)" if use.read_only else ""),
            when(use.since_ms) if use.since_ms else "stopped",
        )
        for use in one.uses
    ]


def _size(value: int | None, otherwise: str) -> str:
    from orchestr8.units import rounded_size

    return otherwise if value is None else rounded_size(value)


def _print_json(found: Sequence[VolumeStatus], copies: Sequence[ObservedCopy]) -> None:
    from orchestr8.cli.document import print_document
    from orchestr8.controller.volumes import copy_written
    from orchestr8.names import slot_name

    print_document(
        "volumes",
        volumes=[
            {
                "volume": one.name,
                "owner": one.volume.owner,
                "set": one.set_name or None,
                "orphan": not one.set_name,
                "size_bytes": one.volume.size_bytes,
                "used_bytes": one.used_bytes,
                "mounted": one.volume.ready,
                "path": one.volume.path,
                "made_ms": one.volume.created_ms,
                "boxes": [
                    {
                        "box": str(use.box.id),
                        "slot": slot_name(use.box.slot, use.box.id.service_name),
                        "read_only": use.read_only,
                        "since_ms": use.since_ms or None,
                    }
                    for use in one.uses
                ],
            }
            for one in found
        ],
        copies=[
            {
                "copy": copy_written(one), "owner": one.owner, "size_bytes": one.size_bytes,
                "made_ms": one.made_ms,
            }
            for one in copies
        ],
    )  # fmt: skip
