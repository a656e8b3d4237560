"""What a seccomp filter that the kernel holds answers to a call: an interpreter, and the claim.

A filter is a classic BPF program of 8 bytes an instruction (code, true, false, k), run over the
number, the architecture and the arguments of a call: Documentation/userspace-api/seccomp_filter.rst
and include/uapi/linux/{filter,seccomp}.h. Of several filters the strictest answer counts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache

from orchestr8.isolation.seccomp import (
    AF_NETLINK,
    CLONE_NEW_ANY,
    FILTERS,
)
from orchestr8.proof import calls
from orchestr8.proof.claim import Answer, Claim, every_task, failure, unproven
from orchestr8.proof.model import Expectation, Reading, TaskReading
from orchestr8.proof.privileges import strict_of

ALLOW = 0x7FFF_0000
_ACTION = 0xFFFF_0000
_WORD = 0xFFFF_FFFF
_BIT_32 = 1 << 32
_CALL_BYTES = 64  # struct seccomp_data
_STEPS_MAX = 4096  # BPF_MAXINSNS; jumps only lead forward
_FAMILIES = range(64)
_NEW_FLAGS = tuple(1 << bit for bit in range(32) if CLONE_NEW_ANY >> bit & 1)
_THREAD = 0x003D_0F00  # what the C library makes a thread with

Program = tuple[tuple[int, int, int, int], ...]
Call = tuple[int, tuple[int, ...]]


def parse(text: bytes) -> Program:
    """The instructions; raises ValueError if it is no program."""
    if not text or len(text) % 8 or len(text) > 8 * _STEPS_MAX:
        raise ValueError(f"{len(text)} bytes are no filter")
    return tuple(struct.iter_unpack("<HBBI", text))


def run(program: Program, architecture: int, number: int, arguments: tuple[int, ...]) -> int:
    """The value that the program returns; raises ValueError for what the kernel would refuse."""
    data = struct.pack(
        "<IIQ6Q", number & _WORD, architecture, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6]
    )
    accumulator = index = place = 0
    memory = [0] * 16
    for _ in range(_STEPS_MAX):
        if place >= len(program):
            break
        code, true, false, k = program[place]
        place += 1
        kind = code & 7
        if kind == 5:  # jump
            operand = index if code & 8 else k
            place += k if code == 5 else true if _met(code, accumulator, operand) else false
        elif code == 0x20:  # load a word of the call
            if k > _CALL_BYTES - 4 or k % 4:
                raise ValueError("a load beyond the call")
            accumulator = int.from_bytes(data[k : k + 4], "little")
        elif kind == 6:  # return
            return accumulator if code & 0x18 == 0x10 else k
        elif kind == 4:
            accumulator = _calculate(code, accumulator, index if code & 8 else k)
        else:
            accumulator, index = _move(code, k, (accumulator, index), memory)
    raise ValueError("a filter that does not end")


def _met(code: int, accumulator: int, operand: int) -> bool:
    """Whether the condition of a jump holds."""
    match code & 0xF0:
        case 0x10:
            return accumulator == operand
        case 0x20:
            return accumulator > operand
        case 0x30:
            return accumulator >= operand
        case 0x40:
            return bool(accumulator & operand)
        case _:
            raise ValueError(f"unknown jump {code:#x}")


def _calculate(code: int, one: int, other: int) -> int:
    operation = code & 0xF0
    if operation == 0x30 and other == 0:
        raise ValueError("a division by zero")
    results = {
        0x00: lambda: one + other,
        0x10: lambda: one - other,
        0x20: lambda: one * other,
        0x30: lambda: one // other,
        0x40: lambda: one | other,
        0x50: lambda: one & other,
        0x60: lambda: one << (other & 31),
        0x70: lambda: one >> (other & 31),
        0x80: lambda: -one,
        0xA0: lambda: one ^ other,
    }
    if operation not in results:
        raise ValueError(f"unknown operation {code:#x}")
    return results[operation]() & _WORD


def _move(code: int, k: int, registers: tuple[int, int], memory: list[int]) -> tuple[int, int]:
    """Loads, stores and transfers between the two registers and the memory."""
    accumulator, index = registers
    if code in (0x02, 0x03, 0x60, 0x61) and k >= len(memory):
        raise ValueError("memory that there is not")
    match code:
        case 0x00:
            return k, index
        case 0x01:
            return accumulator, k
        case 0x80:
            return _CALL_BYTES, index
        case 0x81:
            return accumulator, _CALL_BYTES
        case 0x60:
            return memory[k], index
        case 0x61:
            return accumulator, memory[k]
        case 0x02:
            memory[k] = accumulator
        case 0x03:
            memory[k] = index
        case 0x07:
            return accumulator, accumulator
        case 0x87:
            return index, index
        case _:
            raise ValueError(f"unknown instruction {code:#x}")
    return accumulator, index


def allows(
    programs: tuple[Program, ...], architecture: int, number: int, arguments: tuple[int, ...]
) -> bool:
    """Whether every filter lets the call through; asking or telling somebody counts as that not."""
    return all(run(p, architecture, number, arguments) & _ACTION == ALLOW for p in programs)


def probes() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Calls whose arguments decide, with the values at which a rule can go wrong.

    Each value also with bit 32 set: the kernel looks at the lower half alone, so a rule that
    compares by inequality can be passed by it (CVE-2019-7303).
    """
    for family in (*_FAMILIES, 0xFFFF, _WORD):
        for value in (family, family | _BIT_32):
            yield "socket", (value, 1, 0)
            yield "socketpair", (value, 1, 0)
    for protocol in range(1, 32):
        yield "socket", (AF_NETLINK, 3, protocol)
        yield "socket", (AF_NETLINK, 3, protocol | _BIT_32)
    for flag in (0, *_NEW_FLAGS, CLONE_NEW_ANY):
        for value in (flag, flag | _THREAD, flag | _BIT_32):
            yield "clone", (value,)
    for persona in (0, 0x0004_0000, 0x0000_0008, 0x0040_0000, _WORD, _BIT_32):
        yield "personality", (persona,)
    for kind in range(16):
        for mode in (kind << 12, kind << 12 | 0o666):
            yield "mknod", (0, mode)
            yield "mknodat", (0, 0, mode)


@lru_cache(maxsize=64)
def too_much(texts: tuple[bytes, ...], name: str, architecture: str) -> tuple[str, ...]:
    """The calls that the kernel's filters allow and the named one does not; sorted.

    Remembered, since all boxes of a version of STRICT have one program.
    """
    programs = tuple(parse(text) for text in texts)
    intended, numbers = FILTERS[name], calls.numbers(architecture)
    native, foreign = calls.AUDIT[architecture], calls.FOREIGN[architecture]
    names = {number: call for call, number in numbers.items()}
    ruled = {rule.call for rule in intended.rules}
    found = set()
    for number in range(calls.NUMBERS_END):
        call = names.get(number, "")
        wanted = call in ruled or (call and intended.answer(call) is None)
        if not wanted and allows(programs, native, number, ()):
            found.add(call or f"number {number}")
        if allows(programs, foreign, number, ()):
            found.add(f"32-bit number {number}")
        if architecture == "amd64" and allows(programs, native, number | calls.X32_BIT, ()):
            found.add(f"x32 number {number}")
    for call, arguments in probes():
        if call not in numbers or intended.answer(call, arguments) is None:
            continue
        if allows(programs, native, numbers[call], arguments):
            found.add(f"{call}({', '.join(f'{value:#x}' for value in arguments)})")
    return tuple(sorted(found))


def _filter(expectation: Expectation, reading: Reading) -> Answer:
    """The filter in force lets through nothing that the contract's filter refuses.

    What it refuses beyond that (a library that does not know a new call) weakens nothing.
    """
    name = strict_of(expectation).seccomp
    architecture = reading.architecture
    if architecture not in calls.AUDIT:
        return unproven(name, failure(reading, "tasks") or "no table of calls for this processor")

    def observe(task: TaskReading) -> str | None:
        if task.filters is None:
            return None
        if not task.filters:
            return "no filter"
        try:
            found = too_much(task.filters, name, architecture)
        except ValueError:
            return None
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        return f"allows {found[0]}{more}" if found else name

    return every_task(reading, name, observe)


FILTER_CLAIMS = (Claim("filter", "its system call filter", (), _filter, of_tasks=True),)
