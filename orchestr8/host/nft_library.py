"""libnftables: what the program `nft` itself calls, without a process for each transaction.

The library comes with the program. It reads the same language and prints the same listings.
"""

from __future__ import annotations

import ctypes
import socket
from functools import cache

from msgspec import Struct

_NAME = "libnftables.so.1"
_JSON = 1 << 4
_NETLINK_NETFILTER = 12
_CONTEXT = ctypes.c_void_p
_SIGNATURES = {
    "nft_ctx_new": ([ctypes.c_uint32], _CONTEXT),
    "nft_ctx_free": ([_CONTEXT], None),
    "nft_ctx_buffer_output": ([_CONTEXT], ctypes.c_int),
    "nft_ctx_buffer_error": ([_CONTEXT], ctypes.c_int),
    "nft_ctx_get_output_buffer": ([_CONTEXT], ctypes.c_char_p),
    "nft_ctx_get_error_buffer": ([_CONTEXT], ctypes.c_char_p),
    "nft_ctx_output_set_flags": ([_CONTEXT, ctypes.c_uint], None),
    "nft_run_cmd_from_buffer": ([_CONTEXT, ctypes.c_char_p], ctypes.c_int),
}


class Said(Struct, frozen=True):
    """What the library answers: `errors` as the program would print them."""

    good: bool
    output: str
    errors: str


def found() -> bool:
    """Whether the library is there."""
    return _library() is not None


def run(script: str, *, as_json: bool = False) -> Said | None:
    """All commands of the script, or none; None where the library is missing or cannot be used.

    A context lives for one script only: it belongs to the network namespace in which it was made,
    and to one thread.
    """
    library = _library()
    if library is None or not _is_open():
        return None
    context = library.nft_ctx_new(0)
    if not context:
        return None
    try:
        if library.nft_ctx_buffer_output(context) or library.nft_ctx_buffer_error(context):
            return None
        if as_json:
            library.nft_ctx_output_set_flags(context, _JSON)
        status = library.nft_run_cmd_from_buffer(context, script.encode())
        output = library.nft_ctx_get_output_buffer(context) or b""
        errors = library.nft_ctx_get_error_buffer(context) or b""
        return Said(status == 0, output.decode(errors="replace"), errors.decode(errors="replace"))
    finally:
        library.nft_ctx_free(context)


@cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(_NAME)
        for name, (arguments, result) in _SIGNATURES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, result
    except (OSError, AttributeError):
        return None
    return library


def _is_open() -> bool:
    """Whether the kernel talks about packet filters at all: where it does not, the library ends the
    whole process that asks."""
    try:
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER).close()
    except OSError:
        return False
    return True
