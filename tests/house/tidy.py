"""What keeps code small and its words few: one rule, one function from a module to complaints."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LINES_MOST = 400
FUNCTION_LINES_MOST = 70
PARAMETERS_MOST = 5
MODULE_NAMES_REFUSED = frozenset({"handler", "helper", "manager", "util"})
WORDS_REFUSED = frozenset(
    {
        "actual",
        "backend",
        "current",
        "driver",
        "exception",
        "exemption",
        "handler",
        "helper",
        "instance",
        "manager",
        "pod",
        "task",
        "util",
    }
)
NOTES_REFUSED = ("TO" + "DO", "FIX" + "ME", "X" + "XX")


@dataclass(frozen=True)
class Module:
    """A Python file: its path within the repository, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Everything in it."""
        return list(ast.walk(self.tree))

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function, methods and inner ones included."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return [node for node in self.nodes if isinstance(node, kinds)]


@dataclass(frozen=True)
class Complaint:
    """What is wrong, and with what name in the module."""

    path: str
    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.subject} {self.what}"


Rule = Callable[[Module], Iterator[Complaint]]


def long_file(module: Module) -> Iterator[Complaint]:
    """A file under 400 lines."""
    count = len(module.text.splitlines())
    if count >= LINES_MOST:
        yield Complaint(module.path, "it", f"has {count} lines")


def long_function(module: Module) -> Iterator[Complaint]:
    """A function under 70 lines."""
    for function in module.functions:
        count = (function.end_lineno or function.lineno) - function.lineno + 1
        if count >= FUNCTION_LINES_MOST:
            yield Complaint(module.path, function.name, f"has {count} lines")


def many_parameters(module: Module) -> Iterator[Complaint]:
    """At most five parameters beside self."""
    for function in module.functions:
        given = function.args
        names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        count = len(names) - (names[:1] in (["self"], ["cls"]))
        if count > PARAMETERS_MOST:
            yield Complaint(module.path, function.name, f"has {count} parameters")


def undocumented(module: Module) -> Iterator[Complaint]:
    """A docstring for every module and package."""
    if not ast.get_docstring(module.tree):
        yield Complaint(module.path, "it", "has no docstring")


def undocumented_public(module: Module) -> Iterator[Complaint]:
    """A docstring for every public function, class and method of a class."""
    for node in module.nodes:
        if not isinstance(node, ast.ClassDef | ast.Module) or _is_private(node):
            continue
        for part in node.body:
            named = isinstance(part, ast.FunctionDef | ast.ClassDef)
            if named and not part.name.startswith("_") and not ast.get_docstring(part):
                yield Complaint(module.path, part.name, "has no docstring")


def _is_private(node: ast.ClassDef | ast.Module) -> bool:
    return isinstance(node, ast.ClassDef) and node.name.startswith("_")


def vague_module(module: Module) -> Iterator[Complaint]:
    """No module that is named for nothing in particular."""
    for part in Path(module.path).with_suffix("").parts:
        if any(word.removesuffix("s") in MODULE_NAMES_REFUSED for word in _words(part)):
            yield Complaint(module.path, part, "says nothing about what is in it")


def refused_word(module: Module) -> Iterator[Complaint]:
    """One word for one thing: the glossary's other words name nothing here."""
    for name in sorted(set(_names_given(module.nodes))):
        for word in _words(name):
            if word in WORDS_REFUSED or word.removesuffix("s") in WORDS_REFUSED:
                yield Complaint(module.path, name, f'uses the word "{word}"')


def _names_given(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def note_to_oneself(module: Module) -> Iterator[Complaint]:
    """What is to be done later is an issue, not a comment."""
    for number, line in enumerate(module.text.splitlines(), 1):
        for mark in NOTES_REFUSED:
            if mark in line:
                yield Complaint(module.path, f"line {number}", f"has a {mark}")


EVERYWHERE: tuple[Rule, ...] = (
    long_file,
    long_function,
    undocumented,
    vague_module,
    note_to_oneself,
)
PRODUCT: tuple[Rule, ...] = (many_parameters, refused_word, undocumented_public)
