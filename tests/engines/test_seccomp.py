"""The filter as data: what it says to calls, and the text that is loaded."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from orchestr8.isolation.seccomp import (
    EAFNOSUPPORT,
    ENOSYS,
    EPERM,
    FILTERS,
    Compare,
    profile_json,
)
from orchestr8.isolation.strict import VERSIONS

STRICT = FILTERS["strict-1"]
BIT_32 = 1 << 32


@pytest.mark.parametrize("version", VERSIONS.values(), ids=lambda v: str(v.version))
def test_every_version_of_strict_has_its_filter(version: Any) -> None:
    assert version.seccomp in FILTERS


def test_it_names_what_the_catalogue_names() -> None:
    assert (len(STRICT.allowed), len(STRICT.refused)) == (350, 84)
    assert not STRICT.allowed & STRICT.refused
    ruled = {rule.call for rule in STRICT.rules}
    assert ruled == {"socket", "socketpair", "clone", "personality", "mknod", "mknodat"}
    assert not ruled & (STRICT.allowed | STRICT.refused)


@pytest.mark.parametrize(
    ("call", "arguments", "answer"),
    [
        ("read", (), None),
        ("mount", (), EPERM),
        ("bpf", (), EPERM),
        ("io_uring_setup", (), EPERM),
        ("ptrace", (), EPERM),
        ("clone3", (), ENOSYS),
        ("never_heard_of", (), ENOSYS),
        ("clone", (0,), None),
        ("clone", (0x003D0F00,), None),  # a thread
        ("clone", (0x10000000,), ENOSYS),  # a user namespace
        ("clone", (0x00020000,), ENOSYS),  # a mount namespace
        ("socket", (1, 1, 0), None),
        ("socket", (2, 1, 0), None),
        ("socket", (10, 1, 0), None),
        ("socket", (16, 3, 0), None),
        ("socket", (16, 3, 9), ENOSYS),  # netlink's audit
        ("socket", (17, 3, 0), EAFNOSUPPORT),  # packet
        ("socket", (38, 5, 0), EAFNOSUPPORT),  # the kernel's cryptography
        ("socket", (40, 1, 0), EAFNOSUPPORT),  # to the hypervisor
        ("socketpair", (1, 1, 0), None),
        ("socketpair", (2, 1, 0), ENOSYS),
        ("personality", (0,), None),
        ("personality", (0xFFFFFFFF,), None),
        ("personality", (0x0040000,), ENOSYS),
        ("mknod", (0, 0o100644), None),
        ("mknod", (0, 0o010644), None),
        ("mknod", (0, 0o020644), EPERM),
        ("mknodat", (0, 0, 0o140644), None),
        ("mknodat", (0, 0, 0o060644), EPERM),
    ],
)
def test_answers(call: str, arguments: tuple[int, ...], answer: int | None) -> None:
    assert STRICT.answer(call, arguments) == answer


@pytest.mark.parametrize("family", range(64))
def test_no_family_comes_in_by_a_bit_that_the_kernel_cuts_off(family: int) -> None:
    assert STRICT.answer("socket", (family + BIT_32, 1, 0)) is not None


def test_what_allows_compares_for_equality() -> None:
    for rule in STRICT.rules:
        if rule.errno is None:
            kinds = {condition.compare for condition in rule.conditions}
            assert kinds <= {Compare.EXACT, Compare.MASKED}
        indexes = [condition.argument for condition in rule.conditions]
        assert len(set(indexes)) == len(indexes), "one comparison of an argument in a rule"


@pytest.mark.parametrize(
    ("architecture", "word"), [("amd64", "SCMP_ARCH_X86_64"), ("arm64", "SCMP_ARCH_AARCH64")]
)
def test_the_text_is_plain_and_for_one_architecture(architecture: str, word: str) -> None:
    document = json.loads(profile_json("strict-1", architecture))
    assert document["architectures"] == [word]
    assert set(document) == {"architectures", "defaultAction", "defaultErrnoRet", "syscalls"}
    assert document["defaultErrnoRet"] == ENOSYS
    for entry in document["syscalls"]:
        assert set(entry) <= {"names", "action", "errnoRet", "args"}
        assert all(re.fullmatch("[a-z0-9_]+", name) for name in entry["names"])
    named = {name for entry in document["syscalls"] for name in entry["names"]}
    assert named == STRICT.calls()
    assert profile_json("strict-1", architecture) is profile_json("strict-1", architecture)


def test_a_masked_comparison_has_the_mask_first() -> None:
    document = json.loads(profile_json("strict-1", "amd64"))
    (clone,) = [entry for entry in document["syscalls"] if entry["names"] == ["clone"]]
    (argument,) = clone["args"]
    assert argument == {
        "index": 0, "op": "SCMP_CMP_MASKED_EQ", "value": 0x7E020000, "valueTwo": 0
    }  # fmt: skip


def test_there_is_none_for_an_architecture_that_cannot_be_filtered() -> None:
    with pytest.raises(KeyError):
        profile_json("strict-1", "386")
