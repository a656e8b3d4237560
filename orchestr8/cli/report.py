"""The one place where errors become words: problems, sentences, remedies and the exit status."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from orchestr8.cli.terminal import Paint, error_paint, escaped_lines, here, say_beside
from orchestr8.descriptors import NONE_LEFT, REMEDY, none_left
from orchestr8.errors import Exit, ManifestError, Orchestr8Error, Problem, RefusedError

DEBUG_VARIABLE = "ORCHESTR8_DEBUG"
INTERRUPTED = 130
_CHANGING = (
    "apply",
    "adopt",
    "enable",
    "disable",
    "down",
    "remove",
    "restart",
    "rollback",
    "set",
    "sync",
    "upgrade",
)
_LOST = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF)
"""How a write to standard output fails; files that have a name are answered for elsewhere."""
_PREFIX = "Value error, "
"""What the library says before why a value is none of those that there are."""
_NO_NUMBER = "Input should be a valid integer"
"""How the library begins to say that a word is no number."""


def report(error: BaseException, arguments: Sequence[str]) -> int:
    """Prints what was raised, as text or as JSON, and returns the exit status."""
    if isinstance(error, Orchestr8Error):
        return _ours(error, arguments)
    if isinstance(error, KeyboardInterrupt):
        return sentence("interrupted", _after_interrupt(arguments), INTERRUPTED, arguments)
    message = getattr(error, "format_message", None)
    if callable(message):
        return _usage(error, str(message()), arguments)
    if isinstance(error, OSError) and error.errno in _LOST and not error.filename:
        _give_output_up()
        what = f"the output cannot be written: {error.strerror}"
        return sentence(what, "look at where it is sent", Exit.FAILED, ())  # never in it, as JSON
    if none_left(error):
        return sentence(NONE_LEFT, REMEDY, Exit.FAILED, arguments)
    return _bug(error, arguments)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether JSON was asked for; asked of the bare words, since they may not be readable."""
    return _wants("json", arguments)


def _wants(output: str, arguments: Sequence[str]) -> bool:
    before = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    return f"--output={output}" in before or ("--output", output) in pairwise(before)


def _ours(error: Orchestr8Error, arguments: Sequence[str]) -> int:
    if isinstance(error, ManifestError | RefusedError):
        if wants_json(arguments):
            _print_json("problems", error.exit, problems=[_as_json(p) for p in error.problems])
        elif _wants("markdown", arguments):
            _print_markdown(error)
        else:
            _problems(error)
        return int(error.exit)
    return sentence(error.what, error.remedy, error.exit, arguments)


def _problems(error: ManifestError | RefusedError) -> None:
    from orchestr8.manifest.problems import render_problem

    paint = error_paint()
    for problem in error.problems:
        _say(_painted(render_problem(problem), paint))
    _say(_counted(error))


def _counted(error: ManifestError | RefusedError) -> str:
    count = sum(problem.stands_for for problem in error.problems)
    word = "refusal" if isinstance(error, RefusedError) else "problem"
    return f"{count} {word}{'s' if count != 1 else ''}; nothing was changed."


def _print_markdown(error: ManifestError | RefusedError) -> None:
    """On standard output, since whoever reviews a change reads nothing else."""
    from orchestr8.cli.markdown import problems_as_markdown
    from orchestr8.cli.terminal import say

    for line in problems_as_markdown(error.problems, _counted(error)):
        say(line)
    here().out.flush()


def _painted(block: str, paint: Paint) -> str:
    """The first line bold, the carets red; the words stay the same without colour."""
    first, *rest = block.split("\n")
    shown = [paint.bold(first)]
    for line in rest:
        carets = line.strip().strip("|").strip()
        shown.append(paint.red(line) if carets and not carets.strip("^") else line)
    return "\n".join(shown)


def _usage(error: BaseException, message: str, arguments: Sequence[str]) -> int:
    """A command line that cannot be read, in the words of the library that reads it."""
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "orchestr8") if context else "orchestr8"
    what = message.strip().rstrip(".").replace(_PREFIX, "")
    before, is_no_number, _ = what.partition(_NO_NUMBER)
    what = f"{before}a whole number is needed" if is_no_number else what
    what = what[:1].lower() + what[1:]
    return sentence(what, f"`{path} --help` says what it takes", Exit.USAGE, arguments)


def _after_interrupt(arguments: Sequence[str]) -> str:
    if next(iter(arguments), "") in _CHANGING:
        return "what was done stays done; the same command goes on from here"
    return "nothing was changed"


def _give_output_up() -> None:
    """What standard output still holds cannot be written either, and would fail once more."""
    if here().out is not cast(object, sys.stdout):
        return  # whose output that is, it is not this process's
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _bug(error: BaseException, arguments: Sequence[str]) -> int:
    if os.environ.get(DEBUG_VARIABLE):
        import traceback

        say_beside("".join(traceback.format_exception(error)).rstrip())
    what = f"this is a bug in orchestr8: {type(error).__name__}: {error}"
    remedy = (
        f"please report it{_home()} with what you typed and what {DEBUG_VARIABLE}=1 in front of "
        "it prints; boxes that run go on running"
    )
    return sentence(what[:500], remedy, Exit.FAILED, arguments)


def _home() -> str:
    """Where the installed package says that problems are reported."""
    from importlib import metadata

    try:
        urls = metadata.metadata("orchestr8").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return ""
    pages = dict(url.split(", ", 1) for url in urls if ", " in url)
    page = pages.get("Issues") or pages.get("Homepage")
    return f" at {page}" if page else " to the project"


def sentence(what: str, remedy: str, status: int, arguments: Sequence[str]) -> int:
    """Prints what happened and what to do, as text or as JSON; returns the exit status."""
    if wants_json(arguments):
        _print_json("error", status, what=what, remedy=remedy)
        return int(status)
    paint = error_paint()
    first, *rest = escaped_lines(what)
    _say(paint.bold("orchestr8: ") + first)
    for line in (*rest, *escaped_lines(remedy)):
        _say(f"   {line}")
    return int(status)


def _as_json(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "what": problem.what,
        "remedy": problem.remedy,
    }


def _print_json(kind: str, status: int, **facts: object) -> None:
    from orchestr8.cli.document import print_document

    print_document(kind, exit=int(status), **facts)
    here().out.flush()


def _say(text: str) -> None:
    say_beside(text)
