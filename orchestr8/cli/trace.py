"""`trace`: from a box back to the commit, its author, its signer, and who approved what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli import completions
from orchestr8.cli.arguments import Output, OutputAs

if TYPE_CHECKING:
    from orchestr8.controller.trace import Trace

Box = Annotated[
    str,
    typer.Argument(
        metavar="BOX",
        help="A box: 0.api.payments, its id, or api.payments for the first of a service.",
        show_default=False,
        autocompletion=completions.services,
    ),
]


def run(box: Box, output: OutputAs = Output.TEXT) -> int:
    """Say what led to a box: its revision, the commit that it came from, author, signer, approvers.

    Who signed is what was found on the day when the commit came; whose that key is, is said by
    today's members.
    """
    from orchestr8.cli.opening import opened_fleet
    from orchestr8.controller.trace import trace

    with opened_fleet() as session:
        found = trace(session, box)
    if output is Output.JSON:
        _print_json(found)
    else:
        _print_text(found)
    return 0


def _print_text(found: Trace) -> None:
    from orchestr8.cli.terminal import escaped, say, table, when
    from orchestr8.names import slot_name

    box, deed = found.box, found.revision.deed
    started = f"since {when(box.started_ms)} UTC" if box.started_ms else ""
    rows = [
        [
            "box",
            f"{slot_name(box.slot, box.id.service_name)}, {box.id}, {box.state.value} {started}",
        ]
    ]
    if box.spec:
        rows.append(["image", f"{box.spec.image}, {box.spec.image_id[7:19]}"])
    number = f"revision {found.revision.number} of the set {found.revision.set_name}"
    rows.append(["declared in", f"{found.place}, {number}"])
    repeats = f" ({deed.note})" if deed.repeats else ""
    rows.append(["applied", f"{when(deed.at_ms)} UTC by {deed.actor}, {deed.verb}{repeats}"])
    rows += _commit_rows(found)
    for grant in found.grants:
        until = f", until {grant.until}" if grant.until else ""
        why = f": {grant.why}" if grant.why else ""
        rows.append(["approved", f"{grant.id} by {grant.by}{until}{why}"])
    for line in table([[word, escaped(text)] for word, text in rows]):
        say(line)
    if found.is_older:
        say("The box is of an earlier revision; an apply replaces it.")


def _commit_rows(found: Trace) -> list[list[str]]:
    from orchestr8.cli.terminal import when

    commit = found.commit
    if commit is None:
        return [["commit", "none: it was applied by hand"]]
    if commit.is_content:
        changed = ["changed", f"{when(commit.author_ms)} UTC"]
        return [["content", f"{commit.id} of {commit.subject}"], changed]
    if not commit.author:
        return [["commit", f"{commit.id}, of which nothing more is remembered"]]
    rows = [
        ["commit", f'{commit.id} "{commit.subject}"'],
        ["author", f"{commit.author}, {when(commit.author_ms)} UTC"],
        ["committer", commit.committer],
    ]
    whose = found.signer_is or "nobody's any more"
    return [*rows, ["signed with", f"{commit.signer}, {whose}" if commit.signer else "nothing"]]


def _print_json(found: Trace) -> None:
    from orchestr8.cli.document import print_document

    box, deed = found.box, found.revision.deed
    print_document(
        "trace",
        box=box.id,
        slot=box.slot,
        state=box.state,
        image=box.spec.image if box.spec else None,
        image_id=box.spec.image_id if box.spec else None,
        set=found.revision.set_name,
        revision=found.revision.number,
        place=str(found.place),
        applied={"by": deed.actor, "at_ms": deed.at_ms, "verb": deed.verb, "note": deed.note},
        commit=found.commit._asdict() if found.commit else None,
        signer_is=found.signer_is or None,
        approved=[
            {"id": one.id, "by": one.by, "until": one.until or None, "why": one.why or None}
            for one in found.grants
        ],
        is_older=found.is_older,
    )
