"""`backup`: the store in one checked file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import EngineName, Output, OutputAs

if TYPE_CHECKING:
    from orchestr8.controller.restoring import Restored
    from orchestr8.store.backup import Header

File = Annotated[str, typer.Argument(metavar="FILE", help="The backup.", show_default=False)]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes", help="Put the store that is there aside; nothing is deleted.", show_default=False
    ),
]
NewEngine = Annotated[
    bool,
    typer.Option(
        "--new-engine",
        help="The engine that answers now takes the place of the one in the backup.",
        show_default=False,
    ),
]


def create(file: File, output: OutputAs = Output.TEXT) -> int:
    """Write the whole store into one checked, compressed file that only its owner may read.

    Nothing stops meanwhile. Data of volumes is not in it, nor are secrets of this host; contents
    of repository files and the key of the hashes are, so keep it as you keep the state folder.
    """
    from orchestr8.cli.terminal import escaped, say
    from orchestr8.controller.restoring import require_store
    from orchestr8.controller.settings import Settings, now_ms
    from orchestr8.store import backup

    store = require_store(Settings.from_environment())
    try:
        header = backup.create(store, Path(file).absolute(), now_ms())
    finally:
        store.close()
    if output is Output.JSON:
        _print_json("backup", header)
        return 0
    say(f"{escaped(file)}: the store of installation {header.installation}, checked.")
    say(f"  the journal's head   {header.head}")
    say(f"Look at it later:  orchestr8 backup check {escaped(file)}")
    return 0


def check(file: File, output: OutputAs = Output.TEXT) -> int:
    """Read a backup to its end: whether it is whole, and what is in it."""
    from orchestr8.cli.terminal import count, escaped, paint, say, table, when
    from orchestr8.errors import Exit
    from orchestr8.store import backup

    found = backup.check(Path(file).absolute())
    status = Exit.DONE if found.journal.whole else Exit.BROKEN
    if output is Output.JSON:
        _print_json(
            "backup", found.header, sets=found.sets, services=found.services,
            journal_rows=found.journal.rows, journal_whole=found.journal.whole,
        )  # fmt: skip
        return int(status)
    header = found.header
    say(paint().bold(f"{escaped(file)}: whole"))
    sets = [f"{name} ({_revisions(found.sets[name])})" for name in sorted(found.sets)]
    rows = [
        ["installation", header.installation],
        ["made", f"{when(header.at_ms)} UTC"],
        ["layout", str(header.layout)],
        ["sets", ", ".join(sets) or "none"],
        ["services", f"{found.services}, those that are gone included"],
        ["journal", f"{count(found.journal.rows, 'row')}; the head is {header.head}"],
    ]
    for line in table(rows, indent="  "):
        say(line)
    if not found.journal.whole:
        broken = found.journal
        say(paint().red(f"the journal in it is broken at row {broken.broken_at}: {broken.why}"))
        say(f"exit status {int(status)}")
        return int(status)
    say(f"Bring it back:  orchestr8 backup restore {escaped(file)}")
    return 0


def restore(
    file: File,
    yes: Yes = False,
    new_engine: NewEngine = False,
    engine: EngineName = "",
    output: OutputAs = Output.TEXT,
) -> int:
    """Put a backup in the place of this machine's store. No box is touched.

    Serials, uid ranges and addresses that were given out since it was made are never given out
    again: the store that is there tells them, and the boxes and volumes on the engine, which must
    answer. Boxes that the backup does not know run on, and wait for their manifests.
    """
    from orchestr8.controller.restoring import restore as restored_from
    from orchestr8.controller.settings import Settings

    settings = Settings.from_environment(engine)
    restored = restored_from(settings, Path(file).absolute(), put_aside=yes, new_engine=new_engine)
    if output is Output.JSON:
        _print_json(
            "restored",
            restored.header,
            replaced=str(restored.replaced) if restored.replaced else None,
            adopted=[str(box.id) for box in restored.adopted.boxes] if restored.adopted else [],
            raised=restored.raised,
        )
    else:
        _print_restored(restored)
    return 0


def _print_restored(restored: Restored) -> None:
    from orchestr8.cli.terminal import count, say, when
    from orchestr8.planning.wording import listed

    header = restored.header
    say(f"the store is as it was at {when(header.at_ms)} UTC; no box was touched.")
    if restored.replaced:
        say(f"what was there lies in {restored.replaced} now.")
    if restored.raised:
        say(f"serials go on beyond what was given out: {listed(map(str, restored.raised))}.")
    if restored.adopted and restored.adopted.boxes:
        boxes = count(len(restored.adopted.boxes), "box", "boxes")
        say(f"{boxes} that the backup did not know {'was' if boxes[0] == '1' else 'were'} adopted.")
    say("type next:  orchestr8 status   # what differs; `orchestr8 apply` makes it as it was then")


def _revisions(numbers: tuple[int, ...]) -> str:
    if not numbers:
        return "none in force"
    word = "revision" if len(numbers) == 1 else "revisions"
    return f"{word} {', '.join(map(str, numbers))}"


def _print_json(kind: str, header: Header, **facts: object) -> None:
    from msgspec.structs import asdict

    from orchestr8.cli.document import print_document

    print_document(kind, **asdict(header), **facts)


COMMANDS = {"create": create, "check": check, "restore": restore}
