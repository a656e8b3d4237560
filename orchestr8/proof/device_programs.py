"""What the kernel's device programs allow: an interpreter for the few instructions that they use.

On cgroup v2 a program is asked for every open and mknod: it sees kind, access, major and minor
(struct bpf_cgroup_dev_ctx of include/uapi/linux/bpf.h) and says 1 or 0. Runtimes write programs
that compare these with constants; whatever else stands in one is no answer, and so unproven.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache

Instruction = tuple[int, int, int, int, int]
"""Code, destination, source, offset, constant."""

_KINDS = {"b": 1, "c": 2}
_ACCESSES = {"m": 1, "r": 2, "w": 4}
_STEPS_MAX = 65_536
_WORD, _LONG = (1 << 32) - 1, (1 << 64) - 1
_CONTEXT_BYTES = 12
_UNNAMED = 4093  # a number that no device has, standing for all that a program does not name
_SIZES = {0x61: 4, 0x69: 2, 0x71: 1}  # loads of a word, a half, a byte
_EXIT, _LOAD_64 = 0x95, 0x18


def parse(text: bytes) -> tuple[Instruction, ...]:
    """The instructions; raises ValueError if it is no program."""
    if not text or len(text) % 8:
        raise ValueError(f"{len(text)} bytes are no program")
    return tuple(
        (code, registers & 15, registers >> 4, offset, constant)
        for code, registers, offset, constant in struct.iter_unpack("<BBhi", text)
    )


def allows(
    program: tuple[Instruction, ...], kind: str, numbers: tuple[int, int], access: str
) -> bool:
    """Whether a program lets `kind` major:minor be used with one access out of m, r and w."""
    context = struct.pack("<III", _ACCESSES[access] << 16 | _KINDS[kind], *numbers)
    registers = [0] * 16
    place = 0
    for _ in range(_STEPS_MAX):
        if not 0 <= place < len(program):
            break
        instruction = program[place]
        code = instruction[0]
        if code == _EXIT:
            return bool(registers[0] & _WORD)
        if code in _SIZES:
            _load(instruction, registers, context)
        elif code & 7 in (4, 7):
            _calculate(instruction, registers)
        elif code & 7 in (5, 6):
            place += _jump(instruction, registers)
        elif code == _LOAD_64 and place + 1 < len(program):
            upper = program[place + 1][4]
            registers[instruction[1]] = (upper & _WORD) << 32 | instruction[4] & _WORD
            place += 1
        else:
            raise ValueError(f"unknown instruction {code:#x}")
        place += 1
    raise ValueError("a program that does not end")


def _load(instruction: Instruction, registers: list[int], context: bytes) -> None:
    code, destination, source, offset, _ = instruction
    size = _SIZES[code]
    if source != 1 or registers[1] != 0 or not 0 <= offset <= _CONTEXT_BYTES - size:
        raise ValueError("a load from elsewhere than the question")
    registers[destination] = int.from_bytes(context[offset : offset + size], "little")


def _calculate(instruction: Instruction, registers: list[int]) -> None:
    code, destination, source, _, constant = instruction
    mask = _LONG if code & 7 == 7 else _WORD
    one = registers[destination] & mask
    other = (registers[source] if code & 8 else constant) & mask
    shift = other & (63 if mask == _LONG else 31)
    results = {
        0x00: one + other, 0x10: one - other, 0x40: one | other, 0x50: one & other,
        0x60: one << shift, 0x70: one >> shift, 0xA0: one ^ other, 0xB0: other,
    }  # fmt: skip
    operation = code & 0xF0
    if operation not in results or destination > 9:
        raise ValueError(f"unknown operation {code:#x}")
    registers[destination] = results[operation] & mask


def _jump(instruction: Instruction, registers: list[int]) -> int:
    code, destination, source, offset, constant = instruction
    if code == 0x05:
        return offset
    mask = _LONG if code & 7 == 5 else _WORD
    one = registers[destination] & mask
    other = (registers[source] if code & 8 else constant) & mask
    met = {
        0x10: one == other, 0x20: one > other, 0x30: one >= other, 0x40: bool(one & other),
        0x50: one != other, 0xA0: one < other, 0xB0: one <= other,
    }  # fmt: skip
    operation = code & 0xF0
    if operation not in met:
        raise ValueError(f"unknown jump {code:#x}")
    return offset if met[operation] else 0


@lru_cache(maxsize=64)
def rules(texts: tuple[bytes, ...]) -> tuple[str, ...]:
    """What all programs together allow, as v1 writes it: `c 1:3 rwm`, with * for every number.

    Numbers that no program names are all treated alike, so one stands for them. Raises ValueError
    for a program that cannot be followed.
    """
    programs = tuple(parse(text) for text in texts)
    named = {i[4] for program in programs for i in program if 0 <= i[4] <= _UNNAMED - 1}
    numbers = (*sorted(named), _UNNAMED)
    found = []
    for kind in _KINDS:
        for major in numbers:
            for minor in numbers:
                access = "".join(
                    letter
                    for letter in "rwm"
                    if all(allows(p, kind, (major, minor), letter) for p in programs)
                )
                if access:
                    found.append(f"{kind} {_shown(major)}:{_shown(minor)} {access}")
    return tuple(_without_covered(found))


def _shown(number: int) -> str:
    return "*" if number == _UNNAMED else str(number)


def _without_covered(found: list[str]) -> Iterator[str]:
    """Leave out what a rule with * says already."""
    access = dict(rule.rsplit(" ", 1) for rule in found)
    for rule in found:
        device, letters = rule.rsplit(" ", 1)
        kind, major, minor = device.replace(":", " ").split()
        wider = {f"{kind} {major}:*", f"{kind} *:{minor}", f"{kind} *:*"} - {device}
        if not any(set(letters) <= set(access.get(other, "")) for other in wider):
            yield rule
