"""`doctor`: what this host and its engine can and cannot carry, and what would mend it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestr8.cli.arguments import EngineName, Output, OutputAs
from orchestr8.errors import EngineError, Exit, Orchestr8Error

if TYPE_CHECKING:
    from orchestr8.cli.checkup import Check
    from orchestr8.isolation.features import Features


def run(engine: EngineName = "", output: OutputAs = Output.TEXT) -> int:
    """Examine this host and its engine, and say what would mend what is missing.

    It works where no engine answers, and changes nothing. Exit status 1: boxes cannot
    run here.
    """
    from orchestr8.cli.checkup import Check, Grade, Host, examine
    from orchestr8.controller.settings import Settings
    from orchestr8.engines.select import choose

    settings = Settings.from_environment(engine)
    with suppress(EngineError):  # the examination itself says what is wrong with an engine
        choose(settings.engine, os.environ)
    checks = examine(Host(settings, os.environ))
    features: Features | None = None
    if not any(check.subject == "engine" and check.grade is Grade.BAD for check in checks):
        try:
            features = _features(engine)
        except Orchestr8Error as error:
            checks = (*checks, Check("engine", Grade.BAD, error.what, error.remedy))
    if output is Output.JSON:
        _print_json(checks, features)
    else:
        _print_text(checks, features)
    return int(Exit.FAILED if any(one.grade is Grade.BAD for one in checks) else Exit.DONE)


def _features(engine: str) -> Features:
    from orchestr8.cli.opening import opened_to_look

    with opened_to_look(engine) as session:
        return session.borders.boxes.features()


def _missing(features: Features) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What STRICT asks in vain, and which keys of a manifest are refused or degrade."""
    from orchestr8.contract.grant import gaps_of
    from orchestr8.isolation.features import ALL, ASKED_BY_STRICT

    gaps = [(gap.feature, f"{gap.asked}: {gap.why}") for gap in gaps_of(features)]
    others = [
        (name, features.why(name))
        for name in sorted(ALL - set(ASKED_BY_STRICT))
        if not features.has(name)
    ]
    return gaps, others


def _print_text(checks: tuple[Check, ...], features: Features | None) -> None:
    from orchestr8.cli.checkup import Grade
    from orchestr8.cli.explain import print_pairs
    from orchestr8.cli.terminal import count, escaped, paint, say

    colours = paint()
    tones = {
        Grade.GOOD: colours.green, Grade.LIMITED: colours.yellow, Grade.BAD: colours.red,
    }  # fmt: skip
    subject_width = max(len(check.subject) for check in checks)
    for check in checks:
        grade = tones[check.grade](check.grade.value.ljust(8))
        say(f"{grade} {check.subject.ljust(subject_width)}  {escaped(check.seen)}")
        if check.mend:
            say(f"{' ' * (subject_width + 11)}mend it:  {check.mend}")
    if features:
        gaps, others = _missing(features)
        if gaps:
            say()
            say(f"gaps: what STRICT asks and {features.engine} cannot carry here")
            print_pairs(gaps)
        if others:
            say()
            say(f"what else {features.engine} cannot carry here")
            print_pairs(others)
    missing = sum(check.grade is Grade.BAD for check in checks)
    limited = sum(check.grade is Grade.LIMITED for check in checks)
    say()
    if missing:
        stands = "stands" if missing == 1 else "stand"
        say(f"boxes cannot run here: {count(missing, 'thing')} {stands} in the way.")
    elif limited:
        say(f"boxes can run here; {count(limited, 'thing')} could be better.")
    else:
        say("boxes can run here.")


def _print_json(checks: tuple[Check, ...], features: Features | None) -> None:
    from orchestr8.cli.document import print_document

    gaps, others = _missing(features) if features else ([], [])
    print_document(
        "doctor",
        checks=[
            {"subject": one.subject, "grade": one.grade, "seen": one.seen, "mend": one.mend}
            for one in checks
        ],
        engine=features.engine if features else None,
        gaps=dict(gaps),
        missing=dict(others),
        cpu_millicores=features.cpu_millicores if features else None,
        memory_bytes=features.memory_bytes if features else None,
    )
