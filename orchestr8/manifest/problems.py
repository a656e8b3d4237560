"""Problems as a reader sees them: the place, what is wrong, the line with carets, the remedy.

Text of a manifest is shown with control characters escaped, and what looks like a secret in it
is covered before it reaches a terminal or a log.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec.structs import replace

from orchestr8.errors import Problem
from orchestr8.manifest.model import Source
from orchestr8.manifest.wording import escaped

_LINE_WIDTH_MAX = 96
_SECRET = re.compile(
    r"""(?ix) (?:passw|pwd|secret|token|credential|api_?key|private) [a-z0-9_.-]{0,40}+
        ["']? \s{0,20}+ [:=] \s{0,20}+ (?=.)"""
)
_OUR_KEY = re.compile(r"""(?x) (?:^|[\s{,"'.]) secrets ["']? \s* : \s* $""")
_BARE_VALUE = re.compile(r"[^,}\]#]*")
_CLOSING = {'"': '"', "'": "'", "[": "]"}
_USER_INFO = re.compile(r"(?<=://)[^/\s@]{1,200}(?=@)")
_TOKEN = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s,\]\[{}"']+?)(?=:?(?:[\s,\]\[{}"']|$))""")


def with_sources(problems: Iterable[Problem], sources: Sequence[Source]) -> tuple[Problem, ...]:
    """The same problems with the line of text at their place, and how much of it is meant."""
    lines = {source.name: source.text.split("\n") for source in sources}
    return tuple(_with_source(problem, lines.get(problem.place.file, [])) for problem in problems)


def _with_source(problem: Problem, lines: Sequence[str]) -> Problem:
    if problem.source or not 0 < problem.place.line <= len(lines):
        return problem
    line = lines[problem.place.line - 1].rstrip("\r")
    width = problem.width
    if width <= 1:
        token = _TOKEN.match(line, problem.place.column - 1)
        width = len(token[0]) if token else 1
    width = max(1, min(width, len(line) - problem.place.column + 1))
    return replace(problem, source=_covered(line), width=width)


@lru_cache(maxsize=64)
def _covered(line: str) -> str:
    """The line with stars in place of what looks like a secret; as long as before."""
    parts, done = [], 0
    while match := _SECRET.search(line, done):
        start = match.end()
        end = _end_of_value(line, start)
        before = line[max(done, match.start() - 1) : start]
        is_ours = line[start] == "{" or bool(_OUR_KEY.search(before))
        parts += [line[done:start], line[start:end] if is_ours else "*" * (end - start)]
        done = end
    covered = "".join([*parts, line[done:]])
    return _USER_INFO.sub(lambda found: "*" * len(found[0]), covered)


def _end_of_value(line: str, start: int) -> int:
    if line[start] == "{":
        return start + 1
    closing = _CLOSING.get(line[start])
    if closing:
        end = line.find(closing, start + 1)
        return len(line) if end < 0 else end + 1
    bare = _BARE_VALUE.match(line, start)
    return max(start + 1, bare.end() if bare else start + 1)


def render(problems: Sequence[Problem]) -> str:
    """All problems as plain text, one block each, without a trailing line break."""
    return "\n".join(render_problem(problem) for problem in problems)


def render_problem(problem: Problem) -> str:
    """One problem: `file:line:column: what`, the source line with carets, the remedy."""
    lines = [f"{escaped(str(problem.place))}: {escaped(problem.what)}"]
    if problem.source:
        shown, carets = _underlined(problem)
        margin = f"{problem.place.line:>5} | "
        lines += [margin + shown, " " * (len(margin) - 2) + "| " + carets]
    if problem.remedy:
        lines.append("   " + escaped(problem.remedy))
    return "\n".join(lines)


def _underlined(problem: Problem) -> tuple[str, str]:
    """The line, cut to a window around the place, and the carets below it."""
    start = problem.place.column - 1
    end = start + problem.width
    text = problem.source.replace("\t", " ")
    first = 0
    if len(text) > _LINE_WIDTH_MAX:
        first = max(0, min(start - _LINE_WIDTH_MAX // 3, len(text) - _LINE_WIDTH_MAX))
    last = first + _LINE_WIDTH_MAX
    head = "…" if first else ""
    shown = head + escaped(text[first:last]) + ("…" if last < len(text) else "")
    before = head + escaped(text[first:start])
    meant = escaped(text[start : min(end, last)])
    return shown, " " * _cells(before) + "^" * max(1, _cells(meant))


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)
