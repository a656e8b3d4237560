"""Device programs of cgroup v2 are followed instruction by instruction, or not believed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestr8.proof.device_programs import allows, parse, rules
from tests.proof.assembler import device_program, instruction

RUNC = (
    "b *:* m", "c *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",
    "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm",
)  # fmt: skip


def test_a_program_says_its_rules() -> None:
    found = set(rules((device_program(*RUNC),)))
    assert {"b *:* m", "c *:* m", "c 1:3 rwm", "c 5:2 rwm", "c 136:* rwm"} <= found
    assert all(rule.split()[2] in ("m", "rwm") for rule in found)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (("a *:* rwm",), {"b *:* rwm", "c *:* rwm"}),
        (("b 8:0 r",), {"b 8:0 r"}),
        (("c 10:229 rw",), {"c 10:229 rw"}),
        (("b 8:* rw",), {"b 8:* rw"}),
        ((), set()),
    ],
)
def test_what_is_allowed_is_told(written: tuple[str, ...], said: set[str]) -> None:
    assert set(rules((device_program(*written),))) == said


def test_all_programs_must_agree() -> None:
    programs = (device_program("c 1:3 rwm", "b 8:0 rwm"), device_program("c 1:3 r", "c 1:5 rwm"))
    assert rules(programs) == ("c 1:3 r",)


def test_one_access_is_not_another() -> None:
    program = parse(device_program("c 1:3 r"))
    assert allows(program, "c", (1, 3), "r")
    assert not allows(program, "c", (1, 3), "w")
    assert not allows(program, "b", (1, 3), "r")
    assert not allows(program, "c", (1, 4), "r")


@pytest.mark.parametrize(
    "text",
    [
        b"", b"1234567",
        instruction(0x95)[:7],
        instruction(0x85, 0, 0, 1) + instruction(0x95),  # a call of a helper
        instruction(0x61, 0x22, 0) + instruction(0x95),  # a load from elsewhere
        instruction(0x61, 0x12, 12) + instruction(0x95),  # a load beyond
        instruction(0x05, 0, -1) + instruction(0x95),  # for ever
        instruction(0x05, 0, 7) + instruction(0x95),  # beyond the end
        instruction(0x87, 0x02) + instruction(0x95),  # an operation that nobody uses there
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_no_answer(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        rules((text,))


@settings(max_examples=200)
@given(st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=6))
def test_no_bytes_do_more_than_fail(instructions: list[bytes]) -> None:
    try:
        allows(parse(b"".join(instructions)), "c", (1, 3), "r")
    except ValueError:
        return
