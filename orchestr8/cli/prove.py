"""`prove`: what the kernel says of running boxes, claim by claim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import Output, OutputAs, ServiceNames
from orchestr8.errors import Exit

if TYPE_CHECKING:
    from orchestr8.contract.model import Gap
    from orchestr8.proof.model import Finding, Proof

All = Annotated[
    bool,
    typer.Option(
        "--all", help="Every claim, those that are held too; services that are named show all."
    ),
]


def run(services: ServiceNames = None, whole: All = False, output: OutputAs = Output.TEXT) -> int:
    """Read the kernel's view of running boxes, and hold it against what each was declared to be.

    A claim is held, broken, or unproven, where it could not be read. Gaps, which this engine or
    host cannot carry, are no verdicts and are listed apart. Exit status 6: a claim is broken;
    7: none is, and one is unproven.
    """
    from orchestr8.cli.opening import of_yours, opened_fleet
    from orchestr8.cli.terminal import say
    from orchestr8.controller.meant import require_services
    from orchestr8.controller.proving import prove_services

    with opened_fleet() as session:
        names = require_services(session, services or ())
        proofs, gaps = prove_services(session, names)
        whose = of_yours(session)
    status = _status(proofs)
    if output is Output.JSON:
        _print_json(proofs, gaps, status)
    elif not proofs:
        say(f"no box{whose} runs, so there is nothing to prove.")
    else:
        _print_text(proofs, gaps, status, whole=whole or bool(names))
    return int(status)


def _status(proofs: Sequence[Proof]) -> Exit:
    from orchestr8.proof.model import Verdict

    verdicts = {proof.verdict for proof in proofs}
    if Verdict.BROKEN in verdicts:
        return Exit.BROKEN
    return Exit.UNPROVEN if Verdict.UNPROVEN in verdicts else Exit.DONE


def _print_text(proofs: Sequence[Proof], gaps: Sequence[Gap], status: Exit, *, whole: bool) -> None:
    from orchestr8.cli.terminal import paint, say
    from orchestr8.names import slot_name
    from orchestr8.proof import show
    from orchestr8.proof.model import Verdict

    colours = paint()
    width = max(len(slot_name(one.slot, one.id.service_name)) for one in proofs)
    tones = {Verdict.BROKEN: colours.red, Verdict.UNPROVEN: colours.yellow}
    for proof in sorted(proofs, key=lambda one: (one.id.service_name, one.slot, one.id.serial)):
        name = slot_name(proof.slot, proof.id.service_name)
        if not whole:
            say(f"{name.ljust(width)}  {show.brief(proof)}")
            for finding in proof.findings:
                if finding.verdict in tones:
                    say(f"    {tones[finding.verdict](finding.verdict.value)}: {_told(finding)}")
            continue
        say(colours.bold(name))
        for line, claim in zip(show.table(proof)[1:], (None, *proof.findings), strict=False):
            tone = tones.get(claim.verdict) if claim else colours.dim
            say(tone(line) if tone else line)
        say()
    ending = f" Exit status {int(status)}." if status else ""
    say(show.summary(proofs, gaps) + ending)
    if not whole and status:
        say("`orchestr8 prove --all` shows the claims that are held, too.")


def _told(finding: Finding) -> str:
    from orchestr8.cli.terminal import escaped

    expected, observed = escaped(finding.expected), escaped(finding.observed)
    return f"{escaped(finding.sentence)}: expected {expected}, observed {observed}"


def _print_json(proofs: Sequence[Proof], gaps: Sequence[Gap], status: Exit) -> None:
    from orchestr8.cli.document import print_document
    from orchestr8.names import slot_name

    print_document(
        "proof",
        exit=status,
        boxes=[
            {
                "box": proof.id,
                "name": slot_name(proof.slot, proof.id.service_name),
                "verdict": proof.verdict,
                "boot_id": proof.boot_id,
                "findings": proof.findings,
            }
            for proof in proofs
        ],
        gaps=[{"feature": gap.feature, "asked": gap.asked, "why": gap.why} for gap in gaps],
    )
