"""A system call filter as the program that the kernel runs: a binary search over number ranges.

A list of names as libseccomp compiles it is walked call by call; searched, it costs as much as no
filter. The program is classic BPF over struct seccomp_data, 8 bytes an instruction
(Documentation/userspace-api/seccomp_filter.rst).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import cache

from orchestr8.isolation.seccomp import FILTERS, Compare, Condition, Filter
from orchestr8.proof import calls

KILL_THREAD = 0x0000_0000
ALLOW = 0x7FFF_0000
_ERRNO = 0x0005_0000

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_JUMP, _EQUAL, _GREATER, _AT_LEAST = 0x05, 0x15, 0x25, 0x35
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_WORD = 0xFFFF_FFFF
_REACH = 255
"""How far a condition can jump; its two distances have one byte each."""

Instruction = tuple[int, int, int, int]
Code = list[Instruction]


@cache
def program(name: str, architecture: str) -> bytes:
    """The named filter for one architecture; a call of any other kills its thread.

    Raises KeyError for an architecture that has no table of calls.
    """
    chosen, numbers = FILTERS[name], calls.numbers(architecture)
    code: Code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, calls.AUDIT[architecture]),
        _answer(KILL_THREAD),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if architecture == "amd64":  # x32's numbers come under the native architecture
        code += [(_AT_LEAST, 0, 1, calls.X32_BIT), _answer(KILL_THREAD)]
    code += _search(_ranges(chosen, numbers))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def _ranges(chosen: Filter, numbers: dict[str, int]) -> list[tuple[int, Code]]:
    """Where each run of numbers with one answer begins, and the code of that answer; from 0 on."""
    by_number = {numbers[call]: _code(chosen, call) for call in chosen.calls() if call in numbers}
    default = [_answer(_ERRNO | chosen.default_errno)]
    found: list[tuple[int, Code]] = []
    for number in range(max(by_number) + 2):
        code = by_number.get(number, default)
        if not found or found[-1][1] != code:
            found.append((number, code))
    return found


def _code(chosen: Filter, call: str) -> Code:
    """What decides about one call."""
    code: Code = []
    for rule in chosen.rules:
        if rule.call == call:
            code += _rule(rule.conditions, ALLOW if rule.errno is None else _ERRNO | rule.errno)
    errno = chosen.answer(call) if not code else chosen.default_errno
    return [*code, _answer(ALLOW if errno is None else _ERRNO | errno)]


def _rule(conditions: Iterable[Condition], action: int) -> Code:
    """Answers if all conditions are met, else goes on behind its own end."""
    checks = [check for condition in conditions for check in _checks(condition)]
    code: Code = [_answer(action)]
    for loads, (kind, value), wanted in reversed(checks):
        past = len(code)
        assert past <= _REACH
        jump = (kind, 0, past, value) if wanted else (kind, past, 0, value)
        code = [*loads, jump, *code]
    return code


def _checks(condition: Condition) -> Sequence[tuple[Code, tuple[int, int], bool]]:
    """Loads, a comparison, and the answer that it must have; the kernel knows 32-bit words only."""
    low = _ARGUMENTS + 8 * condition.argument
    upper, lower = condition.value >> 32, condition.value & _WORD
    if condition.compare is Compare.GREATER:
        # Refusals only, of values whose upper half nobody looks at: greater in the lower one.
        assert upper == 0
        return [([(_LOAD, 0, 0, low)], (_GREATER, lower), True)]
    mask = condition.mask if condition.compare is Compare.MASKED else (_WORD << 32 | _WORD)
    checks = []
    for offset, value, bits in ((4, upper, mask >> 32), (0, lower, mask & _WORD)):
        if bits:
            loads: Code = [(_LOAD, 0, 0, low + offset)]
            if bits != _WORD:
                loads.append((_AND, 0, 0, bits))
            checks.append((loads, (_EQUAL, value), True))
    return checks


def _search(ranges: Sequence[tuple[int, Code]]) -> Code:
    """A tree of comparisons whose leaves are the answers."""
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _search(ranges[:middle]), _search(ranges[middle:])
    first = ranges[middle][0]
    if len(below) <= _REACH:
        return [(_AT_LEAST, len(below), 0, first), *below, *above]
    return [(_AT_LEAST, 0, 1, first), (_JUMP, 0, 0, len(below)), *below, *above]


def _answer(action: int) -> Instruction:
    return (_RETURN, 0, 0, action)
