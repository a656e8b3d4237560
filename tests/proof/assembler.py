"""Device programs as runtimes write them: one rule after another, else no."""

from __future__ import annotations

import struct

_KINDS = {"b": 1, "c": 2}
_ACCESSES = {"m": 1, "r": 2, "w": 4}


def instruction(code: int, registers: int = 0, offset: int = 0, constant: int = 0) -> bytes:
    """One instruction; the lower half of `registers` is the destination."""
    return struct.pack("<BBhi", code, registers, offset, constant)


def device_program(*rules: str) -> bytes:
    """A program that allows these rules (`c 1:3 rwm`, `c *:* m`, `a *:* rwm`) and nothing else."""
    text = [
        instruction(0x61, 0x12, 0), instruction(0x54, 0x02, 0, 0xFFFF),  # r2: the kind
        instruction(0x61, 0x13, 0), instruction(0x74, 0x03, 0, 16),  # r3: the access
        instruction(0x61, 0x14, 4), instruction(0x61, 0x15, 8),  # r4, r5: major and minor
    ]  # fmt: skip
    return b"".join((*text, *map(_rule, rules), instruction(0xB7), instruction(0x95)))


def _rule(rule: str) -> bytes:
    kind, numbers, access = rule.split()
    major, minor = numbers.split(":")
    tests: list[tuple[int, int, int]] = []  # code and registers of a jump, and the constant
    if kind != "a":
        tests.append((0x55, 0x02, _KINDS[kind]))
    if major != "*":
        tests.append((0x55, 0x04, int(major)))
    if minor != "*":
        tests.append((0x55, 0x05, int(minor)))
    mask = sum(_ACCESSES[letter] for letter in access)
    body = [instruction(0xB7, 0x00, 0, 1), instruction(0x95)]
    if mask != 7:  # what is asked beyond the mask must be nothing
        body = [
            instruction(0xBC, 0x31), instruction(0x54, 0x01, 0, mask), instruction(0x5D, 0x31, 2),
            *body,
        ]  # fmt: skip
    for place, (code, registers, constant) in enumerate(reversed(tests)):
        body.insert(0, instruction(code, registers, len(body), constant))
        assert place < 3
    return b"".join(body)
