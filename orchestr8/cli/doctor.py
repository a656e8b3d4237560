"""`doctor`: what this host and its engine can and cannot carry, and what would mend it."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from orchestr8.cli.arguments import EngineName, Output, OutputAs
from orchestr8.errors import EngineError, Exit, Orchestr8Error, StoreError, UsageError

if TYPE_CHECKING:
    from orchestr8.cli.checks import Check
    from orchestr8.controller.settings import Settings
    from orchestr8.engines.select import Choice
    from orchestr8.isolation.features import Features


Fix = Annotated[
    bool, typer.Option("--fix", help="Mend what a command can safely mend.", show_default=False)
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.", show_default=False)]


def run(
    engine: EngineName = "", fix: Fix = False, yes: Yes = False, output: OutputAs = Output.TEXT
) -> int:
    """Examine this host and its engine, and say what would mend what is missing.

    Who is not root hears who they are to this machine, and whether a server does what they type.
    It works where no engine answers, and changes nothing but with --fix: then it asks, installs
    packages that are missing, loads modules, mounts hierarchies and closes folders. What would
    change somebody's choice is only said. Exit status 1: boxes cannot run here.
    """
    from orchestr8.cli.checks import Grade

    if (fix or yes) and (output is Output.JSON or not fix):
        raise UsageError("--yes goes with --fix, and --fix with text", "orchestr8 doctor --fix")
    checks, features = _examined(engine)
    failed = 0
    if fix:
        from orchestr8.cli.mending import mend, offered
        from orchestr8.cli.terminal import say

        failed = mend(checks, agreed=yes)
        if offered(checks):
            say()
            checks, features = _examined(engine)
    if output is Output.JSON:
        _print_json(checks, features)
    else:
        _print_text(checks, features)
    is_bad = failed > 0 or any(one.grade is Grade.BAD for one in checks)
    return int(Exit.FAILED if is_bad else Exit.DONE)


def _examined(engine: str) -> tuple[tuple[Check, ...], Features | None]:
    """All checks, and what the engine enforces if it can be asked."""
    from orchestr8.cli.checks import Check, Grade, Host
    from orchestr8.cli.checkup import engine_checks, host_checks
    from orchestr8.cli.opening import SIMULATION
    from orchestr8.controller.settings import Settings

    host = Host(Settings.from_environment(engine), os.environ)
    if os.geteuid() and host.settings.engine != SIMULATION:
        from orchestr8.cli.checkup import checks_for_all
        from orchestr8.cli.member_checkup import member_checks

        return (*member_checks(host.settings), *checks_for_all(host)), None
    choice, checks = _meant(host.settings)
    if choice:
        checks = (*checks, *engine_checks(host, choice))
    of_engine, checks = checks, (*checks, *host_checks(host))
    features: Features | None = None
    if not any(check.grade is Grade.BAD for check in of_engine):
        try:
            features = _features(engine)
        except Orchestr8Error as error:
            checks = (*checks, Check("engine", Grade.BAD, error.what, error.remedy))
    return checks, features


def _meant(settings: Settings) -> tuple[Choice | None, tuple[Check, ...]]:
    """The engine that an apply would use, if there is one, and what is said of the choice."""
    from orchestr8.cli.checks import Check, Grade
    from orchestr8.cli.opening import opened_to_look
    from orchestr8.controller.session import ENGINE_KEY
    from orchestr8.engines.select import choose

    try:
        with opened_to_look(settings.engine) as session:
            choice, written = session.choice, session.store.ledger.meta(ENGINE_KEY)
    except (EngineError, StoreError) as error:
        subject = "engine" if isinstance(error, EngineError) else "store"
        named: Choice | None = None
        with suppress(EngineError):  # it is the one that is told already
            named = choose(settings.engine, os.environ)
        return named, (Check(subject, Grade.BAD, error.what, error.remedy),)
    if choice.engine != "crun":  # Docker says itself where it answers
        return choice, ()
    why = "as the first apply chose" if written else "as asked for"
    if not (written or settings.engine):
        why = "since no Docker Engine answers here"
    return choice, (Check("engine", Grade.GOOD, f"crun, {why}"),)


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
    from orchestr8.cli.checks import Grade
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
        so = "you can have no boxes here" if os.geteuid() else "boxes cannot run here"
        say(f"{so}: {count(missing, 'thing')} {stands} in the way.")
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
            {
                "subject": one.subject,
                "grade": one.grade,
                "seen": one.seen,
                "mend": one.mend,
                "safe": one.safe,
            }
            for one in checks
        ],
        engine=features.engine if features else None,
        gaps=dict(gaps),
        missing=dict(others),
        cpu_millicores=features.cpu_millicores if features else None,
        memory_bytes=features.memory_bytes if features else None,
    )
