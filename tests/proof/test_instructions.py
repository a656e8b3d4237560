"""Device programs are computed as the kernel computes them, operation by operation."""

from __future__ import annotations

import pytest

from orchestr8.proof.device_programs import allows, parse
from tests.proof.assembler import instruction

EXIT = instruction(0x95)
LONG, WORD = 0x07, 0x04
"""The classes of operations on 64 and on 32 bits."""


def says(*steps: bytes) -> bool:
    """What a program of these steps answers; register 0 is its answer."""
    return allows(parse(b"".join((*steps, EXIT))), "c", (1, 3), "r")


def is_then(register: int, value: int, *steps: bytes) -> bool:
    """Whether a register has this value after these steps."""
    unlike = instruction(0x55, register, 1, value)
    return says(*steps, instruction(0xB7, 0), unlike, instruction(0xB7, 0, 0, 1))


def moved(register: int, value: int) -> bytes:
    """A register is given a number, on 64 bits."""
    return instruction(0xB7, register, 0, value)


@pytest.mark.parametrize("width", [LONG, WORD])
@pytest.mark.parametrize(
    ("operation", "one", "other", "result"),
    [
        (0x00, 6, 3, 9), (0x10, 6, 3, 3), (0x40, 6, 3, 7), (0x50, 6, 3, 2), (0x60, 6, 3, 48),
        (0x70, 48, 3, 6), (0xA0, 6, 3, 5), (0xB0, 6, 3, 3),
    ],
)  # fmt: skip
def test_operations(width: int, operation: int, one: int, other: int, result: int) -> None:
    code = operation | width
    assert is_then(2, result, moved(2, one), instruction(code, 2, 0, other))
    from_register = instruction(code | 8, 0x32)
    assert is_then(2, result, moved(2, one), moved(3, other), from_register)


def test_words_are_cut_and_longs_are_not() -> None:
    all_ones, shifted = moved(2, -1), instruction(0x77, 2, 0, 32)
    assert is_then(2, 0, all_ones, instruction(0x04, 2, 0, 0), shifted)
    assert not is_then(2, 0, all_ones, instruction(0x07, 2, 0, 0), shifted)
    assert is_then(2, 0, moved(2, 0), instruction(0x14, 2, 0, 1), shifted)


def test_shifts_count_within_their_width() -> None:
    assert is_then(2, 2, moved(2, 1), instruction(0x64, 2, 0, 33))
    assert is_then(2, 2, moved(2, 1), instruction(0x67, 2, 0, 65))
    assert is_then(2, 1, moved(2, 1), instruction(0x67, 2, 0, 33), instruction(0x77, 2, 0, 33))


def test_a_long_constant_has_two_halves() -> None:
    load = instruction(0x18, 2, 0, 5) + instruction(0, 0, 0, 1)
    assert is_then(2, 1, load, instruction(0x77, 2, 0, 32))
    assert is_then(2, 5, load, instruction(0x04, 2, 0, 0))
    with pytest.raises(ValueError, match="unknown instruction 0x18"):
        allows(parse(instruction(0x18, 2, 0, 5)), "c", (1, 3), "r")


@pytest.mark.parametrize("width", [0x05, 0x06])
@pytest.mark.parametrize(
    ("operation", "taken_for"),
    [
        (0x10, {4}), (0x20, {5, 6}), (0x30, {4, 5, 6}), (0x40, {4, 5, 6}), (0x50, {2, 3, 5, 6}),
        (0xA0, {2, 3}), (0xB0, {2, 3, 4}),
    ],
)  # fmt: skip
def test_jumps(width: int, operation: int, taken_for: set[int]) -> None:
    code = operation | width
    for one in range(2, 7):
        start = (moved(0, 1), moved(2, one), moved(3, 4))
        for jump in (instruction(code, 2, 1, 4), instruction(code | 8, 0x32, 1)):
            assert says(*start, jump, moved(0, 0)) == (one in taken_for), (one, hex(code))


def test_a_jump_on_words_does_not_see_the_upper_half() -> None:
    upper = instruction(0x18, 2, 0, 4) + instruction(0, 0, 0, 1)
    for code, equal in ((0x15, False), (0x16, True)):
        assert says(moved(0, 1), upper, instruction(code, 2, 1, 4), moved(0, 0)) == equal


def test_a_plain_jump_and_the_lower_half_of_the_answer() -> None:
    assert says(moved(0, 1), instruction(0x05, 0, 1), moved(0, 0))
    assert not says(instruction(0x18, 0) + instruction(0, 0, 0, 1))


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (instruction(0x85), "unknown jump 0x85"),
        (instruction(0x20), "unknown instruction 0x20"),
        (instruction(0x87, 2), "unknown operation 0x87"),
        (instruction(0xB7, 10), "unknown operation 0xb7"),
        (instruction(0x65, 2), "unknown jump 0x65"),
        (instruction(0x05, 0, -1), "does not end"),
        (instruction(0x05, 0, 9), "does not end"),
        (instruction(0x61, 0x12, 9), "elsewhere than the question"),
        (instruction(0x61, 0x12, -1), "elsewhere than the question"),
    ],
)
def test_what_is_refused_says_why(step: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        says(step)


def test_the_question_is_read_in_all_its_sizes() -> None:
    assert is_then(2, 2, instruction(0x69, 0x12, 0))  # the kind
    assert is_then(2, 2, instruction(0x69, 0x12, 2))  # the access, which is read
    assert is_then(2, 1, instruction(0x61, 0x12, 4))
    assert is_then(2, 3, instruction(0x71, 0x12, 8))
    assert is_then(2, 0, instruction(0x71, 0x12, 11))
