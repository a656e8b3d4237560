"""The interpreter of filters, and what the proof makes of programs that are nearly right."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestr8.isolation.seccomp import FILTERS
from orchestr8.proof import calls, filters
from tests.proof.cases import pair_of, recorded

INTENDED = FILTERS["strict-1"]
EXPECTATION, READING = pair_of(recorded()["base"])
ARCHITECTURE = READING.architecture
NATIVE = calls.AUDIT[ARCHITECTURE]
RECORDED = (READING.tasks[0].filters or ())[0]
RETURN_ALLOW = struct.pack("<HBBI", 0x06, 0, 0, filters.ALLOW)


def program(*instructions: tuple[int, int, int, int]) -> bytes:
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in instructions)


def answer(text: bytes, number: int = 0, arguments: tuple[int, ...] = ()) -> int:
    return filters.run(filters.parse(text), NATIVE, number, arguments)


def test_the_program_that_the_kernel_held_is_the_intended_filter() -> None:
    assert filters.too_much((RECORDED,), "strict-1", ARCHITECTURE) == ()
    held = (filters.parse(RECORDED),)
    differing = []
    asked = [(call, ()) for call in calls.numbers(ARCHITECTURE)] + list(filters.probes())
    ruled = {rule.call for rule in INTENDED.rules}
    for call, arguments in asked:
        if call in ruled and not arguments:
            continue
        number = calls.numbers(ARCHITECTURE)[call]
        allowed = filters.allows(held, NATIVE, number, arguments)
        if allowed != (INTENDED.answer(call, arguments) is None):
            differing.append((call, arguments))
    # a library that is older than a call leaves it out: tighter, and no weakness
    assert [d for d in differing if d[0] not in _NEWER_THAN_THE_LIBRARY] == []


_NEWER_THAN_THE_LIBRARY = {
    "cachestat", "fchmodat2", "map_shadow_stack", "futex_wake", "futex_wait", "futex_requeue",
    "mseal", "setxattrat", "getxattrat", "listxattrat", "removexattrat",
}  # fmt: skip


def test_every_refusal_that_is_turned_round_is_found() -> None:
    places = [
        offset
        for offset in range(0, len(RECORDED), 8)
        if RECORDED[offset] == 0x06 and RECORDED[offset : offset + 8] != RETURN_ALLOW
    ]
    assert len(places) > 4
    unseen = []
    for offset in places:
        changed = RECORDED[:offset] + RETURN_ALLOW + RECORDED[offset + 8 :]
        if not filters.too_much((changed,), "strict-1", ARCHITECTURE):
            unseen.append(offset)
    # the runtime asks for the architecture first, so the library's own answer to it is never given
    assert unseen == [places[-1]]


def test_a_second_filter_can_only_refuse_more() -> None:
    both = (RECORDED, RETURN_ALLOW)
    assert filters.too_much(both, "strict-1", ARCHITECTURE) == ()
    assert filters.too_much((RETURN_ALLOW, RETURN_ALLOW), "strict-1", ARCHITECTURE)


@pytest.mark.parametrize("action", [0x7FFC_0000, 0x7FF0_0000, 0x7FC0_0000, 0x0005_0001, 0, 1 << 31])
def test_logging_tracing_and_asking_are_not_allowing(action: int) -> None:
    logs = (filters.parse(program((0x06, 0, 0, action))),)
    assert not filters.allows(logs, NATIVE, 0, ())


def test_a_family_that_is_compared_by_its_lower_half_is_found() -> None:
    """Socket families by the lower word alone, as if bit 32 were not there (CVE-2019-7303)."""
    socket = calls.numbers(ARCHITECTURE)["socket"]
    text = program(
        (0x20, 0, 0, 0), (0x15, 0, 3, socket),
        (0x20, 0, 0, 16), (0x15, 0, 1, 1), (0x06, 0, 0, filters.ALLOW),
        (0x06, 0, 0, 0x0005_0001),
    )  # fmt: skip
    found = filters.too_much((text,), "strict-1", ARCHITECTURE)
    assert found == ("socket(0x100000001, 0x1, 0x0)",)


def only(call: str, arguments: tuple[int, ...]) -> bytes:
    """A filter that allows one call with these first arguments, to the bit, and nothing else."""
    words = [(0, calls.numbers(ARCHITECTURE)[call])]
    for place, value in enumerate(arguments):
        words += [(16 + 8 * place, value & 0xFFFF_FFFF), (20 + 8 * place, value >> 32)]
    asked: list[tuple[int, int, int, int]] = []
    for offset, word in reversed(words):
        asked = [(0x20, 0, 0, offset), (0x15, 0, len(asked) + 1, word), *asked]
    return program(*asked, (0x06, 0, 0, filters.ALLOW), (0x06, 0, 0, 0x0005_0001))


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("socket", (0, 1, 0)), ("socket", (63, 1, 0)), ("socket", (0xFFFF, 1, 0)),
        ("socket", (0xFFFF_FFFF, 1, 0)), ("socket", (1 << 32 | 17, 1, 0)),
        ("socketpair", (2, 1, 0)), ("socketpair", (1 << 32 | 1, 1, 0)),
        ("socket", (16, 3, 1)), ("socket", (16, 3, 31)), ("socket", (16, 3, 1 << 32 | 31)),
        ("clone", (0x0002_0000,)), ("clone", (0x4000_0000,)), ("clone", (0x7E02_0000,)),
        ("clone", (0x103D_0F00,)), ("clone", (0x1_1000_0000,)),
        ("personality", (0x0004_0000,)), ("personality", (8,)), ("personality", (0x0040_0000,)),
        ("personality", (1 << 32,)),
        ("mknod", (0, 0x2000)), ("mknod", (0, 0x61B6)), ("mknodat", (0, 0, 0x21B6)),
    ],
)  # fmt: skip
def test_a_hole_of_one_value_is_found(call: str, arguments: tuple[int, ...]) -> None:
    found = filters.too_much((only(call, arguments),), "strict-1", ARCHITECTURE)
    assert found == (f"{call}({', '.join(map(hex, arguments))})",)


@pytest.mark.parametrize(
    ("allowed", "said"),
    [
        (["reboot"], "allows reboot"),
        (["reboot", "bpf"], "allows bpf and 1 more"),
        (["reboot", "bpf", "mount"], "allows bpf and 2 more"),
    ],
)
def test_what_is_too_much_is_counted(allowed: list[str], said: str) -> None:
    jumps = [
        (0x15, len(allowed) - place, 0, calls.numbers(ARCHITECTURE)[call])
        for place, call in enumerate(allowed)
    ]
    text = program(
        (0x20, 0, 0, 4), (0x15, 0, len(allowed) + 1, NATIVE),
        (0x20, 0, 0, 0), *jumps, (0x06, 0, 0, 0x0005_0001), (0x06, 0, 0, filters.ALLOW),
    )  # fmt: skip
    task = replace(READING.tasks[0], filters=(text,))
    [claim] = filters.FILTER_CLAIMS
    answered = claim.check(EXPECTATION, replace(READING, tasks=(task,)))
    assert answered.observed == f"{said} ({task.pid} {task.comm})"


def test_a_program_has_an_end_of_its_size() -> None:
    assert len(filters.parse(RETURN_ALLOW * 4096)) == 4096
    for text in (b"", RETURN_ALLOW[:-1], RETURN_ALLOW * 4097):
        with pytest.raises(ValueError, match=f"{len(text)} bytes are no filter"):
            filters.parse(text)


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        ([(0x20, 0, 0, 0), (0x16, 0, 0, 0)], 7),  # load the number, return it
        ([(0x20, 0, 0, 4), (0x16, 0, 0, 0)], NATIVE),
        ([(0x20, 0, 0, 16), (0x16, 0, 0, 0)], 0x5566_7788),  # the lower half of an argument
        ([(0x20, 0, 0, 20), (0x16, 0, 0, 0)], 0x1122_3344),
        ([(0x20, 0, 0, 8), (0x16, 0, 0, 0)], 0),  # where the call came from, which nobody asks
        ([(0x20, 0, 0, 60), (0x16, 0, 0, 0)], 0),  # the last argument, which was not given
        ([(0x16, 0, 0, 0)], 0),  # both registers and the memory begin with nothing
        ([(0x87, 0, 0, 0), (0x16, 0, 0, 0)], 0),
        ([(0x60, 0, 0, 15), (0x16, 0, 0, 0)], 0),
        ([(0x00, 0, 0, 3), (0x04, 0, 0, 4), (0x16, 0, 0, 0)], 7),  # add
        ([(0x00, 0, 0, 3), (0x14, 0, 0, 4), (0x16, 0, 0, 0)], 0xFFFF_FFFF),  # subtract
        ([(0x00, 0, 0, 3), (0x24, 0, 0, 4), (0x16, 0, 0, 0)], 12),
        ([(0x00, 0, 0, 9), (0x34, 0, 0, 4), (0x16, 0, 0, 0)], 2),
        ([(0x00, 0, 0, 9), (0x44, 0, 0, 4), (0x16, 0, 0, 0)], 13),  # or
        ([(0x00, 0, 0, 12), (0x54, 0, 0, 6), (0x16, 0, 0, 0)], 4),  # and
        ([(0x00, 0, 0, 1), (0x64, 0, 0, 4), (0x16, 0, 0, 0)], 16),
        ([(0x00, 0, 0, 16), (0x74, 0, 0, 4), (0x16, 0, 0, 0)], 1),
        ([(0x00, 0, 0, 1), (0x84, 0, 0, 0), (0x16, 0, 0, 0)], 0xFFFF_FFFF),  # negate
        ([(0x00, 0, 0, 6), (0xA4, 0, 0, 3), (0x16, 0, 0, 0)], 5),  # exclusive or
        ([(0x01, 0, 0, 5), (0x87, 0, 0, 0), (0x16, 0, 0, 0)], 5),  # index to accumulator
        ([(0x00, 0, 0, 5), (0x07, 0, 0, 0), (0x0C, 0, 0, 0), (0x16, 0, 0, 0)], 10),
        ([(0x00, 0, 0, 5), (0x02, 0, 0, 3), (0x00, 0, 0, 0), (0x60, 0, 0, 3), (0x16, 0, 0, 0)], 5),
        ([(0x01, 0, 0, 5), (0x03, 0, 0, 3), (0x61, 0, 0, 3), (0x87, 0, 0, 0), (0x16, 0, 0, 0)], 5),
        ([(0x80, 0, 0, 0), (0x16, 0, 0, 0)], 64),  # the length of what a filter sees
        ([(0x05, 0, 0, 1), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 2),  # jump
        ([(0x00, 0, 0, 5), (0x15, 1, 0, 5), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 2),
        ([(0x00, 0, 0, 5), (0x25, 1, 0, 5), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 1),
        ([(0x00, 0, 0, 5), (0x35, 1, 0, 5), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 2),
        ([(0x00, 0, 0, 5), (0x45, 1, 0, 2), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 1),
        ([(0x00, 0, 0, 5), (0x01, 0, 0, 5), (0x1D, 1, 0, 0), (0x06, 0, 0, 1), (0x06, 0, 0, 2)], 2),
    ],
)
def test_each_instruction(instructions: list[tuple[int, int, int, int]], expected: int) -> None:
    assert answer(program(*instructions), 7, (0x1122_3344_5566_7788,)) == expected


@pytest.mark.parametrize(
    "instructions",
    [
        [(0x20, 0, 0, 64), (0x06, 0, 0, 0)],  # beyond the call
        [(0x20, 0, 0, 2), (0x06, 0, 0, 0)],  # between two words
        [(0x60, 0, 0, 16), (0x06, 0, 0, 0)],
        [(0x34, 0, 0, 0), (0x06, 0, 0, 0)],
        [(0x94, 0, 0, 1), (0x06, 0, 0, 0)],  # a remainder, which no filter may ask for
        [(0x55, 0, 0, 0), (0x06, 0, 0, 0)],  # a jump that there is not
        [(0x28, 0, 0, 0), (0x06, 0, 0, 0)],  # half a word, which the kernel refuses
        [(0x00, 0, 0, 0)],  # no end
        [(0x05, 0, 0, 9), (0x06, 0, 0, 0)],  # over the end
    ],
)
def test_what_the_kernel_would_refuse_is_no_answer(
    instructions: list[tuple[int, int, int, int]],
) -> None:
    with pytest.raises(ValueError, match=r"."):
        answer(program(*instructions))


@settings(max_examples=300)
@given(st.binary(max_size=96))
def test_no_bytes_do_more_than_fail(text: bytes) -> None:
    try:
        answer(text)
    except ValueError:
        return


def test_the_tables_agree_where_the_kernel_gave_both_one_number() -> None:
    amd64, arm64 = calls.numbers("amd64"), calls.numbers("arm64")
    assert amd64["socket"] == 41 and arm64["socket"] == 198
    for name in ("pidfd_send_signal", "io_uring_setup", "clone3", "mseal", "file_setattr"):
        assert amd64[name] == arm64[name]
    for table in (amd64, arm64):
        assert len(set(table.values())) == len(table)
        assert max(table.values()) < calls.NUMBERS_END


@pytest.mark.parametrize("place", range(6))
def test_an_argument_that_is_not_given_is_nought(place: int) -> None:
    loads = program((0x20, 0, 0, 16 + 8 * place), (0x16, 0, 0, 0))
    given = (5, 6, 7, 8, 9, 10)
    assert answer(loads, arguments=given) == given[place]
    assert answer(loads, arguments=given[:place]) == 0
    assert answer(loads) == 0


@pytest.mark.parametrize(("mask", "taken"), [(0b0100, True), (0b0110, True), (0b0010, False)])
def test_a_jump_on_common_bits(mask: int, taken: bool) -> None:
    jump = ((0x00, 0, 0, 0b1100), (0x45, 0, 1, mask), (0x06, 0, 0, 1), (0x06, 0, 0, 2))
    assert answer(program(*jump)) == (1 if taken else 2)


@pytest.mark.parametrize("code", [0x60, 0x61, 0x02, 0x03])
def test_memory_ends_after_sixteen_words(code: int) -> None:
    returns = (0x06, 0, 0, 7)
    assert answer(program((code, 0, 0, 15), returns)) == 7
    with pytest.raises(ValueError, match="memory that there is not"):
        answer(program((code, 0, 0, 16), returns))


def test_the_index_register_takes_a_length_and_a_word_of_memory() -> None:
    to_answer = ((0x87, 0, 0, 0), (0x16, 0, 0, 0))
    assert answer(program((0x81, 0, 0, 0), *to_answer)) == 64
    stored = ((0x00, 0, 0, 42), (0x02, 0, 0, 3))
    assert answer(program(*stored, (0x61, 0, 0, 3), *to_answer)) == 42


def test_every_value_at_which_a_rule_can_go_wrong_is_asked() -> None:
    asked: dict[str, set[tuple[int, ...]]] = {}
    for call, arguments in filters.probes():
        asked.setdefault(call, set()).add(arguments)
    netlink = {protocol & 0xFFFF for family, kind, protocol in asked["socket"] if kind == 3}
    assert netlink == set(range(1, 32))
    assert {family & 0xFFFF_FFFF for family, *_ in asked["socket"]} >= {*range(64), 0xFFFF_FFFF}
    modes = {mode for _, mode in asked["mknod"]}
    assert asked["mknod"] == {(0, mode) for mode in modes}
    assert modes == {kind << 12 | bits for kind in range(16) for bits in (0, 0o666)}
    assert {mode for *_, mode in asked["mknodat"]} == modes
    assert all(arguments[:-1] == (0,) * (len(arguments) - 1) for arguments in asked["mknodat"])
    flags = {flag for (flag,) in asked["clone"]}
    assert {0, 0x1000_0000, 0x0002_0000, 0x7E02_0000} <= flags


@pytest.mark.parametrize(("architecture", "has_x32"), [("amd64", True), ("arm64", False)])
def test_calls_of_other_kinds_are_asked_for(architecture: str, has_x32: bool) -> None:
    filters.too_much.cache_clear()
    found = filters.too_much((RETURN_ALLOW,), "strict-1", architecture)
    assert "32-bit number 5" in found
    assert ("x32 number 5" in found) == has_x32
