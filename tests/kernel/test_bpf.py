"""Device programs are read back from the kernel; tried on a cgroup of our own."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestr8.kernel import bpf, cgroups, syscalls
from orchestr8.proof.device_programs import rules
from tests.proof.assembler import device_program

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="device programs need root")
_LOAD, _ATTACH = 5, 8
_KIND_CGROUP_DEVICE, _CGROUP_DEVICE, _ALLOW_MULTI = 15, 6, 2


@pytest.fixture
def cgroup() -> Iterator[int]:
    """An empty cgroup on the v2 tree, which this host has even where v1 limits."""
    tree = cgroups.hierarchies().get(cgroups.UNIFIED)
    if tree is None:
        pytest.skip("this host has no cgroup v2 at all")
    folder = Path(tree.mount) / f"orchestr8-test-{os.getpid()}"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)
    folder.rmdir()


def attach(cgroup: int, text: bytes) -> None:
    instructions = ctypes.create_string_buffer(text)
    licence = ctypes.create_string_buffer(b"GPL")
    # union bpf_attr: kind, number of instructions, where they are, where the licence is
    asked = struct.pack(
        "<IIQQ", _KIND_CGROUP_DEVICE, len(text) // 8,
        ctypes.addressof(instructions), ctypes.addressof(licence),
    )  # fmt: skip
    program = _bpf(_LOAD, asked)
    try:
        _bpf(_ATTACH, struct.pack("<IIII", cgroup, program, _CGROUP_DEVICE, _ALLOW_MULTI))
    finally:
        os.close(program)


def _bpf(command: int, asked: bytes) -> int:
    buffer = ctypes.create_string_buffer(asked, 128)
    return syscalls.call("bpf", ctypes.c_int(command), buffer, ctypes.c_uint(128))


def test_a_cgroup_without_programs_allows_everything(cgroup: int) -> None:
    assert bpf.device_programs(cgroup) == ()


def test_each_program_in_force_is_given(cgroup: int) -> None:
    attach(cgroup, device_program("c 1:3 rwm", "c *:* m"))
    assert set(rules(bpf.device_programs(cgroup))) == {"c 1:3 rwm", "c *:* m"}
    attach(cgroup, device_program("c 1:3 r", "b 8:0 rw"))
    assert len(bpf.device_programs(cgroup)) == 2
    assert rules(bpf.device_programs(cgroup)) == ("c 1:3 r",)
