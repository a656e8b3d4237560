"""Puts a wrong into functions that are loaded: their code is changed where they stand.

So nothing is imported anew, and whoever holds a function, a rule table for instance, calls the
wrong one.
"""

from __future__ import annotations

import ast
import functools
import gc
import sys
from collections.abc import Iterator, Sequence
from types import CodeType, FunctionType
from typing import NamedTuple


class Changed(NamedTuple):
    """One function's code, right and wrong."""

    right: CodeType
    wrong: CodeType


def compare(source: str, wrong: ast.Module, filename: str) -> tuple[Changed, ...]:
    """The functions in which two versions of a module differ, the outermost first.

    A function may have made others when its module was imported, as a rule table's makers do; those
    stand by themselves, and would not notice that their maker's code is another.
    """
    first = compile(source, filename, "exec", dont_inherit=True)
    second = compile(wrong, filename, "exec", dont_inherit=True)
    for right, other in zip(_functions(first), _functions(second), strict=True):
        if right != other:
            return tuple(_differing(right, other))
    return ()


def _differing(right: CodeType, other: CodeType) -> Iterator[Changed]:
    yield Changed(right, other)
    inner, others = ([part for part in code.co_consts if isinstance(part, CodeType)]
                     for code in (right, other))  # fmt: skip
    if len(inner) == len(others):
        for one, its_other in zip(inner, others, strict=True):
            if one != its_other:
                yield from _differing(one, its_other)


def put_in(places: Sequence[Changed]) -> int:
    """Changes every function that has one of these codes; how many there were.

    What its module cached, or one that uses it, is forgotten. A made function whose wrong code
    needs other names of its maker's than it has stays as it is.
    """
    count = 0
    for item in gc.get_objects():
        if isinstance(item, functools._lru_cache_wrapper):
            if _may_rest_on(item, places[0].right.co_filename):
                item.cache_clear()
        elif isinstance(item, FunctionType):
            for changed in places:
                if _is_same(item.__code__, changed.right) and _fits(item, changed.wrong):
                    item.__code__ = changed.wrong
                    count += 1
                    break
    return count


def _is_same(code: CodeType, other: CodeType) -> bool:
    return code == other and code.co_filename == other.co_filename


def _fits(function: FunctionType, code: CodeType) -> bool:
    return function.__code__.co_freevars == code.co_freevars


def _may_rest_on(cached: object, filename: str) -> bool:
    """Whether a cached function's module is the file, or has names from it."""
    module = sys.modules.get(str(cached.__module__))
    names = {getattr(value, "__module__", None) for value in vars(module or sys).values()}
    files = [getattr(sys.modules.get(str(name)), "__file__", None) for name in names]
    return filename in (getattr(module, "__file__", None), *files)


def _functions(code: CodeType) -> Iterator[CodeType]:
    """The outermost functions of a module: its own, and those of its classes."""
    for part in code.co_consts:
        if isinstance(part, CodeType):
            is_function = bool(part.co_flags & 0x02)  # CO_NEWLOCALS: no class body
            if is_function:
                yield part
            else:
                yield from _functions(part)
