"""`history`: what was applied, by whom, when, and what became of it; and the journal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import DEFAULT_SET, Output, OutputAs, SetLookedAt, checked_set
from orchestr8.errors import UsageError

if TYPE_CHECKING:
    from orchestr8.controller.history import Chapter

Show = Annotated[
    int | None,
    typer.Option(
        "--show", metavar="N", help="One revision: its images, and how its text differs from the "
        "one before.", show_default=False,
    ),
]  # fmt: skip
Journal = Annotated[
    bool,
    typer.Option("--journal", help="The journal instead, with its chain of hashes verified."),
]
Last = Annotated[
    int,
    typer.Option(
        "--last", metavar="N", min=0, help="How many revisions or entries are shown; 0 for all."
    ),
]
Head = Annotated[
    str,
    typer.Option(
        "--head", metavar="HASH", help="A head of the journal that you kept: it must still be "
        "there.", show_default=False,
    ),
]  # fmt: skip

_HEAD = re.compile("[0-9a-f]{16,64}")
_NOT_UNDERSTOOD = "(this release does not understand its text)"


def run(
    set_name: SetLookedAt = None,
    show: Show = None,
    journal: Journal = False,
    last: Last = 40,
    head: Head = "",
    output: OutputAs = Output.TEXT,
) -> int:
    """Show the revisions of a set, or of all sets: who applied what and when.

    With --journal: every call that made or ended something, who asked for it, why, and what came
    of it. Each row is chained to the one before by its hash; the chain is followed from its
    first row, and a break is told with exit status 6. Keep the head that is printed somewhere
    else, and give it with --head later: then even a journal cut off at its end is seen.
    """
    from orchestr8.cli.opening import of_yours, opened_fleet

    if set_name is not None:
        checked_set(set_name)
    if journal or head:
        if set_name is not None or show is not None:
            raise UsageError("the journal is of all sets", "leave --set and --show out")
        if head and not _HEAD.fullmatch(head):
            raise UsageError(
                f'"{head}" is no head of a journal, which is 16 to 64 hexadecimal digits',
                "look where it was kept; `orchestr8 history --journal` shows the head of today",
            )
        from orchestr8.cli.journal import show_journal
        from orchestr8.controller.authority import require_platform

        with opened_fleet() as session:
            require_platform(session.authority, "the journal", "`orchestr8 history` shows yours")
            return show_journal(session.store.journal, last, head, output)
    from orchestr8.cli.reach import reach
    from orchestr8.controller.history import chapter, chapters, sets_ever

    with opened_fleet() as session:
        if show is not None:
            one, before = chapter(session, set_name or DEFAULT_SET, show)
            _show(one, before, output)
            return 0
        names = [set_name] if set_name else sets_ever(session)
        told = {name: chapters(session, name) for name in names}
        sets, whose = set(session.store.documents.sets()), of_yours(session)
    if set_name:
        live = [one.revision.number for one in told[set_name] if one.revision.live]
        reach().tell_revision(max(live, default=0))
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document(
            "history",
            sets=[
                {"set": name, "in_force": name in sets, "revisions": [_facts(x) for x in found]}
                for name, found in told.items()
            ],
        )
        return 0
    _print(told, sets, last, whose)
    return 0


def _print(told: dict[str, tuple[Chapter, ...]], sets: set[str], last: int, whose: str) -> None:
    from orchestr8.cli.terminal import NAMES_SHOWN, paint, say, table

    if not told:
        say(f"nothing{whose} was ever applied here; begin with `orchestr8 apply PATH`.")
        return
    for name, found in told.items():
        gone = "" if name in sets else "  (removed)"
        say(paint().bold(f"set {name}") + gone)
        rows = [["", "REVISION", "WHEN (UTC)", "WHO", "WHAT", "STATUS", "CHANGES"]]
        newest_first = found[::-1]
        shown = newest_first[:last] if last else newest_first
        rows += [_row(chapter, NAMES_SHOWN) for chapter in shown]
        for line in table(rows, indent="  ", dim_head=True):
            say(line)
        if len(shown) < len(found):
            say(f"  and {len(found) - len(shown)} more: --last 0 shows all")
    say("* in force. `orchestr8 history --set NAME --show N` shows one of them,")
    say("`orchestr8 rollback --set NAME N` takes the set back to it.")


def _row(chapter: Chapter, most: int) -> list[str]:
    from orchestr8.cli.terminal import escaped, when
    from orchestr8.planning.wording import first_of

    revision, deed = chapter.revision, chapter.revision.deed
    what = f"{deed.verb} {deed.note}".strip()
    if deed.commit and deed.commit[:12] not in what:
        what += f" (commit {deed.commit[:12]})"
    changes = [f"{mark.value} {name}" for mark, name in chapter.changes]
    return [
        "*" if revision.live else "",
        str(revision.number),
        when(deed.at_ms),
        escaped(deed.actor),
        escaped(what),
        revision.status,
        first_of(changes, most) if chapter.readable else _NOT_UNDERSTOOD,
    ]


def _facts(chapter: Chapter, *, texts: bool = False) -> dict[str, object]:
    revision = chapter.revision
    facts: dict[str, object] = {
        "revision": revision.number,
        "in_force": revision.live,
        **revision.deed._asdict(),
        "status": revision.status,
        "changes": [{"mark": mark, "service": name} for mark, name in chapter.changes],
        "images": {name: facts.id for name, facts in sorted(chapter.pins.items())},
        "files": sorted(revision.files),
    }
    if texts:
        facts["manifests"] = [one._asdict() for one in revision.sources]
    return facts


def _show(chapter: Chapter, before: Chapter | None, output: Output) -> None:
    from orchestr8.cli.differences import difference_lines
    from orchestr8.cli.document import print_document
    from orchestr8.cli.terminal import escaped, paint, say, table

    revision = chapter.revision
    if output is Output.JSON:
        print_document("revision", set=revision.set_name, **_facts(chapter, texts=True))
        return
    _, _, at, who, what, status, changes = _row(chapter, len(chapter.changes))
    say(paint().bold(f"revision {revision.number} of the set {revision.set_name}"))
    rows = [
        ["what", f"{what}, by {who}, {at} UTC"],
        ["status", f"{status}, {'in force' if revision.live else 'in force no more'}"],
        ["changes", changes or "none"],
    ]
    rows += [
        ["image" if not n else "", f"{escaped(name)} = {facts.id}"]
        for n, (name, facts) in enumerate(sorted(chapter.pins.items()))
    ]
    rows += [
        ["file" if not n else "", escaped(name)] for n, name in enumerate(sorted(revision.files))
    ]
    for line in table(rows, indent="  "):
        say(line)
    older = before.revision.sources if before else ()
    say()
    for line in difference_lines(older, revision.sources):
        say(line)
