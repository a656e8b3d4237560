"""What documents claim, as far as a machine can hold them to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^\s*(```|~~~)")
_INLINE = re.compile(r"`([^`\n]+)`")
_TYPED = re.compile(r"(?:^|[\s/;&|$(])orchestr8\s+([a-z][a-z-]*)")
_SHOWN = re.compile(r"(?:^|[`:;(]\s?|\s\s|\n)orchestr8 ([a-z][a-z-]*)(?=[`\s]|$)")
_DECISION = re.compile(r"\bdecisions/(\d{4})\b")


def broken_links(document: Path, text: str) -> Iterator[str]:
    """Relative links that lead nowhere."""
    for target in _LINK.findall(text):
        path = target.partition("#")[0]
        elsewhere = "://" in path or path.startswith("mailto:")
        if path and not elsewhere and not (document.parent / path).exists():
            yield target


def code_of(text: str) -> Iterator[str]:
    """What stands in fences and between back-ticks, line by line."""
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif fenced:
            yield line
        else:
            yield from _INLINE.findall(line)


def verbs_typed(lines: Iterator[str] | list[str]) -> Iterator[str]:
    """The verbs of commands that a reader is told to type."""
    for line in lines:
        yield from _TYPED.findall(line)


def verbs_in_messages(text: str) -> Iterator[str]:
    """The verbs that a module's own texts name as commands; docstrings of code are not texts."""
    tree = ast.parse(text)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in docstrings:
            yield from _SHOWN.findall(node.value)


def unknown(verbs: Iterator[str], known: Collection[str]) -> list[str]:
    """Those that do not exist."""
    return sorted(set(verbs) - set(known))


def decisions_named(text: str) -> list[str]:
    """The numbers of the decision records that a text refers to."""
    return sorted(set(_DECISION.findall(text)))
