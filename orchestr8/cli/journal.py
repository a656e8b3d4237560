"""The journal as people read it: each call with what came of it, and whether the chain holds."""

from __future__ import annotations

from collections.abc import Sequence

from orchestr8.cli.arguments import Output
from orchestr8.cli.terminal import count, escaped, paint, say, table, when
from orchestr8.errors import Exit
from orchestr8.store.chain import RESULT, Row, Verdict
from orchestr8.store.journal import Journal

UNDER_WAY = "no result: under way, or interrupted"


def show_journal(journal: Journal, last: int, kept_head: str, output: Output) -> int:
    """Prints the last entries and the verdict on the whole chain; returns the exit status.

    As a document the last rows, where a result is a row of its own.
    """
    verdict = journal.verify(kept_head)
    begun = {row.number for row in journal.under_way()}
    status = Exit.DONE if verdict.whole else Exit.BROKEN
    if output is Output.JSON:
        from orchestr8.cli.document import print_document

        print_document(
            "journal",
            rows=[row._asdict() for row in journal.rows(last)],
            whole=verdict.whole,
            verified=verdict.rows,
            head=verdict.head,
            broken_at=verdict.broken_at,
            why=verdict.why,
        )
        return int(status)
    _print(journal.entries(last) if last else journal.rows(), begun, verdict)
    return int(status)


def _print(rows: Sequence[Row], begun: set[int], verdict: Verdict) -> None:
    results = {row.intent: row for row in rows if row.kind == RESULT}
    shown = [["ROW", "WHEN (UTC)", "WHO", "WHAT", "ABOUT", "CAME OF IT", "WHY"]]
    numbers = {row.number for row in rows}
    for row in rows:
        if row.kind == RESULT and row.intent in numbers:
            continue
        came = results[row.number].result if row.number in results else row.result
        if row.number in begun:
            came = UNDER_WAY
        about = f"{row.subject} (row {row.intent})" if row.kind == RESULT else row.subject
        shown.append(
            [
                str(row.number), when(row.at_ms), escaped(row.actor), escaped(row.kind),
                escaped(about), escaped(came), escaped(row.cause),
            ]
        )  # fmt: skip
    for line in table(shown, dim_head=True):
        say(line)
    if len(rows) < verdict.rows:
        say(f"the last {count(len(shown) - 1, 'entry', 'entries')}; --last 0 shows all")
    if verdict.whole:
        say(f"{count(verdict.rows, 'row')}, each chained to the one before. The head is")
        say(f"  {verdict.head}")
        say("Keep it elsewhere; then this shows whether all up to here is still as it was:")
        say(f"  orchestr8 history --head {verdict.head[:16]}")
        return
    if verdict.broken_at:
        say(paint().red(f"the journal is broken at row {verdict.broken_at}: {verdict.why}"))
        say(f"{count(verdict.broken_at - 1, 'row')} before it hold.")
    else:
        say(paint().red(f"the journal is another than it was: {verdict.why}"))
        say("its rows are chained without a break, so its end was cut off or written anew.")
    say("Whose move: the platform; a backup that was made earlier says what stood there.")
    say(f"exit status {int(Exit.BROKEN)}")
