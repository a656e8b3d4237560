"""The programs that the kernel asks before a box opens a device, on cgroup v2: bpf(2).

Asked for with CAP_BPF or CAP_SYS_ADMIN; a kernel that hides its addresses from root as well
(kptr_restrict 2) does not give the instructions.
"""

from __future__ import annotations

import ctypes
import os
import struct

from orchestr8.kernel import syscalls

_PROG_GET_FD_BY_ID, _OBJ_GET_INFO_BY_FD, _PROG_QUERY = 13, 15, 16
_CGROUP_DEVICE = 6
_EFFECTIVE = 1  # those of the cgroups above as well: all of them must agree
_PROGRAMS_MAX = 64
_INFO_BYTES = 256
_INSTRUCTIONS_BYTES_MAX = 8 * 65_536
_ATTRIBUTE_BYTES = 64


def device_programs(cgroup: int) -> tuple[bytes, ...]:
    """The instructions of every program in force for an open cgroup; none: all is allowed."""
    ids = (ctypes.c_uint32 * _PROGRAMS_MAX)()
    # union bpf_attr: target_fd, attach_type, query_flags, attach_flags, prog_ids, prog_cnt
    asked = struct.pack(
        "<IIIIQI", cgroup, _CGROUP_DEVICE, _EFFECTIVE, 0, ctypes.addressof(ids), _PROGRAMS_MAX
    )
    _, answer = _bpf(_PROG_QUERY, asked)
    count = int.from_bytes(answer[24:28], "little")
    return tuple(_instructions(number) for number in ids[:count])


def _instructions(number: int) -> bytes:
    descriptor, _ = _bpf(_PROG_GET_FD_BY_ID, struct.pack("<I", number))
    try:
        length = int.from_bytes(_info(descriptor, 0, 0)[20:24], "little")
        if not 0 < length <= _INSTRUCTIONS_BYTES_MAX:
            raise OSError(1, "the kernel does not give the instructions of a device program")
        buffer = ctypes.create_string_buffer(length)
        _info(descriptor, length, ctypes.addressof(buffer))
        return buffer.raw
    finally:
        os.close(descriptor)


def _info(descriptor: int, length: int, address: int) -> bytes:
    """struct bpf_prog_info: the length of the instructions at 20, where they go at 32."""
    info = ctypes.create_string_buffer(struct.pack("<16xII8xQ", 0, length, address), _INFO_BYTES)
    asked = struct.pack("<IIQ", descriptor, _INFO_BYTES, ctypes.addressof(info))
    _bpf(_OBJ_GET_INFO_BY_FD, asked)
    return info.raw


def _bpf(command: int, attribute: bytes) -> tuple[int, bytes]:
    buffer = ctypes.create_string_buffer(attribute, _ATTRIBUTE_BYTES)
    result = syscalls.call("bpf", ctypes.c_int(command), buffer, ctypes.c_uint(_ATTRIBUTE_BYTES))
    return result, buffer.raw
